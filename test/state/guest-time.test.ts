import { describe, expect, it } from 'vitest';
import { LatestTime } from '../../sdk/clock/time.ts';
import {
  device,
  guestTime,
  guestTimeOrNever,
  InterruptPin,
  IsaDevice,
  inject,
  portRegion,
  SECOND,
  shape,
  state,
  VirtualClock,
} from '../../sdk/index.ts';
import { loadDevice, saveDevice } from '../../sdk/runtime.ts';
import { testBench } from '../../sdk/testing/index.ts';
import { expectRefusal } from '../refusal.ts';

const ports = portRegion({ name: 'stopwatch', base: 0x300, size: 8, accessSizes: [1, 2, 4] });

/** A lap of a stopwatch, kept by a helper. */
class Lap {
  @state({ as: guestTimeOrNever }) begun = Number.POSITIVE_INFINITY;
  @state count = 0;
}

/** A service that keeps a time, shared by all that ask for it. */
class Referee {
  @state({ as: guestTime }) whistle = 5 * SECOND;
}

/** Keeps times in every way that a device may. */
@device({ type: 'stopwatch', description: 'a stopwatch' })
class Stopwatch extends IsaDevice {
  readonly irq = new InterruptPin();
  @state({ as: guestTime }) begun = 0;
  @state({ as: shape.list(guestTime, 8) }) readonly splits: number[] = [];
  @state({ as: shape.optional(guestTime) }) stopped: number | undefined = undefined;
  @state readonly lap = new Lap();
  @state readonly sameLap = this.lap;
  /** Objects within a list: what they hold is seen from what they are when the device is new. */
  @state readonly marks = [new Lap(), new Lap()];
  /** A mistake: nothing says that this is a time. */
  @state undeclared = 0;

  constructor(
    @inject(VirtualClock) readonly clock: VirtualClock,
    @inject(Referee) readonly referee: Referee,
  ) {
    super();
  }

  @ports.write(0)
  press(): void {
    const { now } = this.clock;
    this.begun = this.undeclared = this.lap.begun = this.marks[0]!.begun = now;
    this.splits.push(now);
    this.stopped = now;
    this.irq.set(true);
  }

  @ports.read(4)
  elapsed(): number {
    return (this.clock.now - this.begun) / SECOND;
  }

  /** Every time that it keeps, as time that has passed since. */
  get ages(): readonly number[] {
    const { clock, begun, splits, stopped, lap, marks, referee } = this;
    return [begun, ...splits, stopped ?? Number.NaN, lap.begun, marks[0]!.begun, referee.whistle].map(
      (time) => clock.now - time,
    );
  }
}

const bench = (startAt: number | bigint = 0) => testBench(Stopwatch, { startAt, services: [[Referee, new Referee()]] });

describe('a time that a device keeps', () => {
  it('moves with the epoch, in fields, lists, helpers and services, each once', () => {
    const watch = bench(10 * SECOND);
    watch.out8(0x300, 1);
    watch.clock.advance(2.5 * SECOND);
    watch.out8(0x300, 1);
    watch.clock.advance(1 * SECOND);
    const before = watch.device.ages;
    watch.clock.rebase();
    expect([watch.clock.epoch, watch.clock.now]).toEqual([13n, SECOND / 2]);
    expect(watch.device.ages).toEqual(before);
    expect(before).toEqual([1, 3.5, 1, 1, 1, 1, 8.5].map((seconds) => seconds * SECOND));
    expect(watch.in32(0x304)).toBe(1);
    expect(watch.device.lap.count).toBe(0);
  });

  it('that is not declared does not, and its device counts wrongly from then on: the mistake that a check has to find', () => {
    const watch = bench(10 * SECOND);
    watch.out8(0x300, 1);
    watch.clock.rebase(4);
    expect(watch.clock.now - watch.device.undeclared).toBe(-4 * SECOND);
  });

  it('never stays never, and nothing stays nothing', () => {
    const watch = bench(10 * SECOND);
    watch.clock.rebase();
    expect(watch.device.lap.begun).toBe(Number.POSITIVE_INFINITY);
    expect(watch.device.stopped).toBeUndefined();
  });

  it('may lie before the epoch, and is saved and restored there', () => {
    const watch = bench(10 * SECOND);
    watch.out8(0x300, 1);
    watch.clock.rebase();
    const saved: unknown = JSON.parse(JSON.stringify(saveDevice(watch.device)));
    expect(saved).toMatchObject({ fields: { begun: 0, lap: { begun: 0 } } });
    watch.clock.advance(1 * SECOND);
    watch.clock.rebase();
    expect(saveDevice(watch.device).fields).toMatchObject({ begun: -1 * SECOND, stopped: -1 * SECOND });
    const other = bench();
    loadDevice(other.device, JSON.parse(JSON.stringify(saveDevice(watch.device))));
    expect(other.device.begun).toBe(-1 * SECOND);
  });

  it.each([2 ** 92, -(2 ** 92), 1e300, -1e300])(
    'is saved as the latest one or the earliest where it is %s',
    (begun) => {
      const watch = bench();
      watch.device.begun = begun;
      const saved = JSON.parse(JSON.stringify(saveDevice(watch.device)));
      expect(saved.fields.begun).toBe(Math.sign(begun) * LatestTime);
      loadDevice(watch.device, saved);
      expect(watch.device.begun).toBe(Math.sign(begun) * LatestTime);
    },
  );

  it.each([1e300, -1e300, '1', 'Infinity', '-Infinity', null, true])('is refused where a snapshot has %s', (begun) => {
    const watch = bench();
    const saved = saveDevice(watch.device);
    const load = () => loadDevice(watch.device, { ...saved, fields: { ...saved.fields, begun } });
    expectRefusal(load, 'state-mismatch', "'begun'");
  });

  it('has no sign where it is zero', () => {
    const watch = bench();
    watch.device.begun = -0;
    const saved: unknown = JSON.parse(JSON.stringify(saveDevice(watch.device)));
    loadDevice(watch.device, saved);
    expect(Object.is(watch.device.begun, 0)).toBe(true);
  });

  it('that is no time by a mistake is left for the snapshot to name', () => {
    const watch = bench(10 * SECOND);
    Object.assign(watch.device, { begun: undefined, splits: undefined, lap: undefined, sameLap: null, marks: [1] });
    watch.clock.rebase();
    expect(watch.device.begun).toBeUndefined();
    expectRefusal(() => saveDevice(watch.device), 'unsupported-state', "'begun'");
  });

  it('may be never where that was said', () => {
    const watch = bench();
    const saved: unknown = JSON.parse(JSON.stringify(saveDevice(watch.device)));
    expect(saved).toMatchObject({ fields: { lap: { begun: 'Infinity' } } });
    watch.device.lap.begun = 0;
    loadDevice(watch.device, saved);
    expect(watch.device.lap.begun).toBe(Number.POSITIVE_INFINITY);
  });

  it('of a year ago is right to the second after a century', () => {
    const watch = bench();
    watch.out8(0x300, 1);
    for (let year = 0; year < 100; year++) watch.clock.advance(365 * 86_400 * SECOND);
    expect(watch.in32(0x304)).toBe(100 * 365 * 86_400);
  });

  it('on a recorder of pins moves too', () => {
    const watch = bench(7n * BigInt(SECOND));
    watch.out8(0x300, 1);
    watch.clock.advance(2 * SECOND);
    watch.clock.rebase(8);
    expect(watch.interrupts.irq.changes).toEqual([{ level: true, at: -1 * SECOND }]);
    expect(watch.clock.absolute(-1 * SECOND)).toBe(7n * BigInt(SECOND));
  });
});
