import type { RunOptions, SliceLimits } from '../accelerator/accelerator.ts';
import { type Ending, halted } from '../accelerator/kvm/run-control.ts';
import type { VirtualClock } from '../clock/index.ts';

const Never = Number.POSITIVE_INFINITY;
const DefaultOperationLimit = 100_000_000;
const DefaultProgressEvery = 10_000;
const DefaultTimerLimit = 2_000_000;

/**
 * How far a run and its slices may go. The host's processor counts no operations: each return of KVM_RUN is one here, a tick too.
 */
export class HostLimits {
  /** Returns in this run. */
  operations = 0;
  /** A signal has come: the host's events may have their turn. */
  hasTicked = false;
  isSliced = false;
  /** Where nothing wakes the guest, something from outside may. */
  waits = false;
  /** The next count at which something is looked at. */
  private stop = Never;
  private lastOfRun = Never;
  private lastOfSlice = Never;
  private endOfSlice = Never;
  private progressAt = Never;
  private progressEvery = DefaultProgressEvery;
  private onProgress: RunOptions['onProgress'];
  /** Timers that have expired while no vCPU could run, since one could. */
  private idleTimers = 0;
  private idleAt = 0;
  private timerLimit = DefaultTimerLimit;

  constructor(private readonly clock: VirtualClock) {}

  begin(options: RunOptions): void {
    this.timerLimit = options.timerLimit ?? DefaultTimerLimit;
    this.idleTimers = 0;
    this.operations = 0;
    this.isSliced = this.waits = this.hasTicked = false;
    this.lastOfSlice = this.endOfSlice = Never;
    this.lastOfRun = options.operationLimit ?? DefaultOperationLimit;
    this.onProgress = options.onProgress;
    this.progressEvery = options.progressEvery ?? DefaultProgressEvery;
    this.progressAt = this.onProgress === undefined ? Never : this.progressEvery;
    this.arm();
  }

  beginSlice({ operations, time = Never, waits = false }: SliceLimits, now: number): void {
    this.isSliced = true;
    this.hasTicked = false;
    this.waits = waits;
    this.lastOfSlice = this.operations + operations;
    this.endOfSlice = now + time;
    this.arm();
  }

  count(): void {
    this.operations++;
  }

  /** The quick look that each return can afford. */
  get isReached(): boolean {
    return this.hasTicked || this.isSliced || this.operations >= this.stop;
  }

  get isRunOver(): boolean {
    return this.operations >= this.lastOfRun;
  }

  /** A tick ends a slice too: a guest that spins comes back by nothing else. */
  isSliceOver(now: number): boolean {
    if (this.operations >= this.progressAt) this.report();
    const isOver = this.hasTicked || this.operations >= this.lastOfSlice || now >= this.endOfSlice;
    this.hasTicked = false;
    return this.isSliced && isOver;
  }

  /** A timer has expired while no vCPU could run. How the run ends, if that was often enough. */
  noteIdleTimer(): Ending | undefined {
    if (this.operations !== this.idleAt) this.idleTimers = 0;
    this.idleAt = this.operations;
    if (++this.idleTimers < this.timerLimit || this.waits) return undefined;
    return halted(
      `HLT at ${this.clock.absolute()} ns of guest time: ${this.idleTimers} timers have expired and none raised an interrupt that wakes ` +
        'it. Unmask one, or give the run a larger timerLimit (-timer-limit).',
    );
  }

  private report(): void {
    this.progressAt += this.progressEvery;
    this.arm();
    this.onProgress?.(this.operations);
  }

  private arm(): void {
    this.stop = Math.min(this.lastOfRun, this.lastOfSlice, this.progressAt);
  }
}
