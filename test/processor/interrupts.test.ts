import { describe, expect, it } from 'vitest';
import { Stop } from '../../sdk/accelerator/kvm/simulated-kernel/processor.ts';
import { needs, whyNoX86 } from '../needs.ts';
import { type BareProcessor, code, executing } from './bare-processor.ts';

const Handler = 0x5000;

/** A handler in 16-bit code for this vector: out 0x42, al; iret. */
function handle(guest: BareProcessor, vector: number, text = 'e6 42 cf'): void {
  new DataView(guest.ram.buffer, guest.ram.byteOffset).setUint16(vector * 4, Handler, true);
  guest.ram.set(code(text), Handler);
}

describe('interrupts of machine code', needs('host', whyNoX86()), () => {
  it('takes a queued interrupt at the next entry, and goes on behind IRET', async () => {
    const guest = await executing(16, '90 90 f4', { flags: 0x202 });
    handle(guest, 0x20);
    guest.processor.queuedVector = 0x20;
    expect(guest.processor.acceptsInterrupt).toBe(true);
    expect(guest.step()).toBe(Stop.Operation);
    expect([guest.processor.queuedVector, guest.processor.interruptFlag, guest.get('esp')]).toEqual([
      -1,
      false,
      0x7ffa,
    ]);
    expect(guest.run()).toBe(Stop.Halt);
    expect([guest.seen, guest.get('eip'), guest.processor.interruptFlag]).toEqual([['out8 42=0'], 0x1003, true]);
  });

  it.each([
    ['at once, where interrupts are enabled already', '90 90 90 f4', 0x202, 0x1000, 0],
    ['behind the instruction that follows STI', 'fb 90 fa 90 f4', 2, 0x1002, 2],
    ['right behind POPF', '68 02 02 9d 90 f4', 2, 0x1004, 2],
    ['right behind IRET', '68 02 02 6a 00 68 09 10 cf 90 f4', 2, 0x1009, 4],
  ])('opens the window %s', async (_, text, flags, at, instructions) => {
    const guest = await executing(16, text, { flags });
    guest.processor.windowWanted = true;
    expect(guest.step()).toBe(Stop.Window);
    expect([guest.get('eip'), guest.processor.instructions, guest.processor.acceptsInterrupt]).toEqual([
      at,
      instructions,
      true,
    ]);
  });

  it('opens no window between STI and CLI, nor with interrupts disabled', async () => {
    const guest = await executing(16, 'fb fa 90 90 f4');
    guest.processor.windowWanted = true;
    expect(guest.step()).toBe(Stop.Halt);
    expect(guest.processor.acceptsInterrupt).toBe(false);
  });

  it('opens the window of `sti; nop; cli` in a loop, 2000 of 2000 times', async () => {
    const guest = await executing(16, 'fb 90 fa eb fb', {});
    for (let time = 0; time < 2000; time++) {
      guest.processor.windowWanted = true;
      expect(guest.step()).toBe(Stop.Window);
      expect(guest.get('eip')).toBe(0x1002);
      guest.processor.windowWanted = false;
      expect(guest.step(1 + (time % 7))).toBe(Stop.Limit);
    }
  });

  it('takes no interrupt between MOV SS and the instruction that loads the stack pointer', async () => {
    // mov ss, ax; mov sp, 0x7000; nop; hlt
    const guest = await executing(16, '8e d0 bc 00 70 90 f4', { eax: 0x10, flags: 0x202 });
    expect(guest.step(1)).toBe(Stop.Limit);
    expect([guest.get('eip'), guest.processor.interruptShadow, guest.processor.acceptsInterrupt]).toEqual([
      0x1002,
      true,
      false,
    ]);
    guest.processor.windowWanted = true;
    expect(guest.step()).toBe(Stop.Window);
    expect([guest.get('eip'), guest.get('esp'), guest.processor.interruptShadow]).toEqual([0x1005, 0x7000, false]);
  });

  it('leaves at HLT with either flag, and goes on behind it with the interrupt', async () => {
    const disabled = await executing(16, 'f4 40 f4');
    expect([disabled.step(), disabled.get('eip')]).toEqual([Stop.Halt, 0x1001]);
    expect([disabled.step(), disabled.get('eax')]).toEqual([Stop.Halt, 1]);
    const guest = await executing(16, 'fb f4 40 f4');
    handle(guest, 0x21);
    guest.processor.windowWanted = true;
    expect(guest.step()).toBe(Stop.Halt);
    guest.processor.windowWanted = false;
    guest.processor.queuedVector = 0x21;
    expect(guest.run()).toBe(Stop.Halt);
    expect([guest.seen, guest.get('eax'), guest.get('eip')]).toEqual([['out8 42=0'], 1, 0x1004]);
  });

  it('opens the window behind an access that userspace has served', async () => {
    const guest = await executing(16, 'fb e4 60 90 f4');
    guest.processor.windowWanted = true;
    guest.answers = [0x1c];
    expect(guest.step()).toBe(Stop.Operation);
    expect([guest.processor.acceptsInterrupt, guest.get('eax')]).toEqual([true, 0x1c]);
    expect(guest.step()).toBe(Stop.Window);
    expect(guest.get('eip')).toBe(0x1003);
  });

  it('pushes the frame of an interrupt into a device, where the stack is one', async () => {
    const guest = await executing(16, '90 f4', { flags: 0x202, esp: 0x10 });
    handle(guest, 0x20);
    // mov ax, 0xb800; mov ss, ax
    guest.ram.set(code('b8 00 b8 8e d0 90 90 f4'), 0x1000);
    expect(guest.step()).toBe(Stop.Halt);
    guest.setRegisters({ eip: 0x1000, esp: 0x10, flags: 0x202 });
    guest.processor.queuedVector = 0x20;
    expect(guest.step()).toBe(Stop.Operation);
    expect(guest.processor.acceptsInterrupt).toBe(false);
    while (guest.processor.underWay) expect(guest.step(0)).not.toBe(Stop.Halt);
    expect(guest.seen).toEqual(['store16 b800e=202', 'store16 b800c=0', 'store16 b800a=1000']);
    expect(guest.get('eip')).toBe(Handler);
  });

  it('takes interrupts in protected mode by the gate, and reads a gate from a device', async () => {
    const guest = await executing(32, '90 f4', { flags: 0x202 });
    const tables = new DataView(guest.ram.buffer, guest.ram.byteOffset);
    tables.setUint32(0x6000 + 8, 0x0000_ffff, true);
    tables.setUint32(0x6000 + 12, 0x00cf_9b00, true);
    tables.setUint32(0x6000 + 16, 0x0000_ffff, true);
    tables.setUint32(0x6000 + 20, 0x00cf_9300, true);
    guest.ram.set(code('e6 42 cf'), Handler);
    // lgdt [0x7000]; lidt [0x7008]; sti; nop; hlt
    guest.ram.set(code('0f 01 15 00 70 00 00 0f 01 1d 08 70 00 00 90 f4'), 0x1000);
    guest.ram.set(code('17 00 00 60 00 00 00 00 ff 07 00 00 00 fe'), 0x7000);
    expect(guest.step()).toBe(Stop.Halt);
    guest.setRegisters({ eip: 0x100e });
    guest.answers = [0x0008_5000, 0x0000_8e00];
    guest.processor.queuedVector = 0x30;
    expect(guest.run()).toBe(Stop.Halt);
    expect(guest.seen).toEqual(['load32 fe000180', 'load32 fe000184', 'out8 42=0']);
    expect(guest.get('eip')).toBe(0x1010);
  });
});
