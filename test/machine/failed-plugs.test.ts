import { expect, it } from 'vitest';
import { Ds1307 } from '../../devices/index.ts';
import { board } from '../../machines/index.ts';
import { device, inject, MiB, SystemDevice, subDevice, type UsedDevice, use, VirtualClock } from '../../sdk/index.ts';
import { Machine } from '../../sdk/runtime.ts';

@device({ type: 'ticker', description: 'Counts from the beginning' })
class Ticker extends SystemDevice {
  constructor(@inject(VirtualClock) clock: VirtualClock) {
    super();
    clock.counter('ticks', { frequency: 1, atReset: 'kept' }).start();
  }
}

@device({ type: 'broken-ticker', description: 'Cannot be constructed' })
class Broken extends SystemDevice {
  readonly inner: Ticker;

  constructor(@inject(VirtualClock) clock: VirtualClock) {
    super();
    clock.counter('own', { frequency: 1, atReset: 'kept' }).start();
    this.inner = subDevice(() => new Ticker(clock));
    throw new Error('no power');
  }
}

@device({ type: 'late-ticker', description: 'Cannot be realized' })
class Late extends Ticker {
  constructor(@inject(VirtualClock) private readonly time: VirtualClock) {
    super(time);
  }

  protected override onRealize(): void {
    this.time.counter('more', { frequency: 1, atReset: 'kept' }).start();
    throw new Error('no power');
  }
}

const mistakes: { readonly [what: string]: UsedDevice } = {
  'a bus that is not there': use(Ds1307, { id: 'x', bus: 'sbcom', addr: '0x60' }),
  'a bus of another kind': use(Ds1307, { id: 'x', bus: 'spi', addr: '0x60' }),
  'an address that is taken': use(Ds1307, { id: 'x', bus: 'sbcon', addr: '0x68' }),
  'a constructor that throws': use(Broken, { id: 'x' }),
  'onRealize that throws': use(Late, { id: 'x' }),
};

it.for(Object.entries(mistakes))('a plug that fails by %s leaves no counter armed', ([, used]) => {
  const machine = Machine.create(board, { ram: 1 * MiB });
  machine.run([]);
  const before = machine.clock.pendingTimers.length;
  for (let times = 0; times < 3; times++) expect(() => machine.plug(used)).toThrow();
  expect(machine.clock.pendingTimers).toHaveLength(before);
  expect(() => machine.save()).not.toThrow();
  expect(machine.plug(use(Ticker, { id: 'x' })).device).toBeInstanceOf(Ticker);
  expect(machine.clock.pendingTimers).toHaveLength(before + 1);
  machine.unplug('x');
  expect(machine.clock.pendingTimers).toHaveLength(before);
});
