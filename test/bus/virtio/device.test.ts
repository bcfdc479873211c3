import { beforeEach, describe, expect, it, vi } from 'vitest';
import { loadDevice, saveDevice } from '../../../sdk/device/index.ts';
import { device, inject, MICROSECOND, mmioRegion, VirtualClock } from '../../../sdk/index.ts';
import { PciRegister } from '../../../sdk/pci.ts';
import { type TestBench, testBench } from '../../../sdk/testing/index.ts';
import { type VirtioAnswer, VirtioPciDevice, type VirtioRequest, virtio } from '../../../sdk/virtio.ts';
import { expectRefusal } from '../../refusal.ts';
import { BenchDriver, Common, Feature, Flag, Status } from './driver.ts';

const Upper = 3;
const config = mmioRegion({ name: 'echo-config', size: 16, accepts: { min: 1, max: 8 } });
const served = config.register(0x00, { width: 32, access: 'read-only', description: 'requests so far' });
const greeting = config.register(0x04, { width: 32, description: 'for the driver to write' });

/** Writes back what it reads, in capital letters where the driver accepts that. */
@device({ type: 'virtio-echo', description: 'Writes back what it reads' })
@virtio({ deviceType: 42, queues: [16, 8], features: { upper: Upper }, config })
class Echo extends VirtioPciDevice {
  @served served = 0;
  @greeting greeting = 0;
  protected override readonly bytesOfTurn: number = 64;
  isOpen = true;

  constructor(@inject(VirtualClock) clock: VirtualClock) {
    super(clock);
  }

  change(): void {
    this.configurationChanged();
  }

  /** What it waits for. */
  open(): void {
    this.isOpen = true;
    this.kick(0);
  }

  protected serve(request: VirtioRequest): VirtioAnswer {
    if (!this.isOpen) return 'wait';
    const length = Math.min(request.readable, request.writable);
    while (request.progress < length) {
      if (request.left < 2) return 'turn';
      const byte = new Uint8Array(1);
      request.read(request.progress, byte);
      if (this.has(Upper)) byte[0] = (byte[0] as number) & ~0x20;
      request.write(request.progress++, byte);
    }
    this.served++;
    return length;
  }
}

const Source = 0x4_0000;
const Target = 0x5_0000;
const Receiver = 0x6_0000;

let bench: TestBench<Echo>;
let driver: BenchDriver;
const echoed = (length: number): string => String.fromCharCode(...driver.load(Target, length));
const exchange = (length: number, head = 0) =>
  driver.offer(
    0,
    [
      { address: Source, length },
      { address: Target, length, flags: Flag.Write },
    ],
    head,
  );

beforeEach(() => {
  bench = testBench(Echo);
  driver = new BenchDriver(bench);
  driver.store(Source, new TextEncoder().encode('abcdefghijklmnopqrstuvwxyz'.repeat(8)));
});

describe('the features of a virtio device', () => {
  it('are those of its type, and those of the base class', () => {
    const bits = [Upper, Feature.Indirect, Feature.EventIndex, Feature.Version1, Feature.RingReset];
    expect(driver.offered()).toBe(bits.reduce((mask, bit) => mask | (1n << BigInt(bit)), 0n));
  });

  it('are agreed on if the driver accepts some of them and VERSION_1', () => {
    expect(driver.negotiate(Upper)).toBe(true);
    driver.write(Common.DriverFeature, 4, 0xffff_ffff);
    expect(driver.read(Common.DriverFeature, 4)).toBe(1);
  });

  it('are refused if the driver accepts one that is not offered, or no VERSION_1', () => {
    expect(driver.negotiate(4)).toBe(false);
    driver.write(Common.Status, 1, 0);
    driver.write(Common.Status, 1, Status.Acknowledge | Status.Driver | Status.FeaturesOk);
    expect(driver.status & Status.FeaturesOk).toBe(0);
  });
});

describe('a queue', () => {
  it('takes a smaller size that is a power of two, and keeps its own otherwise', () => {
    driver.negotiate();
    for (const [size, kept] of [
      [4, 4],
      [16, 16],
      [32, 16],
      [5, 16],
      [0, 16],
    ] as const) {
      driver.write(Common.QueueSelect, 2, 0);
      driver.write(Common.QueueSize, 2, size);
      expect(driver.read(Common.QueueSize, 2)).toBe(kept);
    }
    driver.write(Common.QueueSelect, 2, 2);
    expect([driver.read(Common.QueueSize, 2), driver.read(Common.QueueCount, 2)]).toEqual([0, 2]);
  });

  it('is served when the driver notifies, and interrupts by the pin until the status is read', () => {
    driver.start(2, Upper);
    exchange(5);
    driver.notify(0);
    expect([echoed(5), driver.answer(0, 0), bench.interrupts.interruptOut.level]).toEqual(['ABCDE', [0, 5], true]);
    expect([driver.takeInterrupts(), bench.interrupts.interruptOut.level]).toEqual([1, false]);
  });

  it('is not served before DRIVER_OK, nor after a reset', () => {
    driver.negotiate();
    driver.setUp(0);
    exchange(3);
    driver.notify(0);
    expect(driver.answered(0)).toBe(0);
    driver.ready();
    expect(driver.answered(0)).toBe(1);
    driver.write(Common.Status, 1, 0);
    exchange(3);
    driver.notify(0);
    expect([driver.answered(0), driver.status]).toEqual([1, 0]);
  });

  it('goes on by a timer with what a turn leaves', () => {
    driver.start(1);
    exchange(100);
    driver.notify(0);
    expect(driver.answered(0)).toBe(0);
    bench.clock.advance(30 * MICROSECOND);
    expect([driver.answered(0), echoed(100).slice(-4)]).toEqual([1, 'stuv']);
  });

  it('keeps a request until what it waits for happens', () => {
    driver.start(1);
    bench.device.isOpen = false;
    exchange(4);
    driver.notify(0);
    expect(driver.answered(0)).toBe(0);
    bench.device.open();
    expect([driver.answered(0), echoed(4)]).toEqual([1, 'abcd']);
  });

  it('suppresses interrupts where the driver asks for that', () => {
    driver.start(1);
    bench.store16(driver.placeOf(0).available, 1);
    exchange(2);
    driver.notify(0);
    expect([driver.answered(0), driver.takeInterrupts()]).toEqual([1, 0]);
  });

  it('is reset alone, and used again, if the driver accepted that', () => {
    driver.start(2, Feature.RingReset);
    exchange(2);
    driver.notify(0);
    driver.write(Common.QueueSelect, 2, 0);
    driver.write(Common.Reset, 2, 1);
    expect([driver.read(Common.Reset, 2), driver.read(Common.QueueEnable, 2)]).toEqual([0, 0]);
    driver.write(Common.QueueSelect, 2, 1);
    expect(driver.read(Common.QueueEnable, 2)).toBe(1);
    driver.setUp(0);
    exchange(2);
    driver.notify(0);
    expect(driver.answered(0)).toBe(1);
  });
});

describe('indirect descriptors', () => {
  const Indirect = 0x7_0000;
  const offerTable = (length: number, flags = 0) => {
    driver.describe(Indirect, 0, { address: Source, length: 6, flags: Flag.Next }, 1);
    driver.describe(Indirect, 1, { address: Target, length: 6, flags: Flag.Write });
    driver.offer(0, [{ address: Indirect, length, flags: Flag.Indirect | flags }]);
    driver.notify(0);
  };

  it('lead to a table of buffers', () => {
    driver.start(1, Feature.Indirect);
    offerTable(32);
    expect([driver.answered(0), echoed(6)]).toEqual([1, 'abcdef']);
  });

  it.each([
    ['its size is no number of descriptors', () => offerTable(31)],
    ['its size is 0', () => offerTable(0)],
    ['a next descriptor follows', () => offerTable(32, Flag.Next)],
    [
      'it leads to another table',
      () => {
        driver.describe(Indirect, 0, { address: Indirect, length: 16, flags: Flag.Indirect });
        driver.offer(0, [{ address: Indirect, length: 16, flags: Flag.Indirect }]);
        driver.notify(0);
      },
    ],
  ])('stop the device when %s', (_why, provoke) => {
    driver.start(1, Feature.Indirect);
    provoke();
    expect([driver.answered(0), driver.status & Status.NeedsReset]).toEqual([0, Status.NeedsReset]);
  });

  it('stop it when the driver did not accept them', () => {
    driver.start(1);
    offerTable(32);
    expect(driver.status & Status.NeedsReset).toBe(Status.NeedsReset);
  });
});

describe('event indexes', () => {
  const usedEvent = () => driver.placeOf(0).available + 4 + 2 * 16;
  const availableEvent = () => bench.load16(driver.placeOf(0).used + 4 + 8 * 16);

  it('interrupt when the answer comes for which the driver asked', () => {
    driver.start(1, Feature.EventIndex);
    bench.store16(usedEvent(), 1);
    exchange(1);
    driver.notify(0);
    expect([driver.answered(0), driver.takeInterrupts()]).toEqual([1, 0]);
    exchange(1);
    driver.notify(0);
    expect([driver.answered(0), driver.takeInterrupts()]).toEqual([2, 1]);
  });

  it('ask for a notification of the next request', () => {
    driver.start(1, Feature.EventIndex);
    exchange(1);
    driver.notify(0);
    expect(availableEvent()).toBe(1);
    exchange(1);
    exchange(1, 2);
    driver.notify(0);
    expect(availableEvent()).toBe(3);
  });
});

describe('DEVICE_NEEDS_RESET', () => {
  it('is set by a malformed queue, told by a change of the configuration, and gone after a reset', () => {
    driver.start(1);
    driver.offer(0, [{ address: Source, length: 0 }]);
    driver.notify(0);
    expect([driver.status & Status.NeedsReset, driver.takeInterrupts()]).toEqual([Status.NeedsReset, 2]);
    expect(bench.guestErrors[0]?.message).toContain('a buffer of no bytes');
    driver.write(Common.Status, 1, driver.status & ~Status.NeedsReset);
    expect(driver.status & Status.NeedsReset).toBe(Status.NeedsReset);
    driver.start(1);
    exchange(3);
    driver.notify(0);
    expect([driver.status & Status.NeedsReset, driver.answered(0)]).toEqual([0, 1]);
  });
});

describe('MSI-X of a virtio device', () => {
  const table = () => (bench.device.config.get(PciRegister.BaseAddress0 + 4, 4) & ~0xf) >>> 0;
  const enable = () => {
    for (let vector = 0; vector < 3; vector++) {
      bench.store32(table() + 16 * vector, Receiver + 4 * vector);
      bench.store32(table() + 16 * vector + 8, vector + 1);
      bench.store32(table() + 16 * vector + 12, 0);
    }
    bench.device.writeConfig(0x9a, 0x8000, 2);
  };
  const received = () => [0, 1, 2].map((vector) => bench.load32(Receiver + 4 * vector));

  it('has a vector for each queue and one for the configuration, and the driver says which', () => {
    driver.negotiate();
    enable();
    for (const [queue, vector] of [
      [0, 1],
      [1, 2],
    ] as const) {
      driver.setUp(queue);
      driver.write(Common.QueueVector, 2, vector);
      expect(driver.read(Common.QueueVector, 2)).toBe(vector);
    }
    driver.write(Common.ConfigVector, 2, 0);
    driver.ready();
    exchange(2);
    driver.notify(0);
    expect([received(), driver.takeInterrupts()]).toEqual([[0, 2, 0], 1]);
    expect(bench.interrupts.interruptOut.level).toBe(false);
    bench.device.change();
    expect([received(), driver.takeInterrupts()]).toEqual([[1, 2, 0], 2]);
  });

  it('reads back no vector where the driver asks for one that there is not', () => {
    driver.negotiate();
    driver.write(Common.QueueVector, 2, 3);
    driver.write(Common.ConfigVector, 2, 0x1000);
    expect([driver.read(Common.QueueVector, 2), driver.read(Common.ConfigVector, 2)]).toEqual([0xffff, 0xffff]);
  });
});

describe('a snapshot of a virtio device', () => {
  const NoVector = 0xffff;
  it.each([
    ['a queue with a vector that there is not', { queue: 9, configuration: 0 }, 'queue 1 has the MSI-X vector 9, of 3'],
    ['a configuration with one', { queue: 0, configuration: 3 }, 'the configuration has the MSI-X vector 3, of 3'],
  ])('that has %s is refused', (_, { queue, configuration }, sentence) => {
    const { device } = bench;
    const one = device.queues[1] as { vector: number };
    [one.vector, device.configurationVector] = [NoVector, NoVector];
    device.onStateLoaded(1);
    [one.vector, device.configurationVector] = [2, 2];
    device.onStateLoaded(1);
    [one.vector, device.configurationVector] = [queue, configuration];
    expectRefusal(() => device.onStateLoaded(1), 'queue-out-of-range', sentence);
  });
});

describe('the configuration of a device', () => {
  it('is registers of its class, and has another generation after a change', () => {
    driver.start(1);
    const before = driver.read(Common.Generation, 1);
    exchange(1);
    driver.notify(0);
    bench.device.change();
    expect([driver.config(0, 4), driver.read(Common.Generation, 1) !== before]).toEqual([1, true]);
    driver.write(0x2004, 4, 0x1234_5678);
    expect(bench.register('greeting').read()).toBe(0x1234_5678);
  });

  it('is reached by firmware through configuration space too', () => {
    const Window = 0x84;
    bench.device.writeConfig(Window + 4, 4, 1);
    bench.device.writeConfig(Window + 8, 0x2004, 4);
    bench.device.writeConfig(Window + 12, 4, 4);
    bench.device.writeConfig(Window + 16, 0xcafe_f00d, 4);
    expect(driver.config(4, 4)).toBe(0xcafe_f00d);
    driver.write(0x2004, 4, 0x55);
    expect(bench.device.readConfig(Window + 16, 4)).toBe(0x55);
    bench.device.writeConfig(Window + 12, 3, 4);
    bench.device.writeConfig(Window + 8, 0xffff_fffc, 4);
    expect(bench.device.readConfig(Window + 16, 4)).toBe(0x55);
  });

  it('is not reached where the driver writes a length of 16 MiB, and no byte of it is moved', () => {
    const Window = 0x84;
    const { config } = bench.device;
    bench.device.writeConfig(Window + 4, 4, 1);
    bench.device.writeConfig(Window + 8, 0x2004, 4);
    bench.device.writeConfig(Window + 12, 0x100_0000, 4);
    const get = vi.spyOn(config, 'get');
    bench.device.writeConfig(Window + 16, 0xcafe_f00d, 4);
    bench.device.readConfig(Window + 16, 4);
    const sizes = get.mock.calls.map(([, size]) => size);
    get.mockRestore();
    expect(sizes.length).toBeGreaterThan(0);
    expect(Math.max(...sizes)).toBe(4);
    expect(driver.config(4, 4)).toBe(0);
  });
});

describe('a virtio device', () => {
  it('goes on after a restore with queues, features and what is under way', () => {
    driver.start(1, Upper, Feature.EventIndex);
    exchange(60);
    driver.notify(0);
    const other = testBench(Echo);
    const memory = new Uint8Array(1 << 20);
    bench.memory.readBytes(0, memory);
    other.memory.writeBytes(0, memory);
    loadDevice(other.device, JSON.parse(JSON.stringify(saveDevice(bench.device))));
    other.clock.advance(1e6);
    bench = other;
    driver = new BenchDriver(other);
    expect([driver.answered(0), echoed(60).slice(-4)]).toEqual([1, 'EFGH']);
  });

  it('is refused without a queue, with a feature of the base class, and with a type that is none', () => {
    const declare = (changes: object) => () =>
      virtio({ deviceType: 42, queues: [8], ...changes })(class Odd extends Echo {});
    expectRefusal(declare({ queues: [] }), 'invalid-virtio-device', 'Class Odd', 'queues []');
    expectRefusal(declare({ queues: [2048] }), 'invalid-virtio-device', '2048');
    expectRefusal(declare({ features: { mine: 28 } }), 'invalid-virtio-device', "'mine'", 'bit 28');
    expectRefusal(declare({ deviceType: 0 }), 'invalid-virtio-device', 'deviceType 0');
    expectRefusal(declare({ queue: [8] }), 'unknown-word', "'queue'");
  });
});
