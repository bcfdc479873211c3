// @module-tag slow
import { describe, expect, it } from 'vitest';
import {
  bit,
  bits,
  containerRegion,
  contains,
  device,
  InterruptPin,
  inject,
  KiB,
  mmioRegion,
  ramRegion,
  SystemDevice,
  state,
  subDevice,
  type Timer,
  VirtualClock,
} from '../../../sdk/index.ts';
import { checkDevice } from '../../../sdk/testing/index.ts';
import { times } from '../../depth.ts';

type Mistake = 'none' | 'reset' | 'state' | 'register' | 'throws' | 'no super.reset()';

const undeclared = (): void => {};

/** Two channels in one block, with one mistake. */
function block(mistake: Mistake) {
  const registers = mmioRegion({ name: 'channel', size: 0x20, accessSizes: [4] });
  const control = registers.register(0x4, {
    width: 32,
    fields: { enable: bit(0), rest: bits(1, 31, 'unimplemented') },
  });
  const buffer = ramRegion({ name: 'buffer', base: 0x100, size: 0x40 });
  const area = containerRegion({ name: 'area', base: 0x1000_0000, size: 4 * KiB });

  @device({ type: 'channel', description: 'One of two' })
  @contains(buffer)
  class Channel extends SystemDevice {
    readonly irq = new InterruptPin(() => this.fired > 0);
    @registers.register(0x0, { width: 32, reset: 100 }) load = 100;
    @control control = 0;
    @(mistake === 'state' ? undeclared : state) fired = 0;
    private readonly tick: Timer;

    constructor(@inject(VirtualClock) private readonly clock: VirtualClock) {
      super();
      this.tick = clock.timer('tick', () => {
        this.fired = 1;
      });
    }

    @control.onWrite()
    start(): void {
      if (mistake === 'throws' && this.control === 1) throw new Error('no');
      if (mistake === 'register') this.control |= 0x80;
      if (this.control & 1) this.tick.arm(this.clock.now + this.load);
      else this.tick.cancel();
    }

    @registers.read(0x8)
    acknowledge(): number {
      const { fired } = this;
      this.fired = 0;
      return fired;
    }

    override reset(): void {
      super.reset();
      this.tick.cancel();
      if (mistake !== 'reset') this.fired = 0;
    }
  }

  @device({ type: 'block', description: 'Two channels' })
  @contains(area)
  class Block extends SystemDevice {
    readonly channels: readonly Channel[];

    constructor(@inject(VirtualClock) clock: VirtualClock) {
      super();
      const channel = (offset: number) => subDevice(() => new Channel(clock), { inside: area, offset });
      this.channels = [channel(0), channel(0x200)];
    }

    override reset(): void {
      if (mistake !== 'no super.reset()') super.reset();
    }
  }
  return Block;
}

const Usual = 100_000;
const found = (mistake: Mistake, hostileAccesses = times(2000, Usual)): string[] =>
  checkDevice(block(mistake), { runs: times(5, 10), hostileAccesses }).map(({ message }) => message);

describe('the conformance of a device that contains others', () => {
  it('is as that of any other', () => {
    expect(found('none')).toEqual([]);
  });

  it('finds what a device inside leaves behind at a reset, and an outer device that does not reset it', () => {
    expect(found('reset').join('\n')).toContain('channels[');
    expect(found('no super.reset()').join('\n')).toContain("'channels[0].load' is");
  });

  it('finds state of a device inside that no snapshot brings back', () => {
    expect(found('state').join('\n')).toMatch(/channels\[\d\]\..*Put @state on/);
  });

  it('finds a register of a device inside that is not what it declares, and says which', () => {
    expect(found('register').join('\n')).toMatch(/'channels\[\d\]\.control', field 'rest'/);
  });

  it('finds a device inside that a guest makes throw', () => {
    expect(found('throws', Usual).join('\n')).toContain('It was thrown in Channel.start');
  });
});
