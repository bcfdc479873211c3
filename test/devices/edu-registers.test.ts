import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { Edu } from '../../devices/edu.ts';
import { KiB, MILLISECOND } from '../../sdk/index.ts';
import { PciCommand, PciRegister } from '../../sdk/pci.ts';
import { type TestBench, testBench } from '../../sdk/testing/index.ts';

const Base = 0xe000_0000;
const FactorialTime = 1 * MILLISECOND;
const DmaTime = 100 * MILLISECOND;
let bench: TestBench<Edu>;
const load = (offset: number) => bench.load32(Base + offset);
const store = (offset: number, value: number) => bench.store32(Base + offset, value);

const registersOf = ({ source, destination, count, command }: Edu) => String([source, destination, count, command]);

function transfer(source: bigint, destination: bigint, count: bigint, command: bigint): void {
  bench.store64(Base + 0x80, source);
  bench.store64(Base + 0x88, destination);
  bench.store64(Base + 0x90, count);
  bench.store64(Base + 0x98, command);
}

beforeEach(() => {
  bench = testBench(Edu, { ram: 64 * KiB });
});

describe('the card', () => {
  it('says who it is, and inverts what it is told', () => {
    expect(load(0)).toBe(0x0100_00ed);
    store(0x04, 0x0000_ffff);
    expect(load(0x04)).toBe(0xffff_0000);
  });

  it.each([
    [0x0c, 4, 0xffff_ffffn],
    [0x00, 8, 0xffff_ffff_ffff_ffffn],
    [0x40, 8, 0xffff_ffff_ffff_ffffn],
    [0x60, 4, 0xffff_ffffn],
    [0x84, 4, 0xffff_ffffn],
    [0xf_fffc, 4, 0xffff_ffffn],
  ])('reads all ones at 0x%x in %i bytes, and changes nothing by a write there', (offset, size, ones) => {
    const before = registersOf(bench.device);
    expect(size === 8 ? bench.load64(Base + offset) : BigInt(load(offset))).toBe(ones);
    if (size === 8) bench.store64(Base + offset, 1n);
    else if (offset !== 0x60) store(offset, 1);
    expect([load(0x04), bench.device.factorial, bench.device.status]).toEqual([0, 0, 0]);
    expect(registersOf(bench.device)).toBe(before);
  });

  it('refuses bytes and words: they read zero', () => {
    expect([bench.load8(Base), bench.load16(Base + 2)]).toEqual([0, 0]);
  });
});

describe('the factorial', () => {
  it.each([
    [0, 1],
    [1, 1],
    [5, 120],
    [13, 1_932_053_504],
    [33, 2_147_483_648],
    [34, 0],
    [0xffff_ffff, 0],
  ])('of %i is %i, modulo 2^32, some time later', (n, result) => {
    store(0x08, n);
    expect([load(0x08), load(0x20)]).toEqual([n, 1]);
    bench.clock.advance(FactorialTime);
    expect([load(0x08), load(0x20), load(0x24)]).toEqual([result, 0, 0]);
  });

  it('under way is not disturbed, and its end interrupts if that was asked for', () => {
    store(0x20, 0xffff_ffff);
    store(0x08, 4);
    store(0x08, 9);
    expect(load(0x20)).toBe(0x81);
    bench.clock.advance(FactorialTime);
    expect([load(0x08), load(0x24), bench.interrupts.interrupt.level]).toEqual([24, 1, true]);
    store(0x64, 1);
    expect([load(0x24), bench.interrupts.interrupt.level]).toEqual([0, false]);
  });
});

describe('the interrupt', () => {
  it('is high while any cause is', () => {
    store(0x60, 0x8000_0001);
    store(0x64, 1);
    expect([load(0x24), bench.interrupts.interrupt.level]).toEqual([0x8000_0000, true]);
    store(0x64, 0xffff_ffff);
    expect(bench.interrupts.interrupt.level).toBe(false);
  });

  it('as a message is a write into memory, one for each raise, none for an acknowledgement', () => {
    const { device } = bench;
    const msi = device.capabilityOffset(5) as number;
    device.writeConfig(msi + 4, 0x1000, 4);
    device.writeConfig(msi + 12, 0xbeef, 2);
    device.writeConfig(msi + 2, 1, 2);
    store(0x60, 2);
    expect([bench.load32(0x1000), device.interruptOut.level]).toEqual([0xbeef, false]);
    bench.store32(0x1000, 0);
    store(0x60, 2);
    expect(bench.load32(0x1000)).toBe(0xbeef);
    bench.store32(0x1000, 0);
    store(0x64, 2);
    store(0x60, 0);
    expect(bench.load32(0x1000)).toBe(0);
  });
});

describe('DMA', () => {
  it('fills the buffer and empties it, each 100 ms after the command', () => {
    bench.store32(0x1000, 0x1122_3344);
    transfer(0x1000n, 0x4_0ffcn, 4n, 0b101n);
    bench.clock.advance(DmaTime - 1);
    expect([bench.load64(Base + 0x98), load(0x24)]).toEqual([5n, 0]);
    bench.clock.advance(1);
    expect([bench.load64(Base + 0x98), load(0x24)]).toEqual([4n, 0x100]);
    transfer(0x4_0ffcn, 0x2000n, 4n, 0b011n);
    bench.clock.advance(DmaTime);
    expect([bench.load32(0x2000), load(0x24)]).toEqual([0x1122_3344, 0x100]);
  });

  it('takes 4 bytes at its registers as all of them', () => {
    bench.store64(Base + 0x80, 0x1_2345_6789n);
    expect(load(0x80)).toBe(0x2345_6789);
    store(0x80, 7);
    expect(bench.load64(Base + 0x80)).toBe(7n);
  });

  it('under way keeps its registers, and a command that does not run is none', () => {
    transfer(1n, 2n, 3n, 0b110n);
    expect(bench.load64(Base + 0x98)).toBe(0n);
    transfer(0x1000n, 0x4_0000n, 4n, 0b001n);
    transfer(9n, 9n, 9n, 0b111n);
    expect([0x80, 0x88, 0x90, 0x98].map((at) => bench.load64(Base + at))).toEqual([0x1000n, 0x4_0000n, 4n, 1n]);
  });

  it.each([
    ['before the buffer', 0x3_ffffn, 1n],
    ['over its end', 0x4_0fffn, 2n],
    ['of a huge count', 0x4_0000n, 2n ** 64n - 1n],
  ])('%s moves nothing, is a mistake of the guest, and ends', (_, destination, count) => {
    transfer(0x1000n, destination, count, 0b101n);
    bench.clock.advance(DmaTime);
    expect(bench.guestErrors).toHaveLength(1);
    expect([bench.load64(Base + 0x98), load(0x24)]).toEqual([4n, 0x100]);
  });

  it('may end exactly where the buffer ends', () => {
    transfer(0x1000n, 0x4_0000n, 4096n, 0b001n);
    bench.clock.advance(DmaTime);
    expect(bench.guestErrors).toEqual([]);
  });

  it('cuts memory addresses to the mask, and says so: a beginner gives the card more address bits than it has', () => {
    bench = testBench(Edu, { ram: 64 * KiB, options: { dmaMask: 0xfffn } });
    bench.store32(0x0010, 0xcafe);
    transfer(0xabcd_e010n, 0x4_0000n, 4n, 0b001n);
    bench.clock.advance(DmaTime);
    expect(bench.device.buffer.slice(0, 2)).toEqual(new Uint8Array([0xfe, 0xca]));
    expect(bench.guestErrors.map(({ message }) => message)).toEqual([expect.stringMatching(/0xabcde010 .*0x10\b/)]);
    transfer(0x4_0000n, 0x20n, 4n, 0b011n);
    bench.clock.advance(DmaTime);
    expect([bench.load32(0x20), bench.guestErrors.length]).toEqual([0xcafe, 1]);
    transfer(0x4_0000n, 0x1_0000_0020n, 4n, 0b011n);
    bench.clock.advance(DmaTime);
    expect(bench.guestErrors.map(({ count }) => count)).toEqual([2]);
  });

  it('without the right to be master reaches nothing and says so', () => {
    bench.store32(0x1000, 1);
    bench.device.buffer.fill(0xff);
    bench.device.writeConfig(PciRegister.Command, PciCommand.Memory, 2);
    transfer(0x1000n, 0x4_0000n, 4n, 0b001n);
    bench.clock.advance(DmaTime);
    expect(bench.guestErrors[0]?.message).toContain('0x1000');
    expect([...bench.device.buffer.slice(0, 5)]).toEqual([0, 0, 0, 0, 0xff]);
  });

  it('may lead to its own registers, and ends all the same', () => {
    bench = testBench(Edu, { ram: 64 * KiB, options: { dmaMask: 2n ** 64n - 1n } });
    transfer(0x4_0000n, BigInt(Base) + 0x98n, 8n, 0b011n);
    bench.clock.advance(DmaTime);
    expect(bench.load64(Base + 0x98)).toBe(2n);
  });
});

describe('whatever a guest does', () => {
  it('nothing is thrown, registers stay in their width, and a reset ends it all', () => {
    const offset = fc.oneof(fc.constantFrom(0, 4, 8, 0x20, 0x24, 0x60, 0x64, 0x80, 0x88, 0x90, 0x98), fc.nat(0xf_ffff));
    const value = fc.oneof(
      fc.constantFrom(0n, 1n, 3n, 5n, 7n, 0x1000n, 0x4_0000n),
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    );
    const step = fc.record({
      offset,
      value,
      size: fc.constantFrom(1, 4, 4, 8, 8),
      wait: fc.constantFrom(0, 1, FactorialTime, DmaTime),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        bench = testBench(Edu, { ram: 8 * KiB });
        for (const { offset, value, size, wait } of steps) {
          if (size === 8) bench.store64(Base + (offset & ~7), value);
          else bench.memory.write(Base + offset, Number(BigInt.asUintN(8 * size, value)), size);
          bench.clock.advance(wait);
          const { liveness, factorial, status, interruptStatus } = bench.device;
          for (const register of [liveness, factorial, status, interruptStatus]) {
            expect(register >= 0 && register <= 0xffff_ffff).toBe(true);
          }
          expect(bench.interrupts.interrupt.level).toBe(interruptStatus !== 0);
        }
        bench.reset();
        expect([load(0x04), load(0x08), load(0x20), load(0x24), bench.load64(Base + 0x98)]).toEqual([0, 0, 0, 0, 0n]);
        expect([bench.interrupts.interrupt.level, bench.clock.pendingTimers]).toEqual([false, []]);
      }),
      { numRuns: 60 },
    );
  });
});
