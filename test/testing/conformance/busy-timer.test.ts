// @module-tag slow
import { describe, it } from 'vitest';
import { nodeHost } from '../../../sdk/cli/node.ts';
import { device, InterruptPin, IsaDevice, inject, portRegion, type Timer, VirtualClock } from '../../../sdk/index.ts';
import { deviceConformance } from '../../../sdk/testing/index.ts';
import { times } from '../../depth.ts';

const Period = 20_000;
const ports = portRegion({ name: 'ticker', base: 0x300, size: 1, accessSizes: [1] });
const on = ports.register(0, { width: 8 });

/** Fifty thousand interrupts a second of guest time: right, and no reason for its tests to take minutes. */
@device({ type: 'ticker', description: 'Swings its pin every 20 us' })
class Ticker extends IsaDevice {
  readonly irq = new InterruptPin();
  @on on = 0;
  private readonly tick: Timer;

  constructor(@inject(VirtualClock) private readonly clock: VirtualClock) {
    super();
    this.tick = clock.timer('tick', () => this.swing());
  }

  @on.onWrite()
  start(value: number): void {
    if (value & 1) this.tick.arm(this.clock.now + Period);
    else this.stop();
  }

  override reset(): void {
    super.reset();
    this.stop();
  }

  private stop(): void {
    this.tick.cancel();
    this.irq.set(false);
  }

  private swing(): void {
    this.irq.set(!this.irq.level);
    this.tick.arm(this.clock.now + Period);
  }
}

const notExercised = { irq: 'swings by itself' };
const hostileAccesses = times(2000, 100_000);
deviceConformance(Ticker, { describe, it, host: nodeHost, lint: 'fail', notExercised, hostileAccesses });
