import { describe, expect, it } from 'vitest';
import { empty, pcI440fx } from '../../machines/index.ts';
import { assemble, cx, ds, eax, esp } from '../../sdk/assembler.ts';
import { x86MachineCode } from '../../sdk/cli/x86-wasm.ts';
import { defineMachine, device, MiB, type ShowsText, SystemDevice, use } from '../../sdk/index.ts';
import { infoText, Monitor } from '../../sdk/monitor/index.ts';
import { guestProgram, Machine, simulatedAccelerator } from '../../sdk/runtime.ts';
import { needs, whyNoX86 } from '../needs.ts';

const host = { stop() {}, cont() {}, quit() {}, save: async () => {} };

describe('info registers -c', () => {
  it('says that programs have no registers', () => {
    const machine = Machine.create(pcI440fx, { ram: 16 * MiB });
    machine.run(
      guestProgram('one', function* (guest) {
        yield* guest.out8(0x80, 1);
      }),
    );
    expect(infoText(machine, 'registers', ['c'])).toBe('no processor executes machine code\n');
  });

  it('has the registers of machine code in the words of QEMU', needs('host', whyNoX86()), async () => {
    const accelerator = simulatedAccelerator({ machineCode: await x86MachineCode() });
    const machine = Machine.create(pcI440fx, { ram: 16 * MiB, accelerator });
    const bytes = assemble({ bits: 16, origin: 0x1000 }, (a) => {
      a.mov(eax, 0x1234_5678);
      a.mov(esp, 0x7000);
      a.mov(cx, 0x2000);
      a.mov(ds, cx);
      a.xor(cx, cx);
      a.std();
      a.cli();
      a.hlt();
    });
    machine.run({
      name: 'code',
      pieces: [{ address: 0x1000, bytes: bytes.bytes }],
      start: { mode: 'real', entry: 0x1000 },
    });
    const lines = (await new Monitor(machine, host).execute('info registers -c')).trimEnd().split('\n');
    expect(lines[0]).toBe('CPU#0');
    expect(lines[1]).toMatch(/^EAX=12345678 EBX=[0-9a-f]{8} ECX=00000000 EDX=[0-9a-f]{8}$/);
    expect(lines[2]).toMatch(/^ESI=[0-9a-f]{8} EDI=[0-9a-f]{8} EBP=[0-9a-f]{8} ESP=00007000$/);
    // Behind HLT; direction, zero and parity are set.
    expect(lines[3]).toBe(
      `EIP=${(0x1000 + bytes.bytes.length).toString(16).padStart(8, '0')} EFL=00000446 [D--Z-P-] CPL=0`,
    );
    expect(lines.find((line) => line.startsWith('DS'))).toMatch(
      /^DS =2000 00020000 0000ffff 000093?00 DPL=0 DS16 \[-W[A-]\]$/,
    );
    expect(lines.at(-2)).toMatch(/^CR0=[0-9a-f]{8} CR2=00000000 CR3=00000000 CR4=00000000$/);
    expect(lines.map((line) => line.split('=')[0]?.trim()).slice(4, -2)).toEqual([
      'ES',
      'CS',
      'SS',
      'DS',
      'FS',
      'GS',
      'LDT',
      'TR',
      'GDT',
      'IDT',
    ]);
  });
});

describe('info screen', () => {
  it('has the text of each display adapter, with what is still queued', async () => {
    const machine = Machine.create(pcI440fx, { ram: 16 * MiB });
    machine.run(
      guestProgram('print', function* (guest) {
        for (const [at, character] of [...'Hello'].entries())
          yield* guest.store8(0xb_8000 + 2 * at, character.charCodeAt(0));
      }),
    );
    expect(await new Monitor(machine, host).execute('info screen')).toBe('dev: vga-text, id "vga"\nHello\n');
    const card = Machine.create(pcI440fx, { ram: 16 * MiB, options: { chips: 'all' } });
    expect(infoText(card, 'screen')).toContain('dev: VGA, id "vga"\n');
  });

  it('has graphics for what is no text, and any device that has a screen', () => {
    @device({ type: 'panel', description: 'A panel of characters' })
    class Panel extends SystemDevice implements ShowsText {
      textScreen() {
        return { rows: ['12:00   ', '        '], colours: new Uint8Array(16) };
      }
    }
    @device({ type: 'picture', description: 'A picture' })
    class Picture extends SystemDevice implements ShowsText {
      textScreen() {
        return undefined;
      }
    }
    const machine = Machine.create(defineMachine({ ...empty, devices: [use(Panel), use(Picture)] }));
    expect(infoText(machine, 'screen')).toBe('dev: panel, id "panel"\n12:00\ndev: picture, id "picture"\ngraphics\n');
  });

  it('has none where there is no display adapter', () => {
    expect(infoText(Machine.create(defineMachine({ ...empty, devices: [] })), 'screen')).toBe('none\n');
  });
});
