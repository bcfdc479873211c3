import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { backplane, expectRefused } from './fake-terminal.ts';

const door = `
import { device, inject, InterruptPin, IsaDevice, portRegion } from 'backplane';
abstract class Porter { abstract report(what: string): void }
const ports = portRegion({ name: 'door', base: 0x360, size: 1 });
@device({ type: 'door', description: 'A door' })
export class Door extends IsaDevice {
  readonly irq = new InterruptPin();
  constructor(@inject(Porter) readonly porter: Porter) { super(); }
  @ports.read() look() { return 0; }
}`;

describe('backplane doc', () => {
  it('prints the register reference of a device', async () => {
    const { status, printed, noted } = await backplane('doc', '-device', 'PIIX3');
    expect({ status, noted }).toEqual({ status: 0, noted: '' });
    expect(printed).toMatch(/^# PIIX3\n\nIntel 82371SB PCI to ISA bridge\. Bus: pci\./);
    expect(printed).toContain('| 2 | `now` | trigger | 0x0 |');
    expect(printed.endsWith('\n')).toBe(false);
  });

  it('prints the same facts as JSON', async () => {
    const { printed } = await backplane('doc', '-device', 'PIIX3', '--json');
    const { registers } = JSON.parse(printed) as { registers: { name: string; fields: { name: string }[] }[] };
    expect(registers.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['resetControl', 'pirqRoute', 'topOfMemory']),
    );
    expect(registers[0]?.fields.map(({ name }) => name)).toEqual(['unused', 'hardNextTime', 'now', 'unused']);
  });

  it('tells of interrupts: those the device raises, and those it hears', async () => {
    const { printed } = await backplane('doc', '-device', 'i8259');
    expect(printed).toContain('| `interrupt` | output | where the machine wires it |');
    expect(printed).toContain('| `line[0]` to `line[15]` | input |');
    expect((await backplane('doc', '-device', 'mc146818rtc')).printed).toContain('| `irq` | output | ISA IRQ 8');
  });

  it('lists the devices when none is named, with those of a plugin among them', async () => {
    const own = await backplane('doc');
    expect(own).toMatchObject({ status: 0, noted: '' });
    expect(own.printed).toMatch(/^Devices, for 'backplane doc -device DEVICE':\n.* edu +Educational PCI device\n/s);
    expect((await backplane('doc', '-device', 'help')).printed).toBe(own.printed);
    const { printed } = await backplane('doc', '--plugin', 'examples/egg-timer.ts');
    expect(printed).toContain('egg-timer');
    const listed = JSON.parse((await backplane('doc', '--json')).printed) as { type: string }[];
    expect(listed.map(({ type }) => type)).toContain('mc146818rtc');
  });

  it('prints the reference of a device of a plugin, whatever comes first', async () => {
    const { status, noted, printed } = await backplane(
      'doc',
      '--plugin',
      'examples/egg-timer.ts',
      '-device',
      'egg-timer',
    );
    expect({ status, noted }).toEqual({ status: 0, noted: '' });
    expect(printed).toMatch(/^# egg-timer\n/);
    expect(printed).toContain('| 0x0 | write | 1 | start |');
  });

  it('leaves the interrupts out of a device that only its own machine can build, and says so', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'backplane-doc-'));
    try {
      writeFileSync(join(folder, 'door.ts'), door);
      const { status, noted, printed } = await backplane('doc', '-device', 'door', '-plugin', join(folder, 'door.ts'));
      expect(status).toBe(0);
      expect(noted).toMatch(/its interrupts are left out, for it cannot be built alone: .*asks for a Porter/);
      expect(printed).toContain('It asks the machine for `Porter`.');
      expect(printed).not.toContain('## Interrupts');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it.each([
    [['i8259'], 'misplaced-argument', "'backplane doc -device i8259'"],
    [['-device', 'i8259', '-device', 'edu'], 'repeated-argument', "'i8259' and 'edu'"],
    [['-device', 'edu,dma_mask=1'], 'misplaced-argument', "'-device edu'"],
    [['-device', 'i8269'], 'unknown-device', "'i8259'"],
    [['-device', ''], 'unknown-device', "''"],
    [['-device', 'edu', '-plugin', './nowhere.ts'], 'file-not-found', './nowhere.ts'],
  ])('%j is refused with what to write instead', async (words, code, named) => {
    expectRefused(await backplane('doc', ...words), code, named);
  });

  it('explains itself, and is in the overview', async () => {
    expect((await backplane('doc', '--help')).printed).toMatch(/^Usage: backplane doc \[-device DEVICE\]/);
    expect((await backplane('--help')).printed).toContain('doc -device DEVICE');
  });
});
