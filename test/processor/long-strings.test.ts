import { describe, expect, it } from 'vitest';
import { Stop } from '../../sdk/accelerator/kvm/simulated-kernel/processor.ts';
import { needs, whyNoX86 } from '../needs.ts';
import { executing } from './bare-processor.ts';

const Elements = 200_000;
/** Elements that are done in one go at most, where the module takes no short cut by pages. */
const Piece = 0x1_0000;

describe('strings of many elements in RAM', needs('host', whyNoX86()), () => {
  it('are told where an element may cross a page: they are done in pieces, and an entry ends behind each', async () => {
    const guest = await executing(32, 'f3 ab f4', { ecx: Elements, edi: 0x10_0001, eax: 0x1122_3344 });
    for (const left of [Elements - Piece, Elements - 2 * Piece, Elements - 3 * Piece]) {
      expect(guest.step()).toBe(Stop.Limit);
      expect([guest.get('ecx'), guest.get('edi')]).toEqual([left, 0x10_0001 + 4 * (Elements - left)]);
      expect(guest.get('eip')).toBe(0x1000);
    }
    expect(guest.processor.instructions).toBe(3);
    // The rest has no more elements than a page has bytes.
    expect(guest.step()).toBe(Stop.Halt);
    expect(guest.bus.taken).toEqual(Array.from({ length: 3 }, () => `string of ${Piece}`));
    expect([guest.get('ecx'), guest.processor.instructions]).toEqual([0, 5]);
    const end = 0x10_0001 + 4 * Elements;
    expect([...guest.ram.subarray(end - 4, end + 1)]).toEqual([0x44, 0x33, 0x22, 0x11, 0]);
  });

  it('count an instruction for each page where none crosses one, and tell nothing', async () => {
    const guest = await executing(32, 'f3 ab f4', { ecx: Elements, edi: 0x10_0000, eax: -1 });
    expect(guest.run()).toBe(Stop.Halt);
    expect(guest.bus.taken).toEqual([]);
    expect([guest.get('ecx'), guest.processor.instructions]).toEqual([0, Math.ceil((4 * Elements) / 4096) + 1]);
    expect(guest.ram[0x10_0000 + 4 * Elements - 1]).toBe(0xff);
    expect(guest.ram[0x10_0000 + 4 * Elements]).toBe(0);
  });

  it.each([
    ['rep stosb', 'f3 aa f4', 0, { edi: 0x7000, ecx: 0xffff }],
    ['rep movsb', 'f3 a4 f4', 0, { esi: 0x6000, edi: 0x6001, ecx: 0xffff }],
    ['rep lodsb', 'f3 ac f4', 0, { ecx: 0xffff }],
    ['repe scasb', 'f3 ae f4', 0xffff - 5000, { edi: 0x3000, ecx: 0xffff }],
    ['repe cmpsb', 'f3 a6 f4', 0xffff - 5000, { esi: 0x2000, edi: 0x3000, ecx: 0xffff }],
  ])('are told with addresses of 16 bits: %s', async (_, text, left, registers) => {
    const guest = await executing(16, text, registers);
    guest.ram[0x3000 + 4999] = 0x55;
    expect(guest.step()).toBe(Stop.Limit);
    expect(guest.bus.taken).toEqual([`string of ${0xffff - left}`]);
    expect([guest.get('ecx'), guest.processor.instructions]).toEqual([left, 1]);
  });

  it('are stored in the same places as without pieces, whichever way they go and wherever they end', async () => {
    for (const [text, edi] of [
      ['fc f3 ab f4', 0x10_0003],
      ['fd f3 ab f4', 0x10_0003 + 4 * (Elements - 1)],
    ] as const) {
      const guest = await executing(32, text, { ecx: Elements, edi, eax: 0x0101_0101 });
      while (guest.step() !== Stop.Halt);
      const end = 0x10_0003 + 4 * Elements;
      expect(guest.ram.subarray(0x10_0003, end).every((byte) => byte === 1)).toBe(true);
      expect([guest.ram[0x10_0002], guest.ram[end]]).toEqual([0, 0]);
    }
  });

  it('leave for a device in their middle, and begin again behind it', async () => {
    const guest = await executing(32, 'f3 ab f4', { ecx: Elements, edi: (2 << 20) - 4 * 5000 + 1, eax: 7 });
    guest.bus.takesMemory = () => true;
    while (guest.step() !== Stop.Halt);
    const stores = guest.bus.taken.filter((line) => line.startsWith('store'));
    expect(stores.length).toBeGreaterThanOrEqual(Elements - 5000);
    expect(guest.get('ecx')).toBe(0);
    expect(guest.ram[(2 << 20) - 4 * 5000 + 1]).toBe(7);
  });
});
