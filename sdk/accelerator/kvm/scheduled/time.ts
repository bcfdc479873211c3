import { EpochMovesAt, secondsToMove } from '../../../clock/time.ts';
import type { MachineClock } from '../../accelerator.ts';
import { TimeKeeper } from '../time-keeper.ts';
import type { ScheduledKernel } from './kernel.ts';
import type { VcpuSchedule } from './vcpu-schedule.ts';

/** Keeps the machine's clock and the guest time of a scheduled kernel together: two clocks with one epoch. */
export class ScheduledTime extends TimeKeeper {
  /** Guest time at which the slice of the run ends. */
  private limit = Number.POSITIVE_INFINITY;
  /** The kernel stops there, and a halted processor sleeps no longer: the limit, or the time of an event from outside. */
  private stop = Number.POSITIVE_INFINITY;

  constructor(
    protected override readonly kernel: ScheduledKernel,
    clock: MachineClock,
    private readonly schedule: VcpuSchedule,
  ) {
    super(kernel, clock);
  }

  /** The kernel's own time is guest time. */
  override get now(): number {
    return this.kernel.now;
  }

  /** Moves the epoch before time comes near 2^53 ns. Each exit pays for this: a call of super would take a tenth of it. */
  override prepareEntry(): void {
    if (this.kernel.now >= EpochMovesAt) this.moveEpoch();
    this.armKick();
  }

  /** The slice of the run ends when so much more guest time has passed. */
  limitTo(nanoseconds: number): void {
    this.limit = this.kernel.now + nanoseconds;
  }

  get hasStop(): boolean {
    return this.stop !== Number.POSITIVE_INFINITY;
  }

  /** Whether the guest time of the slice is over. */
  get isOver(): boolean {
    return this.kernel.now >= this.limit;
  }

  /** The guest runs until the slice is over, or this guest time if that comes first. */
  stopAt(time: number): void {
    const stop = Math.min(time, this.limit);
    if (stop === this.stop) return;
    this.stop = stop;
    this.kernel.stopAt(stop);
  }

  /** Before a run: time that passed on the machine's clock alone has passed for the guest too. */
  override begin(): void {
    this.kernel.sleepUntil(this.clock.now);
    this.countFromEpoch();
  }

  /** Guests that have recorded times count them as everything else does. */
  countFromEpoch(): void {
    for (const { vcpu, guest } of this.schedule.vcpus) {
      guest?.countFrom?.(this.clock.epoch, this.kernel.processor(vcpu.fd).execution.operation);
    }
  }

  /** The clock's epoch has moved. What had passed on the clock alone has passed for the guest too. */
  override rebase(nanoseconds: number): void {
    this.kernel.sleepUntil(this.clock.now + nanoseconds);
    this.kernel.rebase(nanoseconds);
    this.stop -= nanoseconds;
    this.limit -= nanoseconds;
    this.countFromEpoch();
    this.rearm();
  }

  /** Runs due timers, and sets both clocks to one time. */
  settle(): void {
    this.runTimers();
    this.begin();
  }

  /** No vCPU runs: time goes on to the next timer. False if there is none, or the stop comes first. */
  sleep(): boolean {
    const { clock, kernel } = this;
    const end = Math.min(clock.nextDeadline(), this.stop);
    if (end === Number.POSITIVE_INFINITY) return false;
    if (end >= EpochMovesAt) this.skip(secondsToMove(end));
    const deadline = clock.nextDeadline();
    kernel.sleepUntil(Math.min(deadline, this.stop));
    return deadline <= this.stop;
  }

  /** Moves the epoch of both clocks. The guest does not notice. */
  private moveEpoch(): void {
    this.advanceUntilTimer();
    this.clock.rebaseWhenNear();
  }

  /** The time up to a deadline passes with nothing happening. The epoch moves once, however far away it is. */
  private skip(seconds: number): void {
    this.clock.rebase(seconds);
    if (this.clock.now < 0) this.clock.set(0);
    this.kernel.sleepUntil(this.clock.now);
  }
}
