import { expect, it } from 'vitest';
import { DmaPort, MemoryDmaPort } from '../../../sdk/bus/dma-port.ts';
import { SplitQueue } from '../../../sdk/bus/virtio/split-queue.ts';
import { MemoryRegion } from '../../../sdk/index.ts';
import { AddressSpace, MemoryTopology } from '../../../sdk/runtime.ts';

const Size = 4;
const Place = { Available: 0x1000, Used: 0x2000, Buffer: 0x3000, End: 0x4000 } as const;
/** Where a driver with event indexes has the word that tells when the device, or it, wants to hear of the other. */
const AvailableEvent = Place.Used + 4 + 8 * Size;
const UsedEvent = Place.Available + 4 + 2 * Size;
/** More accesses to the queue than a turn makes. */
const Accesses = 40;

/** Is asked before each access of the device: the driver runs there. */
class WatchedPort extends DmaPort {
  accesses = 0;

  constructor(
    private readonly port: DmaPort,
    private readonly before: (access: number) => void,
  ) {
    super();
  }

  read(address: number | bigint, target: Uint8Array): number {
    this.before(this.accesses++);
    return this.port.read(address, target);
  }

  write(address: number | bigint, source: Uint8Array): number {
    this.before(this.accesses++);
    return this.port.write(address, source);
  }
}

/** As a driver asks whether the other side wants to hear of what came between two indexes. */
const passes = (event: number, now: number, old: number): boolean =>
  ((now - event - 1) & 0xffff) < ((now - old) & 0xffff);

/** A queue whose driver has offered one request, and does more before the accesses that `steps` names. */
function turnWith(steps: (driver: Driver) => ReadonlyMap<number, () => void>) {
  const topology = new MemoryTopology();
  const region = MemoryRegion.ram(topology, 'ram', Place.End);
  const memory = new MemoryDmaPort(new AddressSpace(topology, 'memory', region));
  const driver = new Driver(memory);
  driver.offer();
  const waiting = steps(driver);
  const port = new WatchedPort(memory, (access) => waiting.get(access)?.());
  const queue = new SplitQueue(Size, port);
  queue.hasEventIndex = true;
  [queue.descriptors, queue.available, queue.used] = [0n, BigInt(Place.Available), BigInt(Place.Used)];
  let served = 0;
  const { wantsInterrupt } = queue.process(Size, () => {
    served++;
    return 0;
  });
  // What the driver had still to do comes after the turn.
  for (const [access, step] of waiting) if (access >= port.accesses) step();
  return { served, wantsInterrupt, accesses: port.accesses };
}

class Driver {
  kicked = false;
  sawAnswer = false;
  private offered = 0;

  constructor(private readonly memory: DmaPort) {}

  offer(): void {
    const descriptor = new DataView(new ArrayBuffer(16));
    descriptor.setBigUint64(0, BigInt(Place.Buffer), true);
    descriptor.setUint32(8, 1, true);
    this.memory.write(16 * this.offered, new Uint8Array(descriptor.buffer));
    this.memory.storeIndex(Place.Available + 4 + 2 * this.offered, this.offered);
    this.offered++;
    this.memory.storeIndex(Place.Available + 2, this.offered);
  }

  /** Notifies the device, if that wants to hear of the request. */
  tell(): void {
    this.kicked = passes(this.memory.loadIndex(AvailableEvent), this.offered, this.offered - 1);
  }

  /** Asks for an interrupt of the next answer. */
  arm(): void {
    this.memory.storeIndex(UsedEvent, 0);
  }

  /** Asks for an interrupt of an answer that is far away. */
  disarm(): void {
    this.memory.storeIndex(UsedEvent, 0x8000);
  }

  look(): void {
    this.sawAnswer = this.memory.loadIndex(Place.Used + 2) !== 0;
  }
}

/** Each way in which two steps of the driver, in order, lie among the accesses of a turn. */
const interleavings = Array.from({ length: Accesses }, (_, first) =>
  Array.from({ length: Accesses - first }, (_, more) => [first, first + more] as const),
).flat();

/** Two steps before one access are one step. */
const stepsAt = ([first, second]: readonly [number, number], one: () => void, two: () => void) =>
  first === second
    ? new Map([[first, () => [one(), two()]]])
    : new Map([
        [first, one],
        [second, two],
      ]);

it('a request that the driver offers while the device looks for the last time is served, or the device is notified', () => {
  const outcomes = new Set<string>();
  for (const at of interleavings) {
    let driver: Driver | undefined;
    const { served, accesses } = turnWith((made) => {
      driver = made;
      return stepsAt(
        at,
        () => made.offer(),
        () => made.tell(),
      );
    });
    expect(accesses).toBeLessThan(Accesses);
    expect({ at, isLost: served < 2 && driver?.kicked === false }).toEqual({ at, isLost: false });
    outcomes.add(`served ${served}, ${driver?.kicked ? 'notified' : 'silent'}`);
  }
  // Each of them is a way in which it goes.
  expect([...outcomes].sort()).toEqual(['served 1, notified', 'served 2, notified', 'served 2, silent']);
});

it('a driver that waits for an answer while the device gives it sees the answer, or is interrupted', () => {
  const outcomes = new Set<string>();
  for (const at of interleavings) {
    let driver: Driver | undefined;
    const { wantsInterrupt } = turnWith((made) => {
      driver = made;
      made.disarm();
      return stepsAt(
        at,
        () => made.arm(),
        () => made.look(),
      );
    });
    expect({ at, sleeps: !wantsInterrupt && driver?.sawAnswer === false }).toEqual({ at, sleeps: false });
    outcomes.add(`${wantsInterrupt ? 'interrupted' : 'silent'}, ${driver?.sawAnswer ? 'seen' : 'unseen'}`);
  }
  expect([...outcomes].sort()).toEqual(['interrupted, seen', 'interrupted, unseen', 'silent, seen']);
});
