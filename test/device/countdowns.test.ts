import { describe, expect, it } from 'vitest';
import {
  type Countdown,
  type Counter,
  defineMachine,
  device,
  InterruptPin,
  IsaDevice,
  inject,
  MICROSECOND,
  MILLISECOND,
  portRegion,
  SECOND,
  use,
  VirtualClock,
} from '../../sdk/index.ts';
import { loadDevice, Machine, type SavedDevice, saveDevice } from '../../sdk/runtime.ts';
import { deviceConformance, testBench } from '../../sdk/testing/index.ts';
import { times } from '../depth.ts';
import { toyMachine } from '../machine/toys.ts';
import { expectRefusal } from '../refusal.ts';

/** One edition of a device's source file: each call makes all values anew, as loading the file again does. */
function edition(version = 1, withUptime = false) {
  const ports = portRegion({ name: 'ticker', base: 0x300, size: 4, accessSizes: [1] });
  const reload = ports.register(0, { width: 8, reset: 0xff, description: 'where it starts again' });

  /** Counts down from a value, and raises its pin at zero until the guest reads the third port. */
  @device({ type: 'ticker', description: 'Counts down', version })
  class Ticker extends IsaDevice {
    readonly irq = new InterruptPin();
    @reload reload = 0xff;
    readonly countdown: Countdown;
    readonly uptime: Counter | undefined;

    constructor(@inject(VirtualClock) clock: VirtualClock) {
      super();
      const options = { frequency: 1_193_182, width: 8, latched: true };
      this.countdown = clock.countdown('countdown', options, () => this.irq.set(true));
      if (withUptime) this.uptime = clock.counter('uptime', { frequency: 1, atReset: 'kept' });
    }

    @reload.onWrite()
    begin(value: number): void {
      this.countdown.reload = value;
      this.countdown.load(value);
      this.countdown.start();
    }

    @ports.read(1)
    value(): number {
      return this.countdown.value;
    }

    @ports.read(2)
    acknowledge(): number {
      const { expired } = this.countdown;
      this.countdown.acknowledge();
      this.irq.set(false);
      return expired ? 1 : 0;
    }

    @ports.write(3)
    stop(): void {
      this.countdown.stop();
    }

    override reset(): void {
      super.reset();
      this.irq.set(false);
    }
  }
  return Ticker;
}

const Ticker = edition();
const started = () => {
  const bench = testBench(Ticker);
  bench.clock.advance(1.5 * MILLISECOND);
  bench.out8(0x300, 200);
  bench.clock.advance(100.3 * MICROSECOND);
  return bench;
};

describe('a device with a countdown', () => {
  deviceConformance(Ticker, { describe, it, hostileAccesses: times(5000, 100_000) });

  it('counts while the bench advances, and shows the value of each instant', () => {
    const bench = started();
    expect(bench.in8(0x301)).toBe(200 - Math.floor(100.3 * 1.193182));
    bench.clock.advance(100 * MICROSECOND);
    expect([bench.in8(0x302), bench.interrupts.irq.level]).toEqual([1, false]);
  });

  it('is reset with the registers, unless it is kept', () => {
    const bench = testBench(edition(1, true));
    bench.out8(0x300, 200);
    bench.device.uptime?.load(5);
    bench.reset();
    expect([bench.in8(0x301), bench.device.countdown.running, bench.device.uptime?.value]).toEqual([0xff, false, 5]);
  });

  it('is saved without a word, and goes on in another device to the nanosecond', () => {
    const bench = started();
    const saved = saveDevice(bench.device);
    const other = testBench(Ticker, { startAt: bench.clock.now });
    loadDevice(other.device, JSON.parse(JSON.stringify(saved)));
    for (let step = 0; step < 500; step++) {
      bench.clock.advance(977);
      other.clock.advance(977);
      expect([other.in8(0x301), other.interrupts.irq.level]).toEqual([bench.in8(0x301), bench.interrupts.irq.level]);
    }
  });

  it('saves the same whether the guest has read the value or not', () => {
    const [read, unread] = [started(), started()];
    read.in8(0x301);
    for (const bench of [read, unread]) bench.clock.advance(5 * MICROSECOND);
    expect(saveDevice(read.device)).toEqual(saveDevice(unread.device));
  });

  it('is as a new one where the snapshot is of an older class without it, and refused where it is missing', () => {
    const saved = saveDevice(testBench(Ticker).device);
    const newer = testBench(edition(2, true)).device;
    loadDevice(newer, saved);
    expect(newer.uptime?.value).toBe(0);
    expectRefusal(() => loadDevice(testBench(edition(1, true)).device, saved), 'state-mismatch', 'counters.uptime');
    expectRefusal(() => loadDevice(testBench(Ticker).device, saveDevice(newer)), 'state-mismatch', 'newer');
  });

  it.each([
    ['a value beyond its width', { value: 256 }, 'counters.countdown.value'],
    ['more than a tick of a tick', { parts: 2 ** 50 }, 'counters.countdown.parts'],
    ['a mode that there is not', { mode: 'twice' }, 'counters.countdown.mode'],
    ['a frequency beyond 1 GHz', { frequency: 1e10 }, 'counters.countdown.frequency'],
    ['a width of nothing', { width: 0 }, 'counters.countdown.width'],
    ['no state of running', { running: 1 }, 'counters.countdown.running'],
  ])('is refused from a snapshot with %s', (_, wrong, path) => {
    const saved: SavedDevice = saveDevice(started().device);
    const counters = { countdown: { ...(saved.counters?.['countdown'] as object), ...wrong } };
    expectRefusal(() => loadDevice(testBench(Ticker).device, { ...saved, counters }), 'state-mismatch', path);
  });

  it('is refused from a snapshot in which its timer is not armed while it runs', () => {
    const saved = saveDevice(started().device);
    expectRefusal(() => loadDevice(testBench(Ticker).device, { ...saved, timers: {} }), 'state-contradiction');
  });

  it('goes on in a restored machine, and in the device of a newer source file', async () => {
    const definition = defineMachine({ ...toyMachine, name: 'tickers', devices: [use(Ticker, { id: 'ticker' })] });
    const machine = Machine.create(definition);
    const { clock, io } = machine;
    io.write(0x300, 200, 1);
    clock.advance(100.3 * MICROSECOND);
    const snapshot = machine.save();
    const restored = Machine.restore(definition, snapshot);
    for (const one of [clock, restored.clock]) one.advance(20 * MICROSECOND);
    const value = io.read(0x301, 1);
    expect(restored.io.read(0x301, 1)).toEqual(value);
    machine.swap('ticker', edition());
    expect(io.read(0x301, 1)).toEqual(value);
    for (const one of [clock, restored.clock]) one.advance(1 * SECOND);
    expect(io.read(0x302, 1)).toEqual(restored.io.read(0x302, 1));
  });
});
