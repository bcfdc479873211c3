import { describe, expect, it } from 'vitest';
import { SpecialRegisters, StructSize } from '../../sdk/accelerator/kvm/abi.ts';
import { Stop } from '../../sdk/accelerator/kvm/simulated-kernel/processor.ts';
import { needs, whyNoX86 } from '../needs.ts';
import { code, executing } from './bare-processor.ts';

/** Every kind of access that leaves the middle of an instruction: assembler on the right. */
const Sequence = `
  66 a1 00 00 00 fe        ${'' /* mov ax, [0xfe000000] */}
  09 05 04 00 00 fe        ${'' /* or [0xfe000004], eax */}
  ff 35 08 00 00 fe        ${'' /* push dword [0xfe000008] */}
  fc be 00 00 00 fe bf 00 20 00 00 b9 03 00 00 00 f3 a5    ${'' /* cld; rep movsd, 3 from MMIO to 0x2000 */}
  be 00 20 00 00 bf 40 00 00 fe b9 02 00 00 00 f3 a5       ${'' /* rep movsd, 2 from 0x2000 to MMIO */}
  bf 80 00 00 fe b0 aa b9 03 00 00 00 f3 aa                ${'' /* rep stosb, 3 to MMIO */}
  b8 07 00 00 00 39 05 0c 00 00 fe 0f 94 c0 e6 80          ${'' /* cmp [0xfe00000c], eax; sete al; out 0x80, al */}
  66 ba 10 01 bf 00 30 00 00 b9 05 00 00 00 f3 66 6d       ${'' /* rep insw, 5 to 0x3000 */}
  66 ba 12 01 be 00 30 00 00 b9 03 00 00 00 f3 66 6f       ${'' /* rep outsw, 3 from 0x3000 */}
  b8 11 00 00 00 87 05 14 00 00 fe                         ${'' /* xchg [0xfe000014], eax */}
  dd 05 18 00 00 fe dd 1d 20 00 00 fe                      ${'' /* fld, fstp qword */}
  0f b6 1d 28 00 00 fe                                     ${'' /* movzx ebx, byte [0xfe000028] */}
  f4`;

describe('device accesses of machine code', needs('host', whyNoX86()), () => {
  it('leaves each instruction with a device access once for each access, in its order', async () => {
    const guest = await executing(32, Sequence, { eax: 0x5500_0000 });
    guest.answers = [0x1234, 0x11, 0x22, 1, 2, 3, 7, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0x99, 0, 0x3ff0_0000, 0x1fe];
    expect(guest.run()).toBe(Stop.Halt);
    expect(guest.seen).toEqual([
      'load16 fe000000',
      'load32 fe000004',
      'store32 fe000004=55001235',
      'load32 fe000008',
      'load32 fe000000',
      'load32 fe000004',
      'load32 fe000008',
      'store32 fe000040=1',
      'store32 fe000044=2',
      'store8 fe000080=aa',
      'store8 fe000081=aa',
      'store8 fe000082=aa',
      'load32 fe00000c',
      'out8 80=1',
      'rep ins16 110 x5',
      'rep outs16 112=a100a200a300',
      'load32 fe000014',
      'store32 fe000014=11',
      'load32 fe000018',
      'load32 fe00001c',
      'store64 fe000020=3ff0000000000000',
      'load8 fe000028',
    ]);
    expect([guest.get('eax'), guest.get('ebx'), guest.get('ecx'), guest.get('esp')]).toEqual([0x99, 0xfe, 0, 0x7ffc]);
    expect([...guest.ram.subarray(0x2000, 0x200c)]).toEqual([1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0]);
    expect([...guest.ram.subarray(0x3000, 0x300a)]).toEqual([0xa1, 0, 0xa2, 0, 0xa3, 0, 0xa4, 0, 0xa5, 0]);
    expect([...guest.ram.subarray(0x7ffc, 0x8000)]).toEqual([0x22, 0, 0, 0]);
  });

  it('repeats bit for bit: the accesses, and the number of instructions at each', async () => {
    const trace = async () => {
      const guest = await executing(32, Sequence);
      guest.answers = Array.from({ length: 16 }, (_, index) => index * 0x0101_0101);
      const rows: unknown[] = [];
      while (guest.step(7) !== Stop.Halt)
        rows.push([guest.seen.length, guest.seen.at(-1), guest.processor.instructions, guest.get('eip')]);
      return rows;
    };
    const first = await trace();
    expect(first.length).toBeGreaterThan(20);
    expect(await trace()).toEqual(first);
  });

  it.each([
    ['mov al, [m]', '8a 05 00 00 00 fe f4', 1, 0x5555_5580],
    ['mov ah, [m]', '8a 25 00 00 00 fe f4', 1, 0x5555_8055],
    ['mov al, moffs', 'a0 00 00 00 fe f4', 1, 0x5555_5580],
    ['mov ax, [m]', '66 8b 05 00 00 00 fe f4', 2, 0x5555_8180],
    ['mov eax, moffs', 'a1 00 00 00 fe f4', 4, 0x8382_8180],
    ['movzx eax, byte [m]', '0f b6 05 00 00 00 fe f4', 1, 0x80],
    ['movzx ax, byte [m]', '66 0f b6 05 00 00 00 fe f4', 1, 0x5555_0080],
    ['movsx eax, byte [m]', '0f be 05 00 00 00 fe f4', 1, 0xffff_ff80],
    ['movsx ax, byte [m]', '66 0f be 05 00 00 00 fe f4', 1, 0x5555_ff80],
    ['movzx eax, word [m]', '0f b7 05 00 00 00 fe f4', 2, 0x8180],
    ['movsx eax, word [m]', '0f bf 05 00 00 00 fe f4', 2, 0xffff_8180],
    ['lodsd', 'ad f4', 4, 0x8382_8180],
    ['in ax, dx', '66 ed f4', 2, 0x5555_8180],
    ['in eax, dx', 'ed f4', 4, 0x8382_8180],
  ])('%s puts what the device answers where the instruction says', async (_, text, size, expected) => {
    const guest = await executing(32, text, { eax: 0x5555_5555, esi: 0xfe00_0000 });
    guest.answers = [size === 4 ? 0x8382_8180 : size === 2 ? 0x8180 : 0x80];
    expect(guest.run()).toBe(Stop.Halt);
    expect(guest.seen).toHaveLength(1);
    expect(guest.get('eax')).toBe(expected);
    expect(guest.processor.instructions).toBe(2);
  });

  it('accesses devices from 16-bit code, with segments and prefixes', async () => {
    // mov ax, 0xb800; mov ds, ax; mov es, ax; mov al, [2]; movsw; rep stosw (3); hlt
    const guest = await executing(16, 'b8 00 b8 8e d8 8e c0 a0 02 00 31 f6 bf 10 00 a5 b9 03 00 f3 ab f4');
    guest.answers = [0x41, 0x0720];
    expect(guest.run()).toBe(Stop.Halt);
    expect(guest.seen).toEqual([
      'load8 b8002',
      'load16 b8000',
      'store16 b8010=720',
      'store16 b8012=b841',
      'store16 b8014=b841',
      'store16 b8016=b841',
    ]);
  });

  it('splits no read of 16 bits, and sends the APICs, the interrupt controllers and port 0x4d0 to the machine', async () => {
    const guest = await executing(
      32,
      'a1 30 00 e0 fe a3 b0 00 e0 fe a1 10 00 c0 fe e6 20 e4 21 e6 a0 e4 a1 66 ba d0 04 ee ec 66 3b 05 02 00 00 fe f4',
    );
    expect(guest.run()).toBe(Stop.Halt);
    expect(guest.seen.map((one) => one.replace(/=.*/, ''))).toEqual([
      ...['load32 fee00030', 'store32 fee000b0', 'load32 fec00010'],
      ...['out8 20', 'in8 21', 'out8 a0', 'in8 a1', 'out8 4d0', 'in8 4d0', 'load16 fe000002'],
    ]);
  });

  it('does not leave for what the kernel takes: the ring, and the bytes of a slot', async () => {
    const guest = await executing(32, 'e6 70 a3 00 00 00 fe a3 04 00 00 e0 8b 1d 04 00 00 e0 01 1d 08 00 00 e0 f4', {
      eax: 0x77,
    });
    const slotBytes = new DataView(new ArrayBuffer(16));
    guest.bus.takesPort = (port) => port === 0x70;
    guest.bus.takesMemory = (address) => address === 0xfe00_0000;
    guest.bus.slot = (address) => (address >= 0xe000_0000 && address < 0xe000_0010 ? slotBytes : undefined);
    expect(guest.run()).toBe(Stop.Halt);
    expect(guest.seen).toEqual([]);
    expect(guest.bus.taken).toEqual(['out8 70=77', 'store32 fe000000=77']);
    expect([slotBytes.getUint32(4, true), slotBytes.getUint32(8, true), guest.get('ebx')]).toEqual([0x77, 0x77, 0x77]);
  });

  it('offers a store to the kernel once, though its instruction begins again for a later load', async () => {
    const guest = await executing(32, 'f3 a5 f4', { ecx: 3, esi: 0xfe00_0000, edi: 0xfd00_0000 });
    guest.bus.takesMemory = (address) => address < 0xfe00_0000;
    guest.answers = [1, 2, 3];
    expect(guest.run()).toBe(Stop.Halt);
    expect(guest.bus.taken).toEqual(['store32 fd000000=1', 'store32 fd000004=2', 'store32 fd000008=3']);
    expect(guest.seen).toEqual(['load32 fe000000', 'load32 fe000004', 'load32 fe000008']);
  });

  it('ends REPE CMPSB at the first difference that a device shows, and REPNE SCASB at the byte', async () => {
    const compare = await executing(32, 'f3 a6 f4', { ecx: 9, esi: 0xfe00_0000, edi: 0x2000 });
    compare.ram.set([5, 6, 8], 0x2000);
    compare.answers = [5, 6, 7];
    expect(compare.run()).toBe(Stop.Halt);
    expect([compare.get('ecx'), compare.get('esi'), compare.get('edi'), compare.seen.length]).toEqual([
      6, 0xfe00_0003, 0x2003, 3,
    ]);
    const scan = await executing(32, 'f2 ae f4', { eax: 7, ecx: 9, edi: 0xfe00_0000 });
    scan.answers = [5, 6, 7];
    expect(scan.run()).toBe(Stop.Halt);
    expect([scan.get('ecx'), scan.get('edi'), scan.seen.length]).toEqual([6, 0xfe00_0003, 3]);
  });

  it('cuts a long string of device accesses into pieces, and does all of it', async () => {
    const guest = await executing(32, 'f3 aa f4', { eax: 0x5a, ecx: 5000, edi: 0xfe00_0000 });
    expect(guest.run()).toBe(Stop.Halt);
    expect(guest.seen).toHaveLength(5000);
    expect(new Set(guest.seen).size).toBe(5000);
    expect([guest.get('ecx'), guest.get('edi')]).toEqual([0, 0xfe00_1388]);
  });

  it('comes back from a string of 2 ** 32 - 1 stores into a slot, and is then in the middle of it', async () => {
    const guest = await executing(32, 'f3 ab f4', { ecx: 0xffff_ffff, edi: 0xe000_0001 });
    guest.bus.slot = () => new DataView(new ArrayBuffer(4096));
    guest.bus.memoryWrite = () => true;
    expect(guest.step(10)).toBe(Stop.Limit);
    expect(guest.get('ecx')).toBeGreaterThan(0xf000_0000);
    expect(guest.get('eip')).toBe(0x1000);
  });

  it('goes through RAM in ever larger pieces, once a string has met a device behind it', async () => {
    const guest = await executing(32, 'f3 ab f4', { ecx: 0x40_0000, edi: 0x10_0001 });
    guest.bus.memoryWrite = () => true;
    let entries = 0;
    while (guest.get('ecx') > 0x30_0000) {
      expect(guest.step(1)).toBe(Stop.Limit);
      entries++;
    }
    // 1 MiB of RAM, in pieces of 1,024, 2,048, ...; then the device, in pieces of 1,024.
    expect(entries).toBeLessThan(0x10_0000 / 1024);
    expect(guest.get('eip')).toBe(0x1000);
    expect(guest.get('edi')).toBe(0x10_0001 + 4 * (0x40_0000 - guest.get('ecx')));
  });

  it.each([
    ['OUTS', 'f3 6e', { esi: 0x2000 }],
    ['STOS to a device', 'f3 aa', { edi: 0xfe00_0000 }],
    ['LODS of a device', 'f3 ac', { esi: 0xfe00_0000 }],
    ['INS', 'f3 6c', { edi: 0x20_0000 - 1500 }],
  ])('executes what userspace writes over a string that is under way, with the whole count: %s', async (_, rep, at) => {
    // MOV EBX, ECX
    const other = code('89 cb f4');
    const between = await executing(32, `${rep} f4`, { ecx: 5000, edx: 0x80, ...at });
    between.step(1);
    while (between.processor.underWay) between.step(0);
    const inside = await executing(32, `${rep} f4`, { ecx: 5000, edx: 0x80, ...at });
    inside.step(1);
    for (const guest of [between, inside]) {
      const left = guest.get('ecx');
      expect(left).toBeGreaterThan(1024);
      guest.ram.set(other, 0x1000);
      expect(guest.run()).toBe(Stop.Halt);
      expect([guest.get('ebx'), guest.get('ecx')]).toEqual([left, left]);
    }
  });

  it('fetches INS in pages, downwards too, and stores it into a device where ES:EDI is one', async () => {
    const pages = await executing(32, 'f3 6d f4', { ecx: 6, edx: 0x1f0, edi: 0x2ff4 });
    pages.answers = [1, 2, 3, 4, 5, 6];
    expect(pages.run()).toBe(Stop.Halt);
    expect(pages.seen).toEqual(['rep ins32 1f0 x3', 'rep ins32 1f0 x3']);
    expect([...new Uint32Array(pages.ram.slice(0x2ff4, 0x300c).buffer)]).toEqual([1, 2, 3, 4, 5, 6]);
    const down = await executing(32, 'fd f3 66 6d f4', { ecx: 3, edx: 0x1f0, edi: 0x3002 });
    down.answers = [1, 2, 3];
    expect(down.run()).toBe(Stop.Halt);
    expect(down.seen).toEqual(['rep ins16 1f0 x2', 'rep ins16 1f0 x1']);
    expect([...down.ram.subarray(0x2ffe, 0x3004)]).toEqual([3, 0, 2, 0, 1, 0]);
    const device = await executing(32, 'f3 6c f4', { ecx: 2, edx: 0x1f0, edi: 0xfe00_0000 });
    device.answers = [8, 9];
    expect(device.run()).toBe(Stop.Halt);
    expect(device.seen).toEqual(['rep ins8 1f0 x2', 'store8 fe000000=8', 'store8 fe000001=9']);
  });

  it('reads OUTS from a device element by element', async () => {
    const guest = await executing(32, 'f3 6e f4', { ecx: 3, edx: 0x402, esi: 0xfe00_0000 });
    guest.answers = [0x41, 0x42, 0x43];
    expect(guest.run()).toBe(Stop.Halt);
    expect(guest.seen).toEqual([
      'load8 fe000000',
      'rep outs8 402=41',
      'load8 fe000001',
      'rep outs8 402=42',
      'load8 fe000002',
      'rep outs8 402=43',
    ]);
  });

  it('counts each instruction once, also the one that began again', async () => {
    const guest = await executing(32, '90 90 0b 05 00 00 00 fe 90 a1 00 00 00 fe 90 ee f4');
    expect(guest.run()).toBe(Stop.Halt);
    expect(guest.processor.instructions).toBe(8);
  });

  it('says that an instruction is under way until it has ended, and ends it without beginning another', async () => {
    const guest = await executing(32, '0b 05 00 00 00 fe f3 aa f4', { ecx: 2, edi: 0xfe00_0000 });
    guest.answers = [0xf0];
    expect(guest.step()).toBe(Stop.Operation);
    expect([guest.processor.underWay, guest.get('eax')]).toEqual([true, 0]);
    expect(guest.step(0)).toBe(Stop.Limit);
    expect([guest.processor.underWay, guest.get('eax'), guest.get('eip')]).toEqual([false, 0xf0, 0x1006]);
    expect(guest.step()).toBe(Stop.Operation);
    expect(guest.processor.underWay).toBe(true);
    expect(guest.step(0)).toBe(Stop.Operation);
    expect(guest.step(0)).toBe(Stop.Limit);
    expect([guest.processor.underWay, guest.get('eip')]).toEqual([false, 0x1008]);
  });

  it('makes an access anew where userspace has changed the page tables, and the special registers, in between', async () => {
    const guest = await executing(32, '03 05 00 00 40 00 f4');
    // Pages of 4 MiB from a directory at 0x4000: the second one is a device, and then another one.
    const tables = new DataView(guest.ram.buffer, guest.ram.byteOffset);
    tables.setUint32(0x4000, 0x83, true);
    tables.setUint32(0x4004, 0xfe00_0083, true);
    // mov cr3, 0x4000; mov cr4, 0x10; mov cr0, 0x80000011; xor eax, eax; jmp 0x1000
    guest.ram.set(
      code('b8 00 40 00 00 0f 22 d8 b8 10 00 00 00 0f 22 e0 b8 11 00 00 80 0f 22 c0 31 c0 e9 e1 07 00 00'),
      0x800,
    );
    guest.setRegisters({ eip: 0x800 });
    guest.answers = [5, 6];
    expect(guest.step()).toBe(Stop.Operation);
    tables.setUint32(0x4004, 0xfd00_0083, true);
    const special = new DataView(new ArrayBuffer(312));
    guest.processor.getSpecialRegisters(special);
    expect(guest.processor.setSpecialRegisters(special)).toBe(true);
    expect(guest.run()).toBe(Stop.Halt);
    expect(guest.seen).toEqual(['load32 fe000000', 'load32 fd000000']);
    expect(guest.get('eax')).toBe(6);
  });

  it.each([
    ['adc eax, [m]', '13 05 M', 0xffff_ffff],
    ['or al, [m]', '0a 05 M', 0x80],
    ['cmp [m], ax', '66 39 05 M', 0x1234],
    ['sbb [m], eax', '19 05 M', 0x5000_0000],
    ['cmp byte [m], 7', '80 3d M 07', 7],
    ['sub dword [m], -1', '83 2d M ff', 0],
    ['add word [m], 0x1234', '66 81 05 M 34 12', 0xf000],
    ['test dword [m], 1 << 31', 'f7 05 M 00 00 00 80', 0x8000_0000],
    ['test al, [m]', '84 05 M', 0x34],
    ['not dword [m]', 'f7 15 M', 1],
    ['neg byte [m]', 'f6 1d M', 1],
    ['inc byte [m]', 'fe 05 M', 0xff],
    ['dec dword [m]', 'ff 0d M', 0],
    ['xchg ah, [m]', '86 25 M', 0x56],
    ['mul dword [m]', 'f7 25 M', 0xffff_ffff],
    ['div dword [m]', 'f7 35 M', 0x4000_0001],
    ['push dword [m]', 'ff 35 M', 0x77],
  ])('%s does with what a device answers as with the bytes of RAM', async (_, text, value) => {
    const results: unknown[] = [];
    for (const address of ['00 30 00 00', '00 00 00 fe']) {
      const guest = await executing(32, `f9 ${text.replace('M', address)} f4`, { eax: 0x8123_1234, edx: 1 });
      const view = new DataView(guest.ram.buffer, guest.ram.byteOffset);
      view.setUint32(0x3000, value, true);
      guest.answers = [value];
      expect(guest.run()).toBe(Stop.Halt);
      const stored = guest.seen.find((one) => one.startsWith('store'))?.split('=')[1];
      const expected =
        guest.seen.length === 0 ? view.getUint32(0x3000, true) : Number.parseInt(stored ?? value.toString(16), 16);
      const registers = (['eax', 'edx', 'esp', 'flags', 'eip'] as const).map((name) => guest.get(name));
      results.push([expected, registers, view.getUint32(0x7ffc, true), guest.processor.instructions]);
    }
    expect(results[1]).toEqual(results[0]);
  });

  it('changes an operand of which one half is RAM, and the other one a device', async () => {
    const guest = await executing(32, '01 05 fe ff 1f 00 f4', { eax: 0x0001_0001 });
    guest.ram.set([0xff, 0xff], 0x1f_fffe);
    guest.answers = [0x20];
    expect(guest.run()).toBe(Stop.Halt);
    expect([...guest.ram.subarray(0x1f_fffe)]).toEqual([0, 0]);
    expect(guest.seen).toEqual(['load8 200000', 'load8 200001', 'store8 200000=22', 'store8 200001=0']);
  });

  it('takes no page fault before a device that has the page table has answered', async () => {
    // lgdt [0x6100]; lidt [0x6108]; paging with pages of 4 MiB and the directory at 0x4000; xor eax, eax; add eax, [0x400008]; hlt
    const guest = await executing(
      32,
      '0f 01 15 00 61 00 00 0f 01 1d 08 61 00 00 b8 00 40 00 00 0f 22 d8 b8 10 00 00 00 0f 22 e0 b8 11 00 00 80 0f 22 c0 31 c0 ' +
        '03 05 08 00 40 00 f4',
    );
    const tables = new DataView(guest.ram.buffer, guest.ram.byteOffset);
    // The table of the second 4 MiB is in a device, and says: RAM at 0x5000.
    tables.setUint32(0x4000, 0x83, true);
    tables.setUint32(0x4004, 0xfe00_0003, true);
    tables.setUint32(0x5008, 0x1234, true);
    // A flat code segment, and a gate for #PF.
    guest.ram.set(code('17 00 00 62 00 00 00 00 ff 07 00 64 00 00'), 0x6100);
    guest.ram.set(code('ff ff 00 00 00 9a cf 00'), 0x6208);
    guest.ram.set(code('00 20 08 00 00 8e 00 00'), 0x6400 + 8 * 14);
    guest.ram[0x2000] = 0xf4;
    guest.answers = [0x5003];
    expect(guest.run()).toBe(Stop.Halt);
    expect(guest.seen).toEqual(['load32 fe000000', 'store8 fe000000=23']);
    expect(guest.get('eax')).toBe(0x1234);
    const special = new DataView(new ArrayBuffer(StructSize.specialRegisters));
    guest.processor.getSpecialRegisters(special);
    expect(special.getUint32(SpecialRegisters.cr2, true)).toBe(0);
    expect([...guest.ram.subarray(0x7ff0, 0x8000)]).toEqual(Array.from({ length: 16 }, () => 0));
  });
});
