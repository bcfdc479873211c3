import { describe, expect, it } from 'vitest';
import { VirtioBlk, VirtioConsole } from '../../devices/index.ts';
import { pcI440fx, q35 } from '../../machines/index.ts';
import { memoryImage, ringBuffer } from '../../sdk/backend.ts';
import { KiB, MILLISECOND, MiB, type UsedDevice, use } from '../../sdk/index.ts';
import { type Guest, type GuestStep, guestProgram, Machine, simulatedAccelerator } from '../../sdk/runtime.ts';
import { Flag } from '../bus/virtio/driver.ts';
import { VirtioGuest } from './virtio-guest.ts';

const Id = { Blk: 0x1001, Console: 0x1003 } as const;
const Bar = 0xe000_0000;
const Queues = 0x20_0000;
const Header = 0x30_0000;
const StatusByte = 0x30_0100;
const Data = 0x40_0000;
const Sector = 512;
const Type = { Read: 0, Write: 1, Flush: 4 } as const;

const disk = () => {
  const bytes = new Uint8Array(8 * MiB);
  for (let at = 0; at < 64 * KiB; at++) bytes[at] = (at * 3) & 0xff;
  return bytes;
};

/** One request of a disk, to its answer: the status byte. */
function* request(driver: VirtioGuest, guest: Guest, type: number, sector: number, length: number): GuestStep<number> {
  yield* guest.store32(Header, type);
  yield* guest.store32(Header + 8, sector);
  yield* guest.store8(StatusByte, 0xff);
  const data = { address: Data, length, flags: type === Type.Read ? Flag.Write : 0 };
  const buffers = [{ address: Header, length: 16 }, ...(length > 0 ? [data] : [])];
  yield* driver.offer(0, [...buffers, { address: StatusByte, length: 1, flags: Flag.Write }]);
  yield* driver.answer(0);
  return yield* guest.load8(StatusByte);
}

/** Copies sector 0 to sector 100, inverts a word of it on the way, and flushes. */
const copySector = (results: number[]) =>
  guestProgram('copy-sector', function* (guest) {
    const driver = yield* VirtioGuest.start(guest, Id.Blk, Bar, Queues, 1);
    results.push(yield* request(driver, guest, Type.Read, 0, Sector));
    yield* guest.store32(Data, ~(yield* guest.load32(Data)) >>> 0);
    results.push(yield* request(driver, guest, Type.Write, 100, Sector));
    results.push(yield* request(driver, guest, Type.Flush, 0, 0));
    results.push(yield* request(driver, guest, Type.Read, 1 << 20, Sector));
  });

/** Sends back what arrives, until a full stop. */
const echo = guestProgram('echo', function* (guest) {
  const driver = yield* VirtioGuest.start(guest, Id.Console, Bar, Queues, 2);
  for (let last = 0; last !== 0x2e; ) {
    yield* driver.offer(0, [{ address: Data, length: 16, flags: Flag.Write }]);
    const length = yield* driver.answer(0);
    yield* driver.offer(1, [{ address: Data, length }]);
    yield* driver.answer(1);
    last = yield* guest.load8(Data + length - 1);
  }
});

const machineOf = (definition: typeof q35, more: readonly UsedDevice[], backends: readonly unknown[]) =>
  Machine.create(
    { ...definition, devices: [...definition.devices, ...more] },
    { ram: 16 * MiB, accelerator: simulatedAccelerator(), backends: backends as never },
  );

const expected = (bytes: Uint8Array): void => {
  const copied = bytes.subarray(100 * Sector, 101 * Sector);
  expect([...copied.subarray(4)]).toEqual([...bytes.subarray(4, Sector)]);
  expect([...copied.subarray(0, 4)]).toEqual([...bytes.subarray(0, 4)].map((byte) => ~byte & 0xff));
};

describe.each([
  ['pc', pcI440fx],
  ['q35', q35],
] as const)('on %s', (_name, definition) => {
  it('a guest reads, writes and flushes a disk, and is told of sectors that are not there', () => {
    const bytes = disk();
    const blk = use(VirtioBlk, { addr: '05.0', options: { drive: 'd0' } });
    const machine = machineOf(definition, [blk], [memoryImage({ id: 'd0', bytes })]);
    const results: number[] = [];
    expect(machine.run(copySector(results)).reason).toBe('finished');
    expect([results, machine.guestErrors]).toEqual([[0, 0, 0, 1], []]);
    expected(bytes);
  });

  it('a guest echoes what arrives on a console', () => {
    const line = ringBuffer({ id: 'c0' });
    const machine = machineOf(definition, [use(VirtioConsole, { addr: '05.0', options: { chardev: 'c0' } })], [line]);
    line.send('hello, world.');
    expect(machine.run(echo).reason).toBe('finished');
    machine.backends.flush();
    expect([line.text, machine.guestErrors]).toEqual(['hello, world.', []]);
  });

  it('a disk is plugged in while the guest runs, used, and taken away again', () => {
    const bytes = disk();
    const machine = machineOf(definition, [], [memoryImage({ id: 'd0', bytes })]);
    machine.run(guestProgram('nothing', function* () {}));
    for (let round = 0; round < 3; round++) {
      bytes.fill(0, 100 * Sector, 101 * Sector);
      const { id } = machine.plug(use(VirtioBlk, { addr: '05.0', options: { drive: 'd0' } }));
      const results: number[] = [];
      expect(machine.run(copySector(results)).reason).toBe('finished');
      expect(results).toEqual([0, 0, 0, 1]);
      expected(bytes);
      machine.unplug(id);
      expect(machine.memory.read(Bar + 0x14, 1)).toBe(0);
    }
  });

  it('a machine is saved in the middle of a request, and another one answers it', () => {
    const blk = use(VirtioBlk, { addr: '05.0', options: { drive: 'd0' } });
    const make = () => ({ ram: 16 * MiB, backends: [memoryImage({ id: 'd0', bytes: disk().fill(0x5a) })] });
    const withDisk = { ...definition, devices: [...definition.devices, blk] };
    const machine = Machine.create(withDisk, make());
    machine.run(
      guestProgram('long-read', function* (guest) {
        const driver = yield* VirtioGuest.start(guest, Id.Blk, Bar, Queues, 1);
        yield* guest.store32(Header, Type.Read);
        const data = { address: Data, length: 6 * MiB, flags: Flag.Write };
        const status = { address: StatusByte, length: 1, flags: Flag.Write };
        yield* guest.store8(StatusByte, 0xff);
        yield* driver.offer(0, [{ address: Header, length: 16 }, data, status]);
      }),
    );
    const answered = (one: Machine) => [one.memory.read(Queues + 0x2002, 2), one.memory.read(StatusByte, 1)];
    expect([machine.memory.read(Data, 1), ...answered(machine)]).toEqual([0x5a, 0, 0xff]);
    const restored = Machine.restore(withDisk, machine.save(), make());
    expect(answered(restored)).toEqual([0, 0xff]);
    restored.clock.advanceTo(restored.clock.now + 1 * MILLISECOND);
    expect([restored.memory.read(Data + 6 * MiB - 1, 1), ...answered(restored)]).toEqual([0x5a, 1, 0]);
  });
});
