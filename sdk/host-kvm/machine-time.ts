import type { MachineClock } from '../accelerator/accelerator.ts';
import type { TimeKeeper } from '../accelerator/kvm/time-keeper.ts';

/**
 * The machine's clock while a guest runs. In a replay it moves at each exit. Otherwise it follows the host's: it is looked up when a
 * device asks for the time. So an exit costs no reading of the host's clock, and timers fire at ticks.
 */
export class MachineTime {
  private follows = false;
  private readonly lookUp = () => this.keeper.now;

  constructor(
    private readonly clock: MachineClock,
    private keeper: TimeKeeper,
  ) {}

  get now(): number {
    return this.keeper.now;
  }

  begin(): void {
    this.keeper.begin();
  }

  /** From here on this keeps the time. */
  use(keeper: TimeKeeper): void {
    this.keeper = keeper;
  }

  start(isReplay: boolean): void {
    this.follows = !isReplay && this.clock.follow !== undefined;
    if (this.follows) this.clock.follow?.(this.lookUp);
  }

  stop(): void {
    if (this.follows) this.clock.follow?.(undefined);
    this.follows = false;
  }

  advanceUntilTimer(): void {
    this.keeper.advanceUntilTimer();
  }

  /** What is due fires at its own time: the clock follows nothing meanwhile. */
  runTimers(): void {
    const { follows, clock, keeper } = this;
    if (follows) clock.follow?.(undefined);
    try {
      keeper.runTimers();
    } finally {
      if (follows) clock.follow?.(this.lookUp);
    }
  }

  settle(): void {
    this.runTimers();
  }

  /** What the exit pump does before and after its drain. */
  readonly atExits = {
    advanceUntilTimer: () => {
      if (!this.follows) this.keeper.advanceUntilTimer();
    },
    runTimers: () => {
      if (!this.follows) this.keeper.runTimers();
    },
  };
}
