// @module-tag slow
import { describe, expect, it } from 'vitest';
import { device, InterruptPin, state } from '../../../sdk/index.ts';
import { checkDevice, deviceConformance, testBench } from '../../../sdk/testing/index.ts';
import { times } from '../../depth.ts';
import { Belfry, BellBus, BellDevice, CountingBell } from '../../machine/toy-bus.ts';
import { expectRefusal } from '../../refusal.ts';
import { check } from './checks.ts';

@device({ type: 'cracked', description: 'throws at the third ring of a certain strength' })
class Cracked extends BellDevice {
  @state hard = 0;

  ring(times: number): number {
    if (times >= 0x80) this.hard++;
    if (this.hard === 3) throw new Error('it breaks');
    return 0;
  }

  override reset(): void {
    this.hard = 0;
  }
}

@device({ type: 'remembering', description: 'keeps every ring' })
class Remembering extends BellDevice {
  readonly rings: number[] = [];

  ring(times: number): number {
    this.rings.push(times);
    return 0;
  }

  override reset(): void {
    this.rings.length = 0;
  }
}

@device({ type: 'forgetting', description: 'its answer is in no snapshot, and its pin follows it' })
class Forgetting extends BellDevice {
  readonly irq = new InterruptPin();
  private last = 0;

  ring(times: number): number {
    const answer = this.last;
    this.last = times & 0xff;
    this.irq.set(this.last > 0x7f);
    return answer;
  }

  override reset(): void {
    this.last = 0;
    this.irq.set(false);
  }
}

describe('a device of any bus on a bench', () => {
  it('is plugged into a bus of the class that it names, and answers transfers', () => {
    const bench = testBench(CountingBell);
    expect(bench.transfer([3, 4], 2)).toEqual([3, 7]);
    expect(bench.transfer([1])).toEqual([]);
    expect(bench.device.rung).toBe(8);
    bench.reset();
    expect(bench.transfer([0], 1)).toEqual([0]);
  });

  it('takes a bus that the test made, and an address', () => {
    const bus = new BellBus();
    const bench = testBench(CountingBell, { bus, addr: '5' });
    expect(bench.bus).toBe(bus);
    expect(bus.transfer(4, [1], 1)).toEqual([0xff]);
    expect(bus.transfer(5, [1], 1)).toEqual([1]);
    expectRefusal(() => testBench(CountingBell, { addr: '0' }), 'bench-address', "'0'", '1 to 9');
    expectRefusal(() => testBench(Belfry, { addr: '1' }), 'bench-address', 'Leave out');
  });

  it('answers nothing once it is taken off its bus', () => {
    const bench = testBench(CountingBell);
    bench.detach();
    expect(bench.transfer([1], 1)).toEqual([0xff]);
  });

  it('has the buses of its own fields, which a reset of the bench resets', () => {
    const bench = testBench(Belfry);
    bench.out8(0x500, 4);
    expect(bench.device.bells.selected).toBe(4);
    bench.reset();
    expect(bench.device.bells.selected).toBe(0);
  });
});

describe('the conformance of a device on a bus of its own', () => {
  const hostileAccesses = times(2000, 100_000);
  const failureOf = (deviceClass: Parameters<typeof checkDevice>[0], settings = {}) =>
    checkDevice(deviceClass, { runs: 3, ...settings })[0];

  deviceConformance(CountingBell, { describe, it, hostileAccesses });
  deviceConformance(Belfry, { describe, it, lint: 'off', hostileAccesses });

  it('finds a throw, in the fewest transfers of the fewest bytes', () => {
    const failure = failureOf(Cracked);
    expect(failure?.message).toContain('it breaks');
    const bytes = (failure?.script ?? []).flatMap((step) => (step.kind === 'transfer' ? step.bytes : []));
    expect(bytes).toHaveLength(3);
    expect(failure?.text).toContain('bench.transfer([0x');
    expect(failure?.text).toMatch(/# a transfer on its bus: write [89a-f][0-9a-f]/);
  });

  it('finds state that is in no snapshot', () => {
    expect(failureOf(Forgetting)?.check).toBe(check.snapshotRoundTrip);
  });

  it('finds that a guest makes it grow', () => {
    const failures = checkDevice(Remembering, { runs: 3, hostileAccesses: times(10_000, 100_000) }).map(
      (failure) => failure.check,
    );
    expect(failures).toContain(check.hostileGuest);
  });
});
