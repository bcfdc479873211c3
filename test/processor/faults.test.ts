import { describe, expect, it } from 'vitest';
import { Stop } from '../../sdk/accelerator/kvm/simulated-kernel/processor.ts';
import { needs, whyNoX86 } from '../needs.ts';
import { BareProcessor, code, executing, x86 } from './bare-processor.ts';

const memorySize = (guest: BareProcessor): number => guest.ram.buffer.byteLength;

/** GDT at 0x6000, IDT at 0x7800 with so many gates, all of which lead to 0x5000. */
function withTables(guest: BareProcessor, gates: number, handler: string): BareProcessor {
  const tables = new DataView(guest.ram.buffer, guest.ram.byteOffset);
  guest.ram.set(code('ff ff 00 00 00 9b cf 00 ff ff 00 00 00 93 cf 00'), 0x6008);
  for (let gate = 0; gate < gates; gate++) {
    tables.setUint32(0x7800 + 8 * gate, 0x0008_5000, true);
    tables.setUint32(0x7804 + 8 * gate, 0x0000_8e00, true);
  }
  guest.ram.set(code(handler), 0x5000);
  // lgdt [0x7000]; lidt [0x7008]; jmp 0x1000
  guest.ram.set(code('0f 01 15 00 70 00 00 0f 01 1d 08 70 00 00 e9 ed 07 00 00'), 0x800);
  guest.ram.set(code('17 00 00 60 00 00 00 00'), 0x7000);
  tables.setUint16(0x7008, gates * 8 - 1, true);
  tables.setUint32(0x700a, 0x7800, true);
  guest.setRegisters({ eip: 0x800 });
  return guest;
}

describe('an x86 processor with a hostile guest', needs('host', whyNoX86()), () => {
  it('delivers a fault with its error code to the handler in the guest', async () => {
    const guest = withTables(await executing(32, 'b8 00 02 00 00 8e d8 f4'), 32, '58 e7 42 f4');
    expect(guest.run()).toBe(Stop.Halt);
    expect(guest.seen).toEqual(['out32 42=200']);
  });

  it.each([
    ['without an interrupt table', '0f 0b', (guest: BareProcessor) => guest],
    ['with too short a table', 'cd 40', (guest: BareProcessor) => withTables(guest, 8, 'f4')],
    [
      'with an empty gate',
      '0f 0b',
      (guest: BareProcessor) => {
        withTables(guest, 32, 'f4').ram.fill(0, 0x7800, 0x7900);
        return guest;
      },
    ],
  ])('shuts down at a fault %s, and stands still until it is reset', async (_, text, prepare) => {
    const guest = prepare(await executing(32, `${text} f4`));
    const { processor } = guest;
    expect(guest.run()).toBe(Stop.Shutdown);
    expect(processor.failure).toMatchObject({ code: 'triple-fault' });
    expect(processor.failure?.message).toMatch(/^The processor x86 at 0x8:0x10\d\d, instruction \d+ shuts down: /);
    expect(guest.step()).toBe(Stop.Shutdown);
    processor.reset();
    expect([processor.failure, guest.get('eip'), processor.instructions]).toEqual([undefined, 0xfff0, 0]);
    guest.ram.set(code('e6 80 f4'), 0x1000);
    expect(guest.begin(32, 0x1000).run()).toBe(Stop.Halt);
    expect(guest.seen).toEqual(['out8 80=0']);
  });

  it('shuts down where delivering a page fault faults again, and the host does not notice', async () => {
    // Paging with the first 4 MiB only, and an interrupt table at 0x40000000: mov eax, [0x400000]
    const guest = await executing(32, 'a1 00 00 40 00 f4');
    new DataView(guest.ram.buffer, guest.ram.byteOffset).setUint32(0x4000, 0x83, true);
    guest.ram.set(
      code(
        '0f 01 1d 08 70 00 00 b8 00 40 00 00 0f 22 d8 b8 10 00 00 00 0f 22 e0 b8 11 00 00 80 0f 22 c0 e9 dc 07 00 00',
      ),
      0x800,
    );
    guest.ram.set(code('ff 07 00 00 00 40'), 0x7008);
    guest.setRegisters({ eip: 0x800 });
    for (let time = 0; time < 50; time++) {
      guest.begin(32, 0x800);
      expect(guest.run()).toBe(Stop.Shutdown);
      expect(guest.processor.failure?.message).toMatch(/shuts down: delivering a fault faults again\.$/);
      guest.processor.reset();
    }
    expect(guest.begin(32, 0x100).processor.enter(1, guest.operation)).toBe(Stop.Limit);
  });

  it.each([
    ['IRET to a null selector', '6a 02 6a 00 68 00 20 00 00 cf', 'cf f4'],
    ['IRET to a segment of data', '6a 02 6a 10 68 00 20 00 00 cf', 'cf f4'],
    ['IRET beyond the table', '6a 02 6a 40 68 00 20 00 00 cf', 'cf f4'],
    ['LTR of a null selector', '66 b8 00 00 0f 00 d8', '0f 00 d8 f4'],
    ['LTR of a segment of data', '66 b8 10 00 0f 00 d8', '0f 00 d8 f4'],
    ['LTR beyond the table', '66 b8 40 00 0f 00 d8', '0f 00 d8 f4'],
    ['LLDT of a segment of data', '66 b8 10 00 0f 00 d0', '0f 00 d0 f4'],
    ['LLDT beyond the table', '66 b8 40 00 0f 00 d0', '0f 00 d0 f4'],
  ])('ends the guest at %s, and names the bytes', async (_, text, bytes) => {
    const guest = withTables(await executing(32, `${text} f4`), 32, 'f4');
    expect(guest.run()).toBe(Stop.Failed);
    expect(guest.processor.failure).toMatchObject({ code: 'instruction-not-executed' });
    expect(guest.processor.failure?.message).toContain(`cannot execute '${bytes} `);
  });

  it('shuts down at IRET with NT, which returns from a task', async () => {
    // pushf; or dword [esp], 0x4000; popf; push 2; push 8; push 0x2000; iret
    const text = '9c 81 0c 24 00 40 00 00 9d 6a 02 6a 08 68 00 20 00 00 cf f4';
    const guest = withTables(await executing(32, text), 32, 'f4');
    expect(guest.run()).toBe(Stop.Shutdown);
    expect(guest.processor.failure).toMatchObject({ code: 'triple-fault' });
  });

  it('takes a full stack of the host for a fault of a fault, and no other error of the host', async () => {
    const deep = (): number => deep() + 1;
    const full = await executing(32, 'e6 80 f4');
    full.bus.portWrite = () => deep() > 0;
    expect(full.run()).toBe(Stop.Shutdown);
    const broken = await executing(32, 'e6 80 f4');
    broken.bus.portWrite = () => new DataView(new ArrayBuffer(1)).getUint8(1) > 0;
    expect(() => broken.run()).toThrow(RangeError);
  });

  it('reaches the limit where a page fault handler is on no page, with a stack that has no end', async () => {
    // The handler lies at 0x40005000, which is not mapped; SS is of 16 bits, so SP wraps around.
    const guest = withTables(await executing(32, 'a1 00 00 40 00 f4'), 32, 'f4');
    const tables = new DataView(guest.ram.buffer, guest.ram.byteOffset);
    for (let gate = 0; gate < 32; gate++) tables.setUint32(0x7804 + 8 * gate, 0x4000_8e00, true);
    tables.setUint32(0x20000, 0x83, true);
    // mov ax, 0x18; mov ss, ax (16-bit data); mov cr3, 0x20000; mov cr4, 0x10; mov cr0, 0x80000011; jmp 0x1000
    guest.ram.set(code('ff ff 00 00 04 93 00 00'), 0x6018);
    guest.ram.set(code('1f 00'), 0x7000);
    guest.ram.set(
      code('66 b8 18 00 8e d0 b8 00 00 02 00 0f 22 d8 b8 10 00 00 00 0f 22 e0 b8 11 00 00 80 0f 22 c0 e9 cc 07 00 00'),
      0x80e,
    );
    expect(guest.run(50_000)).toBe(Stop.Limit);
    expect(guest.processor.instructions).toBeGreaterThanOrEqual(50_000);
  });

  it.each([
    ['beyond its RAM', '0x40000000', 'b8 00 00 00 40 ff e0'],
    ['in the window of VGA', '0xa0000', 'b8 00 00 0a 00 ff e0'],
    ["in the module's own memory below the ROM", '0xffb00000', 'b8 00 00 b0 ff ff e0'],
  ])('refuses to execute %s, and says where', async (_, where, text) => {
    const guest = await executing(32, text);
    expect(guest.run()).toBe(Stop.Failed);
    expect(guest.processor.failure).toMatchObject({ code: 'code-outside-memory' });
    expect(guest.processor.failure?.message).toContain(`the guest executes from ${where.slice(0, 5)}`);
    expect(guest.processor.failedInstruction).toBeInstanceOf(Uint8Array);
  });

  it('names the bytes of what it cannot execute', async () => {
    // In virtual 8086 mode with CR4.VME an interrupt has a bitmap, which the processor does not know.
    const guest = await executing(32, 'f4');
    const special = new DataView(new ArrayBuffer(312));
    guest.processor.getSpecialRegisters(special);
    special.setUint32(248, 1, true);
    expect(guest.processor.setSpecialRegisters(special)).toBe(true);
    guest.ram.set(code('cd 21 f4'), 0x1000);
    guest.setRegisters({ eip: 0x1000, flags: 0x2_0002 });
    expect(guest.run()).toBe(Stop.Failed);
    expect(guest.processor.failure).toMatchObject({ code: 'instruction-not-executed' });
    expect(guest.processor.failure?.message).toContain("cannot execute 'cd 21 f4");
    expect([...(guest.processor.failedInstruction ?? [])].slice(0, 3)).toEqual([0xcd, 0x21, 0xf4]);
  });

  it('begins 100,000 instructions again after a throw, and leaks no stack of the module', async () => {
    const guest = await executing(32, '0b 05 00 00 00 fe eb f8');
    for (let time = 0; time < 100_000; time++) {
      expect(guest.processor.enter(1000, guest.operation)).toBe(Stop.Operation);
      guest.operation.value = time;
      guest.processor.complete(guest.operation);
    }
    expect(guest.processor.instructions).toBe(2 * 100_000 - 2);
  });

  it('raises 100,000 exceptions from device memory, each of them a division by what a device answers', async () => {
    const guest = withTables(await executing(32, 'f7 35 00 00 00 fe f4'), 32, '40 cf');
    guest.setRegisters({ eip: 0x800 });
    let loads = 0;
    while (loads < 100_000) {
      const stop = guest.processor.enter(1000, guest.operation);
      if (stop === Stop.Operation) {
        loads++;
        guest.operation.value = 0;
        guest.processor.complete(guest.operation);
      } else expect(stop).toBe(Stop.Limit);
    }
    expect(guest.get('eax')).toBe(99_999);
  });

  it.each([1, 2, 7, 100, 1000, 100_003])('comes back after exactly %i instructions', async (limit) => {
    const guest = await executing(32, `${'40 '.repeat(50)} eb ca`);
    for (let time = 0; time < 5; time++) {
      const before = guest.processor.instructions;
      expect(guest.step(limit)).toBe(Stop.Limit);
      const done = guest.processor.instructions - before;
      expect(done).toBe(limit);
    }
  });

  it('executes what a guest or the host has just written, where it stands', async () => {
    // mov byte [0x1008], 0x41 ('inc ecx' in the place of 'inc eax'); nop; inc eax; hlt
    const guest = await executing(32, 'c6 05 08 10 00 00 41 90 40 f4');
    expect(guest.run()).toBe(Stop.Halt);
    expect([guest.get('eax'), guest.get('ecx')]).toEqual([0, 1]);
    guest.ram.set(code('42 f4'), 0x1008);
    guest.vm.memory.written(0x1008, 2);
    guest.setRegisters({ eip: 0x1008 });
    expect(guest.run()).toBe(Stop.Halt);
    expect([guest.get('edx'), guest.get('ecx')]).toEqual([0x601, 1]);
  });

  it('takes no more memory, whatever its guest does', async () => {
    const guest = new BareProcessor(await x86(), 4 << 20);
    const before = memorySize(guest);
    let seed = 1;
    for (let round = 0; round < 200; round++) {
      for (let at = 0x1000; at < 0x1200; at++) {
        seed = (seed * 1103515245 + 12345) & 0x7fff_ffff;
        guest.ram[at] = seed >> 16;
      }
      guest.begin(round % 2 === 0 ? 32 : 16, 0x1000, { flags: 2, esp: 0x8000 });
      for (let entry = 0; entry < 20; entry++) {
        const stop = guest.step(500);
        if (stop === Stop.Failed || stop === Stop.Shutdown) break;
      }
      guest.processor.reset();
    }
    expect(memorySize(guest)).toBe(before);
    expect(guest.ram.length).toBe(4 << 20);
  });
});
