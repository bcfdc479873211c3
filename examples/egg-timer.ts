import {
  defineOptions,
  device,
  InterruptPin,
  IsaDevice,
  inject,
  MILLISECOND,
  type OptionsOf,
  option,
  options,
  portRegion,
  type Timer,
  VirtualClock,
} from 'backplane';

const Port = { Start: 0, Remaining: 1 } as const;

export const ports = portRegion({ name: 'egg-timer', base: 0x320, size: 2, accessSizes: [1] });

const eggTimerOptions = defineOptions({
  tick: option.integer({ description: 'length of one tick', unit: 'ms', default: 1000, range: [1, 60_000] }),
});

/** Counts down and rings: the guest writes a number of ticks, and gets an interrupt when they have passed. */
@device({ type: 'egg-timer', description: 'Counts down and rings' })
export class EggTimer extends IsaDevice {
  readonly irq = new InterruptPin();
  private readonly bell: Timer;

  constructor(
    @inject(VirtualClock) private readonly clock: VirtualClock,
    @options(eggTimerOptions) private readonly config: OptionsOf<typeof eggTimerOptions>,
  ) {
    super();
    this.bell = clock.timer('bell', () => this.irq.set(true));
  }

  /** Starts the countdown again, and lowers the interrupt. */
  @ports.write(Port.Start)
  start(ticks: number): void {
    this.irq.set(false);
    this.bell.arm(this.clock.now + ticks * this.config.tick * MILLISECOND);
  }

  /** Remaining ticks, rounded up. */
  @ports.read(Port.Remaining)
  remaining(): number {
    if (!this.bell.pending) return 0;
    return Math.ceil((this.bell.deadline - this.clock.now) / (this.config.tick * MILLISECOND));
  }

  override reset(): void {
    this.bell.cancel();
    this.irq.set(false);
  }
}
