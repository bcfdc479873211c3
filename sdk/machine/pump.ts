import type { GuestImage, GuestRunOptions, RunOutcome, SliceEnd } from '../accelerator/index.ts';
import { CharLine } from '../backend/index.ts';
import { afterHostTime, hostNanoseconds, hostTurn, MILLISECOND } from '../clock/index.ts';
import { HostPace } from './host-pace.ts';
import type { Machine } from './machine.ts';

/** How a run beside the host's events is made. */
export interface PumpOptions extends GuestRunOptions {
  /** 'virtual': guest time passes as fast as the guest runs; 'host': not faster than the host's. Default: 'virtual'. */
  readonly clock?: 'virtual' | 'host';
  /** Ends the run between two instructions; its outcome is 'paused'. */
  readonly signal?: AbortSignal;
  /** Called between two instructions, 20 times a second: the machine stands still meanwhile, and may be looked at and changed. */
  readonly between?: () => void | Promise<void>;
}

/** Host time that the guest has in one go. */
const Burst = 3 * MILLISECOND;
/** What a slice should take: the clock is looked at in between. */
const Slice = 0.5 * MILLISECOND;
const Operations = { least: 16, most: 16_384 } as const;
const Instructions = { least: 1024, most: 131_072 } as const;
const BetweenEvery = 50 * MILLISECOND;
/** A run that sleeps looks up so often, in milliseconds: the end of an input is no event. */
const LongestSleep = 100;

/**
 * Runs guests beside the host's events: sockets, keys and signals have their turn every few milliseconds. What comes from them waits
 * in the machine's inbox. Without `guests` it goes on with those of the last run. A guest that halts for ever waits while
 * bytes may still arrive. The back ends stay open: `await machine.backends.close()` ends them.
 */
export async function pump(
  machine: Machine,
  guests: GuestImage | readonly GuestImage[] | undefined,
  options: PumpOptions = {},
): Promise<RunOutcome> {
  return new PumpedRun(machine, options).run(guests);
}

class PumpedRun {
  private operations = 1024;
  private lookedAt = hostNanoseconds();
  private readonly pace: HostPace;
  /** Something has happened that a run that sleeps must look at. */
  private isCalled = false;
  private rise = (): void => {};
  /** Guest time follows the host's: always, or while a guest sleeps whose timers do not wake it. */
  private isPaced: boolean;

  constructor(
    private readonly machine: Machine,
    private readonly options: PumpOptions,
  ) {
    this.isPaced = options.clock === 'host';
    this.pace = new HostPace(machine.clock, machine.accelerator);
  }

  async run(guests: GuestImage | readonly GuestImage[] | undefined): Promise<RunOutcome> {
    const { machine, options } = this;
    const { inbox } = machine;
    const stop = () => machine.pause();
    if (guests !== undefined) machine.load(guests, options);
    machine.accelerator.begin(this.mayReceive() ? { operationLimit: Number.POSITIVE_INFINITY, ...options } : options);
    let isOver = false;
    inbox.wake = () => {
      this.isCalled = true;
      this.rise();
    };
    try {
      options.signal?.addEventListener('abort', stop);
      if (options.signal?.aborted === true) stop();
      if (this.isPaced) inbox.stamp = () => this.pace.present;
      const outcome = await this.carryOn();
      isOver = true;
      return outcome;
    } finally {
      options.signal?.removeEventListener('abort', stop);
      inbox.stamp = inbox.wake = undefined;
      if (!isOver) this.abandon();
      machine.backends.flush();
    }
  }

  /** Something else than the guest threw: the run is still under way, and ends here. */
  private abandon(): void {
    const { machine } = this;
    try {
      machine.pause();
      machine.accelerator.runSlice({ operations: 1 });
    } catch {
      // The guest's own failure has ended the run.
    }
  }

  private async carryOn(): Promise<RunOutcome> {
    for (;;) {
      const end = this.burst();
      this.machine.backends.flush();
      if (typeof end !== 'string') return end;
      await hostTurn();
      if (end === 'asleep' || this.isEarly()) await this.sleep(end);
      if (hostNanoseconds() - this.lookedAt < BetweenEvery) continue;
      await this.options.between?.();
      this.lookedAt = hostNanoseconds();
    }
  }

  /** Slices, until the guest has had its time. */
  private burst(): SliceEnd {
    const { accelerator } = this.machine;
    this.isCalled = false;
    const waits = this.mayReceive();
    // Nothing can end a guest's sleep but its own timers: it need not last.
    if (!waits && this.options.clock !== 'host') this.isPaced = false;
    const begin = hostNanoseconds();
    for (let now = begin; ; ) {
      const { operations } = this;
      const time = this.isPaced ? this.pace.left : Number.POSITIVE_INFINITY;
      const end = accelerator.runSlice({ operations, time, waits });
      if (typeof end !== 'string' || end === 'asleep' || this.isEarly()) return end;
      if (this.options.clock !== 'host') this.isPaced = false;
      const then = hostNanoseconds();
      this.adapt(then - now);
      now = then;
      if (now - begin >= Burst) return end;
    }
  }

  /** Slices get as long as they should take. */
  private adapt(took: number): void {
    const { least, most } = this.machine.accelerator.countsInstructions ? Instructions : Operations;
    if (took > 2 * Slice) this.operations = Math.max(least, this.operations >> 1);
    else if (took < Slice) this.operations = Math.min(most, this.operations << 1);
  }

  /** The guest is where the host's time is. */
  private isEarly(): boolean {
    return this.options.clock === 'host' && this.pace.left < MILLISECOND;
  }

  /** Until the next timer of the guest, or until something comes from outside. */
  private async sleep(end: SliceEnd): Promise<void> {
    if (!this.isPaced) {
      this.isPaced = true;
      this.pace.start();
    }
    const milliseconds = end === 'asleep' ? Math.ceil(this.pace.untilTimer / MILLISECOND) : 1;
    if (milliseconds <= 0 || this.isCalled) return;
    await new Promise<void>((resolve) => {
      const cancel = afterHostTime(Math.min(milliseconds, LongestSleep), resolve);
      this.rise = () => {
        cancel();
        resolve();
      };
    });
  }

  /** Whether bytes may still arrive for a device. */
  private mayReceive(): boolean {
    return this.machine.backends.all.some(
      ({ line }) => line instanceof CharLine && line.owner !== undefined && line.transport.mayReceive === true,
    );
  }
}
