import { describe, expect, it } from 'vitest';
import { backplane } from './fake-terminal.ts';

describe('backplane doc', () => {
  it('prints the register reference of a device', async () => {
    const { status, printed, noted } = await backplane('doc', '-device', 'PIIX3');
    expect({ status, noted }).toEqual({ status: 0, noted: '' });
    expect(printed).toMatch(/^# PIIX3\n\nIntel 82371SB PCI to ISA bridge\. Bus: pci\./);
    expect(printed).toContain('| 2 | `now` | write-only | 0x0 |');
    expect(printed.endsWith('\n')).toBe(false);
  });

  it('prints the same facts as JSON', async () => {
    const { printed } = await backplane('doc', '-device', 'PIIX3', '--json');
    const { registers } = JSON.parse(printed) as { registers: { name: string; fields: { name: string }[] }[] };
    expect(registers.map(({ name }) => name)).toEqual(['resetControl']);
    expect(registers[0]?.fields.map(({ name }) => name)).toEqual(['unused', 'hardNextTime', 'now', 'unused']);
  });

  it.each([
    [[], "doc: name one device: 'backplane doc -device edu'. 'backplane -device help' lists them."],
    [['i8259'], "doc: name one device: 'backplane doc -device i8259'. 'backplane -device help' lists them."],
    [['-device', 'i8259', '-device', 'edu'], "doc: name one device: 'backplane doc -device edu'."],
    [['-device', 'i8258'], "there is no device 'i8258'. Did you mean 'i8259'?"],
    [['-device', 'edu', '-plugin', './nowhere.ts'], './nowhere.ts'],
  ])('%j is refused with what to write instead', async (words, message) => {
    const { status, printed, noted } = await backplane('doc', ...words);
    expect({ status, printed }).toEqual({ status: 1, printed: '' });
    expect(noted).toContain(message);
  });

  it('explains itself, and is in the overview', async () => {
    expect((await backplane('doc', '--help')).printed).toMatch(/^Usage: backplane doc -device DEVICE/);
    expect((await backplane('--help')).printed).toContain('doc -device DEVICE');
  });
});
