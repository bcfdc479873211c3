import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AddressSpace, MemoryRegion, MemoryTopology, MemTxResult, RegionOps } from '../../sdk/memory/index.ts';
import { times } from '../depth.ts';

// How an access becomes handler calls, written once more: in bigints, literally, without fast paths.

interface Rules {
  readonly valid: { min?: number; max?: number; unaligned?: boolean };
  readonly impl: { min?: number; max?: number; unaligned?: boolean };
  readonly endianness: 'little' | 'big';
  readonly has64: boolean;
}
interface Call {
  readonly what: string;
  readonly offset: number;
  readonly size: number;
  readonly value?: bigint;
}
interface Outcome {
  readonly value: bigint;
  readonly result: number;
  readonly calls: Call[];
}

const mask = (size: number) => (1n << BigInt(8 * size)) - 1n;
const swap = (value: bigint, size: number) => {
  let out = 0n;
  for (let i = 0; i < size; i++) out |= ((value >> BigInt(8 * i)) & 0xffn) << BigInt(8 * (size - 1 - i));
  return out;
};
const shift = (value: bigint, bits: number) => (bits >= 0 ? value << BigInt(bits) : value >> BigInt(-bits));
/** What the device answers: every byte names its offset, so that order and lanes show. */
const answer = (offset: number, size: number) => {
  let out = 0n;
  for (let i = 0; i < size; i++) out |= BigInt((offset * 7 + i * 31 + size) & 0xff) << BigInt(8 * i);
  return out;
};

/** One access that the bus hands to one device. A write if `data` is given. */
function dispatch(rules: Rules, offset: number, size: number, data?: bigint): Outcome {
  const { valid, impl } = rules;
  const refused =
    (!valid.unaligned && offset % size !== 0) ||
    (valid.max !== undefined && (size > valid.max || size < (valid.min ?? 1)));
  if (refused) return { value: 0n, result: MemTxResult.DecodeError, calls: [] };
  const big = rules.endianness === 'big';
  const bus = data === undefined ? 0n : big ? swap(data, size) : data;
  const step = Math.max(Math.min(size, impl.max ?? 4), impl.min ?? 1);
  const calls: Call[] = [];
  let value = 0n;
  for (let at = 0; at < size; at += step) {
    const bits = 8 * (big ? size - step - at : at);
    const piece = shift(bus, -bits) & mask(step);
    // Without a 64-bit form the widest call is 4 bytes.
    const halves = step === 8 && !rules.has64 ? [big ? 4 : 0, big ? 0 : 4] : [0];
    const width = halves.length === 2 ? 4 : step;
    for (const [index, lane] of halves.entries()) {
      const where = offset + at + index * 4;
      const part = (piece >> BigInt(8 * lane)) & mask(width);
      if (data === undefined) value |= shift((answer(where, width) & mask(width)) << BigInt(8 * lane), bits);
      calls.push(
        data === undefined
          ? { what: 'read', offset: where, size: width }
          : { what: 'write', offset: where, size: width, value: part },
      );
    }
  }
  value &= mask(size);
  return { value: big ? swap(value, size) : value, result: MemTxResult.Ok, calls };
}

const ramEnd = 16;
const deviceEnd = 24;
const ramStart = 40;
/** RAM at 0..15, a device at 16..23, nothing to 39, RAM at 40..63. */
function access(rules: Rules, ram: Uint8Array, address: number, size: number, data?: bigint): Outcome {
  let value = 0n;
  let result = 0;
  const calls: Call[] = [];
  for (let done = 0; done < size; ) {
    const at = address + done;
    const left = size - done;
    const isRam = at < ramEnd || (at >= ramStart && at < 64);
    if (isRam) {
      const byte = BigInt(ram[at]!);
      if (data === undefined) value |= byte << BigInt(8 * done);
      else ram[at] = Number((data >> BigInt(8 * done)) & 0xffn);
      done += 1;
      continue;
    }
    const inDevice = at >= ramEnd && at < deviceEnd;
    const offset = inDevice ? at - ramEnd : at;
    let most = (inDevice ? rules.valid.max : undefined) ?? 4;
    if (!(inDevice && rules.impl.unaligned) && offset !== 0) {
      while (offset % most !== 0) most /= 2;
    }
    let length = 1;
    while (length * 2 <= Math.min(left, most)) length *= 2;
    if (inDevice) {
      const part = data === undefined ? undefined : (data >> BigInt(8 * done)) & mask(length);
      const outcome = dispatch(rules, offset, length, part);
      value |= outcome.value << BigInt(8 * done);
      result |= outcome.result;
      calls.push(...outcome.calls);
    } else result |= MemTxResult.DecodeError;
    done += length;
  }
  return { value, result, calls };
}

function build(rules: Rules) {
  const topology = new MemoryTopology();
  const root = MemoryRegion.container(topology, 'root', 64);
  const calls: Call[] = [];
  const wide = {
    read64: (offset: number, size: number) => {
      calls.push({ what: 'read', offset, size });
      return answer(offset, size);
    },
    write64: (value: bigint, offset: number, size: number) => void calls.push({ what: 'write', offset, size, value }),
  };
  const ops = new RegionOps({
    device: null,
    ...rules,
    routes: [
      {
        offset: 0,
        size: Number.POSITIVE_INFINITY,
        read: (offset, size) => {
          calls.push({ what: 'read', offset, size });
          // Handlers may return signed numbers; the bus shows them unsigned.
          return Number(answer(offset, size)) | 0;
        },
        write: (value, offset, size) => void calls.push({ what: 'write', offset, size, value: BigInt(value) }),
        ...(rules.has64 ? wide : {}),
      },
    ],
  });
  const low = MemoryRegion.ram(topology, 'low', ramEnd);
  const high = MemoryRegion.ram(topology, 'high', 24);
  root.addSubregion(0, low);
  root.addSubregion(ramEnd, MemoryRegion.io(topology, 'device', deviceEnd - ramEnd, ops));
  root.addSubregion(ramStart, high);
  const space = new AddressSpace(topology, 'memory', root);
  const ram = new Uint8Array(64);
  for (let i = 0; i < 64; i++) ram[i] = (i * 37 + 5) & 0xff;
  low.ram!.bytes.set(ram.subarray(0, ramEnd));
  high.ram!.bytes.set(ram.subarray(ramStart, 64));
  const memory = () => {
    const bytes = new Uint8Array(64);
    bytes.set(low.ram!.bytes, 0);
    bytes.set(high.ram!.bytes, ramStart);
    return bytes;
  };
  ram.fill(0, ramEnd, ramStart);
  return { space, calls, ram, memory };
}

const width = fc.constantFrom(1, 2, 4, 8);
const sizes = fc
  .record({ a: fc.option(width, { nil: undefined }), b: fc.option(width, { nil: undefined }), unaligned: fc.boolean() })
  .map(({ a, b, unaligned }) => ({
    ...(a === undefined || b === undefined ? {} : { min: Math.min(a, b) }),
    ...(b === undefined ? {} : { max: Math.max(a ?? 1, b) }),
    unaligned,
  }));
const rules: fc.Arbitrary<Rules> = fc.record({
  valid: sizes,
  impl: sizes,
  endianness: fc.constantFrom('little' as const, 'big' as const),
  has64: fc.boolean(),
});
const address = fc.integer({ min: 0, max: 63 });
const value = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

describe('an access of any width at any address, for any declared widths', () => {
  it('reads through the same handler calls as the rules written out', () => {
    fc.assert(
      fc.property(rules, address, width, (declared, at, size) => {
        if (at + size > 64) return;
        const { space, calls, ram } = build(declared);
        const expected = access(declared, ram, at, size);
        const seen = size === 8 ? space.read64(at) : BigInt(space.read(at, size));
        expect({ value: seen, result: space.result, calls }).toEqual(expected);
      }),
      { numRuns: times(666, 2000) },
    );
  });

  it('writes through the same handler calls as the rules written out', () => {
    fc.assert(
      fc.property(rules, address, width, value, (declared, at, size, data) => {
        if (at + size > 64) return;
        const { space, calls, ram, memory } = build(declared);
        const bits = data & mask(size);
        const expected = access(declared, ram, at, size, bits);
        const result = size === 8 ? space.write64(at, bits) : space.write(at, Number(bits), size);
        expect({ result, calls }).toEqual({ result: expected.result, calls: expected.calls });
        expect(memory()).toEqual(ram);
      }),
      { numRuns: times(666, 2000) },
    );
  });

  it('moves whole buffers the same way', () => {
    fc.assert(
      fc.property(rules, address, fc.uint8Array({ minLength: 0, maxLength: 40 }), (declared, at, data) => {
        if (at + data.length > 64) return;
        const { space, calls, ram, memory } = build(declared);
        let whole = 0n;
        for (const [index, byte] of data.entries()) whole |= BigInt(byte) << BigInt(8 * index);
        const written = access(declared, ram, at, data.length, whole);
        expect(space.writeBytes(at, data)).toBe(written.result);
        expect(memory()).toEqual(ram);
        const read = access(declared, ram, at, data.length);
        const target = new Uint8Array(data.length).fill(0xee);
        expect(space.readBytes(at, target)).toBe(read.result);
        let seen = 0n;
        for (const [index, byte] of target.entries()) seen |= BigInt(byte) << BigInt(8 * index);
        expect(seen).toBe(read.value);
        expect(calls).toEqual([...written.calls, ...read.calls]);
      }),
      { numRuns: times(333, 1000) },
    );
  });
});
