import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { device, mmioRegion, portRegion, SystemDevice } from '../../sdk/index.ts';
import { testBench } from '../../sdk/testing/index.ts';
import { times } from '../depth.ts';
import { DeviceBench } from './device-bench.ts';
import { engines } from './interpreted.ts';

const Base = 0x8000;

/** A region that accepts bytes and implements words, answered by one handler. */
function wordDevice(endianness: 'little' | 'big', unaligned: boolean) {
  const window = mmioRegion({
    name: 'words',
    base: Base,
    size: 16,
    endianness,
    accepts: { min: 1, max: 4, unaligned },
    implements: { min: 4, max: 4, unaligned },
  });
  @device({ type: 'words', description: 'Words, and which bytes of them' })
  class Words extends SystemDevice {
    readonly words = new Uint32Array(5);
    readonly calls: unknown[][] = [];

    @window.read()
    look(offset: number, size: number): number {
      this.calls.push(['read', offset, size]);
      return this.words[offset / 4] as number;
    }

    @window.write()
    store(value: number, offset: number, size: number, lanes: number): void {
      this.calls.push(['write', value, offset, size, lanes]);
      this.words[offset / 4] = ((this.words[offset / 4] as number) & ~lanes) | (value & lanes);
    }
  }
  return Words;
}

describe('a region that accepts bytes and implements words', () => {
  it('answers each byte of a word with its own, and reads the word once for it', () => {
    const window = mmioRegion({ name: 'b10', base: Base, size: 4, accepts: { min: 1 }, implements: { min: 4 } });
    @device({ type: 'b10', description: 'One word' })
    class Word extends SystemDevice {
      reads: number[][] = [];
      @window.read(0)
      word(...access: number[]): number {
        this.reads.push(access.slice(0, 2));
        return 0x4433_2211;
      }
    }
    const bench = testBench(Word);
    const bytes = [0, 1, 2, 3].map((offset) => bench.load8(Base + offset).toString(16));
    expect(bytes).toEqual(['11', '22', '33', '44']);
    expect(bench.load16(Base + 2)).toBe(0x4433);
    expect(bench.load32(Base)).toBe(0x4433_2211);
    expect(bench.device.reads).toEqual(Array.from({ length: 6 }, () => [0, 4]));
  });

  it('hands a narrow write to its handler in its lane, and says which bits it wrote', () => {
    const bench = testBench(wordDevice('little', false));
    bench.store32(Base + 4, 0x4433_2211);
    bench.store8(Base + 6, 0xab);
    bench.store16(Base + 4, 0x1234);
    expect(bench.device.calls).toEqual([
      ['write', 0x4433_2211, 4, 4, 0xffff_ffff],
      ['write', 0x00ab_0000, 4, 4, 0x00ff_0000],
      ['write', 0x0000_1234, 4, 4, 0x0000_ffff],
    ]);
    expect(bench.load32(Base + 4)).toBe(0x44ab_1234);
  });

  it('says all lanes where every access is whole', () => {
    const ports = portRegion({ name: 'ports', base: 0x40, size: 4, accessSizes: [1, 2] });
    @device({ type: 'ports', description: 'Ports' })
    class Ports extends SystemDevice {
      readonly lanes: number[] = [];
      @ports.write(0) store(_value: number, _offset: number, _size: number, lanes: number): void {
        this.lanes.push(lanes);
      }
    }
    const bench = testBench(Ports);
    bench.out8(0x40, 1);
    bench.out16(0x40, 1);
    expect(bench.device.lanes).toEqual([0xff, 0xffff]);
  });

  it.each([
    ['little', false],
    ['big', false],
    ['little', true],
    ['big', true],
  ] as const)('is a plain array of bytes to the guest (%s endian, unaligned: %s)', (endianness, unaligned) => {
    const Words = wordDevice(endianness, unaligned);
    const access = fc.record({
      isWrite: fc.boolean(),
      size: fc.constantFrom(1, 2, 4),
      offset: fc.nat(12),
      value: fc.nat(0xffff_ffff),
    });
    fc.assert(
      fc.property(fc.array(access, { maxLength: 40 }), (accesses) => {
        const bench = new DeviceBench();
        bench.realize(new Words());
        const bytes = new Uint8Array(16);
        for (const { isWrite, size, offset: any, value } of accesses) {
          // Unaligned whole words are the handler's own to answer.
          const offset = unaligned && size < 4 ? any : any - (any % size);
          if (isWrite) {
            bench.memory.write(Base + offset, value, size);
            for (let byte = 0; byte < size; byte++) bytes[offset + byte] = Math.floor(value / 2 ** (8 * byte));
          } else {
            let expected = 0;
            for (let byte = size - 1; byte >= 0; byte--) expected = expected * 256 + (bytes[offset + byte] as number);
            expect(bench.memory.read(Base + offset, size)).toBe(expected);
          }
        }
      }),
      { seed: 1109, numRuns: times(50, 150) },
    );
  });
});

describe.each(engines)('registers of mixed widths, %s', (_name, withEngine) => {
  const widths = [8, 8, 16, 32, 64, 8, 16, 8, 32, 64, 8] as const;
  const size = widths.reduce((sum: number, width) => sum + width / 8, 0);

  function mixed(endianness: 'little' | 'big', implemented: number) {
    const window = mmioRegion({
      name: 'mixed',
      base: Base,
      size,
      endianness,
      accepts: { min: 1, max: 8, unaligned: true },
      implements: { min: 1, max: implemented, unaligned: true },
    });
    class Mixed extends SystemDevice {
      readonly heard: string[] = [];
      constructor() {
        super();
        for (const [number, width] of widths.entries()) Object.assign(this, { [`r${number}`]: width === 64 ? 0n : 0 });
      }
    }
    let offset = 0;
    widths.forEach((width, number) => {
      const register = window.register(offset, { width } as { width: 8 });
      (register as unknown as (target: object, member: string) => void)(Mixed.prototype, `r${number}`);
      const hook = function (this: Mixed): void {
        this.heard.push(`r${number}`);
      };
      Object.defineProperty(Mixed.prototype, `hook${number}`, { value: hook, configurable: true });
      (register.onWrite() as unknown as (target: object, member: string, found: object) => void)(
        Mixed.prototype,
        `hook${number}`,
        { value: hook },
      );
      offset += width / 8;
    });
    device({ type: 'mixed', description: 'generated' })(Mixed);
    return Mixed;
  }

  it.each([
    ['little', 8],
    ['big', 8],
    ['little', 4],
    ['big', 2],
  ] as const)('are a plain array of bytes (%s endian, at most %s bytes at once)', (endianness, implemented) => {
    const Mixed = withEngine(() => {
      const made = mixed(endianness, implemented);
      new DeviceBench().realize(new made());
      return made;
    });
    const access = fc.record({
      isWrite: fc.boolean(),
      length: fc.constantFrom(1, 2, 4, 8),
      offset: fc.nat(size - 1),
      value: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    });
    fc.assert(
      fc.property(fc.array(access, { maxLength: 40 }), (accesses) => {
        const bench = new DeviceBench();
        bench.realize(new Mixed());
        const bytes = new Uint8Array(size);
        for (const { isWrite, length, offset: any, value } of accesses) {
          const offset = Math.min(any, size - length);
          const address = Base + offset;
          if (isWrite) {
            if (length === 8) bench.memory.write64(address, value);
            else bench.memory.write(address, Number(BigInt.asUintN(8 * length, value)), length);
            for (let byte = 0; byte < length; byte++)
              bytes[offset + byte] = Number((value >> BigInt(8 * byte)) & 0xffn);
          } else {
            const got = length === 8 ? bench.memory.read64(address) : BigInt(bench.memory.read(address, length));
            let expected = 0n;
            for (let byte = length - 1; byte >= 0; byte--)
              expected = expected * 256n + BigInt(bytes[offset + byte] as number);
            expect(got).toBe(expected);
          }
        }
      }),
      { seed: 1109, numRuns: times(50, 150) },
    );
  });

  it('are each called once by an access of eight bytes, wherever it begins', () => {
    const Mixed = withEngine(() => {
      const made = mixed('little', 8);
      new DeviceBench().realize(new made());
      return made;
    });
    const bench = new DeviceBench();
    const made = bench.realize(new Mixed());
    // Six bytes of r4, from its third on, then r5 and one byte of r6.
    bench.memory.write64(Base + 10, 0x8877_6655_4433_2211n);
    expect(made.heard).toEqual(['r4', 'r5', 'r6']);
    expect(bench.memory.read64(Base + 10)).toBe(0x8877_6655_4433_2211n);
  });
});

describe('a region that drops what runs over a register', () => {
  const header = portRegion({ name: 'header', base: 0x100, size: 8, overrun: 'dropped' });
  @device({ type: 'header', description: 'Registers that decode their first byte' })
  class Header extends SystemDevice {
    @header.register(0, { width: 8 }) first = 0;
    @header.register(1, { width: 8 }) second = 0;
    @header.register(2, { width: 16 }) third = 0;
    @header.register(4, { width: 32 }) fourth = 0;
  }

  it('reaches the register in which an access begins, and no other', () => {
    const bench = testBench(Header);
    bench.out32(0x100, 0x4433_2211);
    expect([bench.device.first, bench.device.second, bench.device.third]).toEqual([0x11, 0, 0]);
    bench.out16(0x102, 0xbeef);
    bench.out8(0x101, 0x55);
    expect(bench.in32(0x100)).toBe(0x11);
    expect(bench.in16(0x100)).toBe(0x11);
    expect(bench.in16(0x102)).toBe(0xbeef);
    bench.out8(0x105, 0x99);
    expect(bench.in32(0x104)).toBe(0x9900);
    expect(bench.guestErrors).toEqual([]);
  });
});
