import { beforeEach, describe, expect, it } from 'vitest';
import { VirtioBlk } from '../../devices/virtio-blk.ts';
import { loadDevice, saveDevice } from '../../sdk/device/index.ts';
import { KiB, MICROSECOND, MILLISECOND, MiB } from '../../sdk/index.ts';
import { type TestImage, testBench } from '../../sdk/testing/index.ts';
import { BenchDriver, Flag, Status } from '../bus/virtio/driver.ts';

const Sector = 512;
const Type = { Read: 0, Write: 1, Flush: 4, GetId: 8, Discard: 11 } as const;
const Answer = { Ok: 0, Error: 1, Unsupported: 2 } as const;
const ReadOnly = 5;
const Header = 0x4_0000;
const StatusByte = 0x4_0100;
const Data = 0x10_0000;

const pattern = (length: number): number[] => Array.from({ length }, (_, at) => (at * 7 + (at >> 8)) & 0xff);

const makeBench = (drive: TestImage) =>
  testBench(VirtioBlk, { ram: 16 * MiB, images: { drive }, options: { serial: 'disk-0' } });
let bench: ReturnType<typeof makeBench>;
let driver: BenchDriver;

function begin(image: TestImage = 64 * KiB): void {
  bench = makeBench(image);
  driver = new BenchDriver(bench);
  driver.start(1);
}

/** Makes a request and answers its status byte. */
function ask(
  type: number,
  sector: number,
  data: readonly { address: number; length: number; flags?: number }[],
): number {
  bench.store32(Header, type);
  bench.store32(Header + 4, 0);
  bench.store32(Header + 8, sector);
  bench.store32(Header + 12, 0);
  bench.store8(StatusByte, 0xff);
  const status = { address: StatusByte, length: 1, flags: Flag.Write };
  driver.offer(0, [{ address: Header, length: 16 }, ...data, status]);
  driver.notify(0);
  return bench.load8(StatusByte);
}

const into = (length: number, address = Data) => ({ address, length, flags: Flag.Write });
const from = (length: number, address = Data) => ({ address, length });

beforeEach(() => begin());

describe('a disk', () => {
  it('says how many sectors it has, and how large a block and a request may be', () => {
    expect([driver.config(0, 4), driver.config(4, 4)]).toEqual([128, 0]);
    expect([driver.config(0x0c, 4), driver.config(0x14, 4)]).toEqual([254, Sector]);
  });

  it('reads what is on the image, over the buffers of the driver', () => {
    const image = Uint8Array.from(pattern(64 * KiB));
    begin(image);
    expect(ask(Type.Read, 3, [into(100), into(2 * Sector - 100, Data + 0x1000)])).toBe(Answer.Ok);
    expect(driver.load(Data, 100)).toEqual([...image.subarray(3 * Sector, 3 * Sector + 100)]);
    expect(driver.load(Data + 0x1000, 2 * Sector - 100)).toEqual([...image.subarray(3 * Sector + 100, 5 * Sector)]);
    expect(driver.answer(0, 0)).toEqual([0, 2 * Sector + 1]);
    expect([driver.takeInterrupts(), bench.interrupts.interrupt.level]).toEqual([1, false]);
  });

  it('writes to the image, and reads it back', () => {
    driver.store(Data, pattern(3 * Sector));
    expect(ask(Type.Write, 10, [from(Sector), from(2 * Sector, Data + Sector)])).toBe(Answer.Ok);
    const image = bench.backend('drive').bytes;
    expect([...image.subarray(10 * Sector, 13 * Sector)]).toEqual(pattern(3 * Sector));
    expect(ask(Type.Read, 10, [into(3 * Sector, Data + 0x1_0000)])).toBe(Answer.Ok);
    expect(driver.load(Data + 0x1_0000, 3 * Sector)).toEqual(pattern(3 * Sector));
  });

  it('answers a flush when the host has flushed, and tells its failure', () => {
    expect(ask(Type.Flush, 0, [])).toBe(Answer.Ok);
    bench.backend('drive').failNext('input-output');
    expect(ask(Type.Flush, 0, [])).toBe(Answer.Error);
  });

  it('tells its id', () => {
    expect(ask(Type.GetId, 0, [into(20)])).toBe(Answer.Ok);
    expect(Buffer.from(driver.load(Data, 20)).toString('latin1')).toBe('disk-0'.padEnd(20, '\0'));
  });

  it.each([
    ['a sector behind the end', Type.Read, 128, Sector],
    ['sectors over the end', Type.Write, 127, 2 * Sector],
    ['a part of a sector', Type.Read, 0, 100],
  ])('refuses %s', (_what, type, sector, length) => {
    expect(ask(type, sector, [type === Type.Read ? into(length) : from(length)])).toBe(Answer.Error);
    expect(driver.answered(0)).toBe(1);
  });

  it('does not know other requests', () => {
    expect(ask(Type.Discard, 0, [from(16)])).toBe(Answer.Unsupported);
  });

  it('passes on what the host says of a read and of a write', () => {
    for (const [type, data] of [
      [Type.Read, into(Sector)],
      [Type.Write, from(Sector)],
    ] as const) {
      bench.backend('drive').failNext('input-output');
      expect(ask(type, 0, [data])).toBe(Answer.Error);
      expect(ask(type, 0, [data])).toBe(Answer.Ok);
    }
  });

  it('stops at a request without a header, or without a byte for its status', () => {
    driver.offer(0, [{ address: Header, length: 8 }, into(1, StatusByte)]);
    driver.notify(0);
    expect([driver.status & Status.NeedsReset, driver.answered(0)]).toEqual([Status.NeedsReset, 0]);
    expect(bench.guestErrors[0]?.message).toContain('8 bytes to read');
  });
});

describe('a large request', () => {
  it('is served in turns of 4 MiB', () => {
    begin(new Uint8Array(8 * MiB).fill(0x5a));
    expect(ask(Type.Read, 0, [into(6 * MiB)])).toBe(0xff);
    expect([bench.load8(Data + 4 * MiB - 17), bench.load8(Data + 4 * MiB), driver.answered(0)]).toEqual([0x5a, 0, 0]);
    bench.clock.advance(10 * MICROSECOND);
    expect([bench.load8(StatusByte), bench.load8(Data + 6 * MiB - 1), driver.answered(0)]).toEqual([
      Answer.Ok,
      0x5a,
      1,
    ]);
    bench.clock.advance(1 * MILLISECOND);
    expect(driver.answered(0)).toBe(1);
  });

  it('goes on in a new device after it was saved in the middle', () => {
    begin(new Uint8Array(8 * MiB).fill(0x5a));
    ask(Type.Read, 0, [into(6 * MiB)]);
    const saved = JSON.parse(JSON.stringify(saveDevice(bench.device)));
    const memory = new Uint8Array(12 * MiB);
    bench.memory.readBytes(0, memory);
    const other = makeBench(new Uint8Array(8 * MiB).fill(0xa5));
    other.memory.writeBytes(0, memory);
    loadDevice(other.device, saved);
    other.clock.advance(1 * MILLISECOND);
    expect([other.load8(Data), other.load8(Data + 5 * MiB), other.load8(StatusByte)]).toEqual([0x5a, 0xa5, Answer.Ok]);
    expect(new BenchDriver(other).answered(0)).toBe(1);
  });
});

describe('a disk that is read-only', () => {
  it('says so, and refuses writes', () => {
    begin({ bytes: 64 * KiB, isReadOnly: true });
    expect((driver.offered() >> BigInt(ReadOnly)) & 1n).toBe(1n);
    driver.start(1, ReadOnly);
    expect(ask(Type.Write, 0, [from(Sector)])).toBe(Answer.Error);
    expect(ask(Type.Read, 0, [into(Sector)])).toBe(Answer.Ok);
  });
});
