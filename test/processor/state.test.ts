import { describe, expect, it } from 'vitest';
import { Segment, SpecialRegisters, StructSize } from '../../sdk/accelerator/kvm/abi.ts';
import { registersAfterReset, specialRegistersAfterReset } from '../../sdk/accelerator/kvm/reset-values.ts';
import { Stop } from '../../sdk/accelerator/kvm/simulated-kernel/processor.ts';
import { type Json, type JsonProblem, JsonReader } from '../../sdk/base/json-reader.ts';
import { needs, whyNoX86 } from '../needs.ts';
import { BareProcessor, code, executing, x86 } from './bare-processor.ts';

const struct = (size: number): DataView => new DataView(new ArrayBuffer(size));
const hex = (view: DataView): string => Buffer.from(view.buffer).toString('hex');

const read = ({ processor }: BareProcessor, saved: Json): readonly JsonProblem[] => {
  const problems: JsonProblem[] = [];
  const place = processor.read(new JsonReader(JSON.parse(JSON.stringify(saved)), '', problems));
  if (problems.length === 0) place();
  return problems;
};

describe('the state of an x86 processor', needs('host', whyNoX86()), () => {
  it('has the registers of a reset, byte for byte those that KVM has', async () => {
    const { processor } = new BareProcessor(await x86());
    const general = struct(StructSize.registers);
    const special = struct(StructSize.specialRegisters);
    processor.getRegisters(general);
    processor.getSpecialRegisters(special);
    expect(hex(general)).toBe(hex(registersAfterReset()));
    expect(hex(special)).toBe(hex(specialRegistersAfterReset(0)));
  });

  it('begins at the reset vector: code in the ROM below 4 GiB runs, and reads its bytes from the slot', async () => {
    const guest = new BareProcessor(await x86());
    const rom = new DataView(new ArrayBuffer(0x1_0000));
    new Uint8Array(rom.buffer).set(code('b0 07 e6 80 2e a0 00 00 e6 80 f4'), 0xfff0);
    guest.vm.memory.slotsChanged([
      guest.ramSlot(),
      { ...guest.ramSlot(), id: 1, flags: 2, guestAddress: 0xffff_0000, size: 0x1_0000, view: rom },
    ]);
    rom.setUint8(0, 0x99);
    guest.bus.slot = (address) => (address >= 0xffff_0000 ? rom : undefined);
    expect(guest.run()).toBe(Stop.Halt);
    expect(guest.seen).toEqual(['out8 80=7', 'out8 80=99']);
  });

  it('gives back the general registers that it was given, and refuses those of 64 bits', async () => {
    const { processor } = await executing(32, 'f4');
    const given = struct(StructSize.registers);
    for (let register = 0; register < 8; register++)
      given.setUint32(register * 8, 0x8000_0000 + register * 0x1111, true);
    given.setUint32(128, 0x1000, true);
    given.setUint32(136, 0x0ed7, true);
    expect(processor.setRegisters(given)).toBe(true);
    const back = struct(StructSize.registers);
    processor.getRegisters(back);
    expect(hex(back)).toBe(hex(given));
    for (const offset of [4, 64, 132, 140]) {
      const wide = struct(StructSize.registers);
      wide.setUint8(offset, 1);
      expect(processor.setRegisters(wide)).toBe(false);
    }
  });

  it('gives back segments, tables and control registers, and refuses 64-bit code and paging without protection', async () => {
    const { processor } = await executing(32, 'f4');
    const given = struct(StructSize.specialRegisters);
    processor.getSpecialRegisters(given);
    [SpecialRegisters.ds, SpecialRegisters.es, SpecialRegisters.fs, SpecialRegisters.gs].forEach((offset, index) => {
      given.setUint32(offset + Segment.base, 0x1_0000 * index, true);
      given.setUint16(offset + Segment.selector, 0x20 + 8 * index, true);
      given.setUint8(offset + Segment.dpl, index & 3);
    });
    given.setUint32(SpecialRegisters.gdt, 0x6000, true);
    given.setUint16(SpecialRegisters.gdt + 8, 0x7f, true);
    given.setUint32(SpecialRegisters.idt, 0xfe00_0000, true);
    given.setUint16(SpecialRegisters.idt + 8, 0x7ff, true);
    given.setUint32(SpecialRegisters.cr2, 0xdead_b000, true);
    given.setUint32(SpecialRegisters.cr3, 0x4000, true);
    given.setUint32(SpecialRegisters.cr4, 0x90, true);
    expect(processor.setSpecialRegisters(given)).toBe(true);
    const back = struct(StructSize.specialRegisters);
    processor.getSpecialRegisters(back);
    expect(hex(back)).toBe(hex(given));
    const refused = (change: (view: DataView) => void): boolean => {
      const view = new DataView(given.buffer.slice(0));
      change(view);
      return !processor.setSpecialRegisters(view);
    };
    expect(refused((view) => view.setUint32(SpecialRegisters.efer, 0x500, true))).toBe(true);
    expect(refused((view) => view.setUint8(SpecialRegisters.cs + Segment.l, 1))).toBe(true);
    expect(refused((view) => view.setUint32(SpecialRegisters.cr0, 0x8000_0000, true))).toBe(true);
    expect(refused((view) => view.setUint32(SpecialRegisters.gdt + 4, 1, true))).toBe(true);
    processor.getSpecialRegisters(back);
    expect(hex(back)).toBe(hex(given));
  });

  it('keeps x87 and SSE registers in struct kvm_fpu, by their place on the stack', async () => {
    // fld1; fld1; fadd st0, st0; movd xmm1, eax; hlt
    const guest = await executing(32, 'd9 e8 d9 e8 d8 c0 66 0f 6e c8 f4', { eax: 0x1234_5678 });
    expect(guest.run()).toBe(Stop.Halt);
    const fpu = struct(StructSize.fpu);
    guest.processor.getFpu?.(fpu);
    expect(fpu.getBigUint64(0, true)).toBe(0x8000_0000_0000_0000n);
    expect([fpu.getUint16(8, true), fpu.getUint16(16 + 8, true)]).toEqual([0x4000, 0x3fff]);
    expect([fpu.getUint16(130, true) >> 11, fpu.getUint8(132), fpu.getUint32(152 + 16, true)]).toEqual([
      6, 0xc0, 0x1234_5678,
    ]);
    // faddp; fistp dword [0x2000]; hlt, in another processor
    const other = await executing(32, 'de c1 db 1d 00 20 00 00 f4');
    expect(other.processor.setFpu?.(fpu)).toBe(true);
    const back = struct(StructSize.fpu);
    other.processor.getFpu?.(back);
    expect(hex(back)).toBe(hex(fpu));
    expect(other.run()).toBe(Stop.Halt);
    expect(other.ram[0x2000]).toBe(3);
  });

  it('reads and sets the registers that RDMSR has, and knows no others', async () => {
    const { create, msrs } = await x86();
    expect(create().memory).toBeDefined();
    const guest = await executing(32, 'b9 74 01 00 00 0f 32 e7 42 0f 31 e7 42 f4');
    const { processor } = guest;
    for (const index of msrs) expect(processor.setMsr?.(index, 0x1_0000n)).toBe(true);
    expect(processor.getMsr?.(0x175)).toBe(0x1_0000n);
    expect(processor.getMsr?.(0x10)).toBe(0x1_0000n);
    expect([processor.getMsr?.(0x1b), processor.setMsr?.(0x277, 0n), processor.setMsr?.(0x174, 1n << 32n)]).toEqual([
      undefined,
      false,
      false,
    ]);
    guest.run();
    // Guest time goes on by 10 ns an instruction.
    expect(guest.seen).toEqual(['out32 42=10000', `out32 42=${(0x1_0000 + 30).toString(16)}`]);
  });

  it('shows a CPUID table with neither APIC, hypervisor, RDRAND nor 64-bit code', async () => {
    const { cpuid } = await x86();
    for (const { function: leaf, index = 0, eax, ebx, ecx, edx } of cpuid) {
      const guest = await executing(32, '0f a2 f4', { eax: leaf, ecx: index });
      guest.run();
      expect([guest.get('eax'), guest.get('ebx'), guest.get('ecx'), guest.get('edx')]).toEqual([eax, ebx, ecx, edx]);
    }
    const features = cpuid.find((entry) => entry.function === 1);
    expect([(features!.edx >> 9) & 1, (features!.ecx >>> 31) & 1, (features!.ecx >> 30) & 1]).toEqual([0, 0, 0]);
    const unknown = await executing(32, '0f a2 f4', { eax: 0x4000_0000 });
    unknown.run();
    expect([unknown.get('eax'), unknown.get('ebx'), unknown.get('ecx'), unknown.get('edx')]).toEqual([0, 0, 0, 0]);
  });

  /** Something of everything: counts, x87, RDTSC, RDRAND, flags that are computed late, a device now and then. */
  const Busy = '01 d8 11 c3 d9 e8 de c1 0f 31 31 c2 0f c7 f7 01 fa 0f b6 05 00 00 00 fe 0b 05 04 00 00 fe e7 42 eb de';

  const go = (guest: BareProcessor, entries: number): readonly string[] => {
    guest.seen.length = 0;
    for (let entry = 0; entry < entries; entry++) {
      guest.answers = [entry * 7, entry * 0x01fe_0301];
      guest.step(50);
    }
    while (guest.processor.underWay) guest.step(0);
    return [...guest.seen, guest.processor.whereabouts ?? ''];
  };

  /** Another instance with what is saved of this one. */
  const restoredFrom = async (guest: BareProcessor, saved: Json): Promise<BareProcessor> => {
    const { processor } = guest;
    const structs = [
      struct(StructSize.registers),
      struct(StructSize.specialRegisters),
      struct(StructSize.fpu),
    ] as const;
    processor.getRegisters(structs[0]);
    processor.getSpecialRegisters(structs[1]);
    processor.getFpu?.(structs[2]);
    const other = new BareProcessor(await x86());
    other.ram.set(guest.ram);
    expect(other.processor.setSpecialRegisters(structs[1]) && other.processor.setRegisters(structs[0])).toBe(true);
    expect(read(other, saved)).toEqual([]);
    expect(other.processor.instructions).toBe(processor.instructions);
    return other;
  };

  it.each([1, 10, 77])('continues in another instance as it would have here: after %i entries', async (entries) => {
    const guest = await executing(32, Busy, { eax: 1, ebx: 2 });
    guest.processor.setFpu?.(fpuAfterReset());
    go(guest, entries);
    const other = await restoredFrom(guest, guest.processor.save());
    const expected = go(guest, 200);
    expect(expected.length).toBeGreaterThan(150);
    expect(go(other, 200)).toEqual(expected);
  });

  it.each([
    ['INS over a page', 'f3 6d f4', { edi: 0x2ffe }],
    ['INS, downwards out of a device', 'fd f3 6c f4', { edi: 0x20_0004 }],
    ['LODS of a device', 'f3 ac f4', { esi: 0xfe00_0000 }],
    ['STOS to a device', 'f3 ab f4', { edi: 0xfe00_0000 }],
    ['STOS to RAM, then to a device', 'f3 ab f4', { edi: 0x1f_0001 }],
    ['OUTS', 'f3 6e f4', { esi: 0x2000 }],
  ])('cuts the rest of a string in another instance as it would have here: %s', async (_, bytes, registers) => {
    const guest = await executing(32, bytes, { ecx: 0x10_0000, edx: 0x80, ...registers });
    for (let entry = 0; entry < 40; entry++) {
      guest.step(1);
      while (guest.processor.underWay) guest.step(0);
      if (entry % 8 !== 0) continue;
      const other = await restoredFrom(guest, guest.processor.save());
      for (const one of [guest, other]) {
        one.seen.length = 0;
        for (let more = 0; more < 3; more++) one.step(5);
        while (one.processor.underWay) one.step(0);
      }
      expect([...other.seen, other.get('ecx'), other.processor.whereabouts]).toEqual([
        ...guest.seen,
        guest.get('ecx'),
        guest.processor.whereabouts,
      ]);
    }
    expect(guest.get('ecx')).toBeGreaterThan(0);
  });

  function fpuAfterReset(): DataView {
    const fpu = struct(StructSize.fpu);
    fpu.setUint16(128, 0x37f, true);
    fpu.setUint32(408, 0x1f80, true);
    return fpu;
  }

  it('notes what is wrong in a saved state, and changes nothing then', async () => {
    const guest = await executing(32, Busy, { eax: 1 });
    go(guest, 3);
    const saved = guest.processor.save() as { readonly [key: string]: Json };
    const before = guest.processor.whereabouts;
    for (const name of Object.keys(saved)) {
      const { [name]: _, ...rest } = saved;
      expect(
        read(guest, rest).map(({ path }) => path.replace(/[[.].*/, '')),
        name,
      ).toContain(name);
    }
    expect(
      read(guest, { ...saved, instructions: -1, bytes: 'zz', aside: [[256, '00']] }).length,
    ).toBeGreaterThanOrEqual(3);
    expect(guest.processor.whereabouts).toBe(before);
  });

  it('survives saved bytes that are all ones: the guest may be lost, the host and the size of memory are not', async () => {
    const guest = await executing(32, Busy);
    const saved = guest.processor.save() as { readonly [key: string]: Json };
    const size = guest.ram.buffer.byteLength;
    expect(read(guest, { ...saved, bytes: 'ff'.repeat(String(saved['bytes']).length / 2) })).toEqual([]);
    expect([Stop.Limit, Stop.Failed, Stop.Shutdown, Stop.Halt]).toContain(guest.run(1000));
    guest.processor.reset();
    guest.ram.set(code('e6 80 f4'), 0x1000);
    guest.seen.length = 0;
    expect([guest.begin(32, 0x1000).run(), guest.seen, guest.ram.buffer.byteLength]).toEqual([
      Stop.Halt,
      ['out8 80=0'],
      size,
    ]);
  });
});
