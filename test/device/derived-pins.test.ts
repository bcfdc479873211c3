import { describe, expect, it } from 'vitest';
import { eventsOf } from '../../sdk/device/index.ts';
import {
  type Device,
  device,
  InterruptPin,
  IsaDevice,
  inDeviceEvent,
  inject,
  input,
  portRegion,
  state,
  type Timer,
  VirtualClock,
} from '../../sdk/index.ts';
import { loadDevice, saveDevice } from '../../sdk/runtime.ts';
import { testBench } from '../../sdk/testing/index.ts';
import { expectRefusal } from '../refusal.ts';
import { engines } from './interpreted.ts';

const ports = portRegion({ name: 'ports', base: 0x300, size: 4, accessSizes: [1] });
const status = ports.register(1, { width: 8 });

/** A new class each time: what is made for the handlers of one stays with it. The first two pins follow from count and status. */
function counterClass() {
  @device({ type: 'counter', description: 'derived pins' })
  class Counter extends IsaDevice {
    readonly odd = new InterruptPin(() => (this.count & 1) !== 0);
    readonly busy = new InterruptPin(() => this.status !== 0);
    readonly end = new InterruptPin();
    @state count = 0;
    @status status = 0;
    readonly tick: Timer;

    constructor(@inject(VirtualClock) readonly clock: VirtualClock) {
      super();
      this.tick = clock.timer('tick', () => this.add(1));
    }

    /** Passes through every count on the way. */
    @ports.write(0)
    add(steps: number): void {
      for (let step = 0; step < steps; step++) this.count++;
      this.end.set(this.count > 100);
      if (steps === 0xff) throw new Error('too much');
    }

    @ports.read(0)
    next(): number {
      return ++this.count;
    }

    @input()
    clear(level: boolean): void {
      if (level) this.count = 0;
    }

    transfer(steps: number): number {
      this.count += steps;
      return this.count;
    }

    override reset(): void {
      super.reset();
      this.count = 1;
    }
  }
  return Counter;
}

@device({ type: 'plain', description: 'pins that are set' })
class Plain extends IsaDevice {
  readonly irq = new InterruptPin();
  @ports.write(0) write(value: number): void {
    this.irq.set(value !== 0);
  }
}

describe.each(engines)('a derived pin, handlers %s', (_, make) => {
  const Counter = counterClass();
  const counter = () => {
    const bench = make(() => testBench(Counter));
    for (const recorder of [bench.interrupts.odd, bench.interrupts.busy]) recorder.clear();
    return bench;
  };

  it('shows the state after a reset, a read, a write, a register, a timer, an edge and a transfer', () => {
    const bench = counter();
    const { odd, busy } = bench.interrupts;
    expect(odd.level).toBe(true);
    expect([bench.in8(0x300), odd.level]).toEqual([2, false]);
    bench.out8(0x300, 1);
    expect(odd.level).toBe(true);
    bench.out8(0x301, 0x40);
    expect(busy.level).toBe(true);
    bench.device.tick.arm(bench.clock.now + 10);
    bench.clock.advance(10);
    expect(odd.level).toBe(false);
    expect([inDeviceEvent(bench.device, bench.device.transfer, 3), odd.level]).toEqual([7, true]);
    bench.setPin('clear', true);
    expect(odd.level).toBe(false);
    bench.reset();
    expect([odd.level, busy.level]).toEqual([true, false]);
  });

  it('shows no state in between: one edge at most for each access', () => {
    const bench = counter();
    bench.out8(0x300, 7);
    bench.out8(0x300, 8);
    expect(bench.interrupts.odd.changes.map(({ level }) => level)).toEqual([false]);
  });

  it('moves after the pins that handlers set, and in the order of declaration', () => {
    const bench = counter();
    const seen: string[] = [];
    for (const name of ['busy', 'odd', 'end'] as const)
      bench.device[name].connect((level) => seen.push(`${name} ${level}`));
    seen.length = 0;
    bench.device.status = 1;
    bench.out8(0x300, 101);
    expect(seen).toEqual(['end true', 'odd false', 'busy true']);
  });

  it('is evaluated at the next access where a handler threw', () => {
    const bench = counter();
    expect(() => bench.out8(0x300, 0xff)).toThrow('too much');
    expect(bench.interrupts.odd.level).toBe(true);
    bench.out8(0x301, 0);
    expect(bench.interrupts.odd.level).toBe(false);
  });

  it('needs no place in a snapshot, and makes no call when it is restored', () => {
    const bench = counter();
    bench.out8(0x301, 1);
    const saved = saveDevice(bench.device);
    expect(saved.high).toEqual([]);
    const other = testBench(Counter);
    other.interrupts.busy.clear();
    loadDevice(other.device, saved);
    expect([other.interrupts.busy.level, other.interrupts.busy.changes]).toEqual([true, []]);
    loadDevice(other.device, { ...saved, high: ['busy', 'odd'] });
    expect(other.interrupts.busy.level).toBe(true);
  });
});

describe('a device without derived pins and inputs', () => {
  it('has nothing around its handlers', () => {
    const bench = testBench(Plain);
    expect(eventsOf(bench.device)).toBeUndefined();
    expect(eventsOf(testBench(counterClass()).device as Device)).toBeDefined();
  });
});

it('refuses that a derived pin is set by hand', () => {
  expectRefusal(() => testBench(counterClass()).device.odd.set(true), 'derived-pin-set');
});
