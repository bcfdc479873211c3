import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bits, device, mmioRegion, type RegisterAccess, type RegisterSpec, SystemDevice } from '../../../sdk/index.ts';
import { type RegisterWidth, registerLocks } from '../../../sdk/runtime.ts';
import { times } from '../../depth.ts';
import { DeviceBench } from '../device-bench.ts';
import { engines } from '../interpreted.ts';
import { NaiveRegister } from './naive-register.ts';

const accesses: readonly RegisterAccess[] = [
  'read-write',
  'read-only',
  'write-only',
  'write-one-to-clear',
  'write-one-to-set',
  'read-to-clear',
  'write-once',
  'constant',
  'reserved',
  'undocumented',
  'unimplemented',
];

interface Shape {
  readonly width: RegisterWidth;
  readonly access: RegisterAccess[];
  readonly reset: bigint;
  readonly whole: boolean;
}

/** A register of any width: one access for all bits, or fields of any width with an access each. */
const shape: fc.Arbitrary<Shape> = fc
  .record({
    width: fc.constantFrom(8 as const, 16 as const, 32 as const, 64 as const),
    whole: fc.boolean(),
    pieces: fc.array(fc.record({ access: fc.constantFrom(...accesses), length: fc.integer({ min: 1, max: 20 }) }), {
      minLength: 1,
      maxLength: 9,
    }),
    bits: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  })
  .map(({ width, whole, pieces, bits: pattern }) => {
    const access: RegisterAccess[] = [];
    for (const piece of whole ? pieces.slice(0, 1) : pieces) {
      for (let bit = 0; bit < (whole ? width : piece.length) && access.length < width; bit++) access.push(piece.access);
    }
    while (access.length < width) access.push('reserved');
    return { width, access, reset: BigInt.asUintN(width, pattern), whole };
  });

function specOf({ width, access, reset, whole }: Shape): RegisterSpec {
  const fields: Record<string, ReturnType<typeof bits>> = {};
  for (let low = 0; low < width; ) {
    let high = low;
    while (high + 1 < width && access[high + 1] === access[low]) high++;
    fields[`field${low}`] = bits(low, high, access[low]);
    low = high + 1;
  }
  const common = whole ? { access: access[0] as RegisterAccess } : { fields };
  return width === 64 ? { ...common, width, reset } : { ...common, width, reset: Number(reset) };
}

const Base = 0x1_0000;
const arrayTypes = { 8: Uint8Array, 16: Uint16Array, 32: Uint32Array, 64: BigUint64Array } as const;

type Step =
  | { readonly kind: 'read' | 'write'; readonly at: number; readonly size: 1 | 2 | 4 | 8; readonly value: bigint }
  | { readonly kind: 'reset' }
  | { readonly kind: 'set'; readonly which: number; readonly value: bigint };

const value = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constantFrom('read' as const, 'write' as const),
      at: fc.integer({ min: 0, max: 63 }),
      size: fc.constantFrom(1 as const, 2 as const, 4 as const, 8 as const),
      value,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reset' as const) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('set' as const), which: fc.nat(), value }) },
);

interface Sizes {
  readonly min: number;
  readonly max: number;
  readonly unaligned: boolean;
  readonly endianness: 'little' | 'big';
}

const sizes: fc.Arbitrary<Sizes> = fc.record({
  min: fc.constant(1),
  max: fc.constantFrom(1, 2, 4, 8),
  unaligned: fc.boolean(),
  endianness: fc.constantFrom('little' as const, 'big' as const),
});

/** Registers side by side, each either on its own or as an array, in a region that takes these sizes. */
function buildDevice(shapes: readonly (Shape & { readonly count: number })[], taken: Sizes) {
  const { min, max, unaligned, endianness } = taken;
  const region = mmioRegion({
    name: 'bits',
    base: Base,
    size: 256,
    accepts: { min, max: 8, unaligned },
    implements: { min, max, unaligned },
    endianness,
  });
  class Bits extends SystemDevice {
    constructor() {
      super();
      shapes.forEach((one, number) => {
        const spec = specOf(one);
        const Kind = arrayTypes[one.width];
        const held = one.count === 0 ? spec.reset : new Kind(one.count).fill(spec.reset as never);
        Object.assign(this, { [`register${number}`]: held });
      });
    }
  }
  const naive: {
    readonly model: NaiveRegister;
    readonly offset: number;
    readonly number: number;
    readonly index: number;
  }[] = [];
  let offset = 0;
  shapes.forEach((one, number) => {
    const spec = { ...specOf(one), ...(one.count === 0 ? {} : { count: one.count }) } as RegisterSpec;
    (region.register(offset, spec as never) as unknown as (target: object, member: string) => void)(
      Bits.prototype,
      `register${number}`,
    );
    for (let index = 0; index < Math.max(one.count, 1); index++) {
      naive.push({ model: new NaiveRegister(one.width, one.access, one.reset), offset, number, index });
      offset += one.width / 8;
    }
  });
  device({ type: 'bits', description: 'generated' })(Bits);
  const bench = new DeviceBench();
  const made = bench.realize(new Bits());
  const fields = made as unknown as Record<string, number | bigint | Record<number, number | bigint>>;
  const hold = (number: number, index: number): bigint => {
    const held = fields[`register${number}`] as number | bigint | Record<number, number | bigint>;
    return BigInt(typeof held === 'object' ? (held[index] as number | bigint) : held);
  };
  const set = (number: number, index: number, wide: boolean, content: bigint): void => {
    const plain = wide ? content : Number(content);
    const held = fields[`register${number}`];
    if (typeof held === 'object') held[index] = plain;
    else fields[`register${number}`] = plain;
  };
  return { bench, device: made, naive, hold, set, end: offset };
}

/** Bits that the device's own code may have changed: constant and reserved bits answer their reset value whatever it did. */
const fixedBits = ({ access }: NaiveRegister): bigint =>
  access.reduce((mask, one, bit) => (one === 'constant' || one === 'reserved' ? mask | (1n << BigInt(bit)) : mask), 0n);

describe.each(engines)('a register of any width, with any mixture of modes, %s', (_, made) => {
  it('behaves bit by bit as its modes say, at every size and offset the region takes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ shape, count: fc.constantFrom(0, 0, 0, 1, 3) }), { minLength: 1, maxLength: 4 }),
        sizes,
        fc.array(step, { maxLength: 30 }),
        (given, taken, steps) => {
          const shapes = given.map(({ shape: one, count }) => ({ ...one, count }));
          const { bench, device: subject, naive, hold, set, end } = made(() => buildDevice(shapes, taken));
          /** The register that has the byte, and which of its bytes that is, counted from its lowest bit. */
          const byteAt = (at: number) => {
            const { model, offset } = naive.findLast((entry) => entry.offset <= at) as (typeof naive)[number];
            return { model, byte: taken.endianness === 'big' ? model.width / 8 - 1 - (at - offset) : at - offset };
          };
          for (const one of steps) {
            if (one.kind === 'reset') {
              subject.reset();
              for (const { model } of naive) model.reset();
            } else if (one.kind === 'set') {
              const { model, number, index } = naive[one.which % naive.length] as (typeof naive)[number];
              const content = BigInt.asUintN(model.width, one.value) & ~fixedBits(model);
              const kept = model.value & fixedBits(model);
              set(number, index, model.width === 64, content | kept);
              model.set(content | kept);
            } else {
              // An access that is not aligned is cut into aligned ones by the core, unless the region takes it whole.
              const at = (one.at % end) - (taken.unaligned ? 0 : (one.at % end) % one.size);
              const bytes = Array.from({ length: one.size }, (_, byte) => at + byte);
              if (at + one.size > end) continue;
              if (one.kind === 'read') {
                let expected = 0n;
                bytes.forEach((address, position) => {
                  const { model, byte } = byteAt(address);
                  expected += BigInt(model.readByte(byte)) << BigInt(8 * position);
                });
                const got =
                  one.size === 8 ? bench.memory.read64(Base + at) : BigInt(bench.memory.read(Base + at, one.size));
                expect(got).toBe(expected);
              } else {
                bytes.forEach((address, position) => {
                  const { model, byte } = byteAt(address);
                  model.writeByte(byte, Number((one.value >> BigInt(8 * position)) & 0xffn));
                });
                if (one.size === 8) bench.memory.write64(Base + at, one.value);
                else bench.memory.write(Base + at, Number(BigInt.asUintN(8 * one.size, one.value)), one.size);
              }
            }
            for (const { model, number, index } of naive) expect(hold(number, index)).toBe(model.value);
          }
          expect(Object.keys(registerLocks(subject)).length).toBe(
            shapes.filter(({ access }) => access.includes('write-once')).length,
          );
        },
      ),
      { numRuns: times(100, 300) },
    );
  });
});
