import { LoggedGuest } from '../../guest/logged-guest.ts';
import type { GuestSource } from '../../guest/operation.ts';
import { tooLongToSave } from '../../guest/saved-guest.ts';
import type { ScheduledKernel } from './kernel.ts';
import type { VcpuSchedule } from './vcpu-schedule.ts';

/** Gives the vCPUs what they execute: at a load, after a reset, and from a snapshot. */
export class GuestStart {
  /** Programs are logged, so that they can be saved in the middle. */
  logsPrograms = false;

  constructor(
    private readonly kernel: ScheduledKernel,
    private readonly schedule: VcpuSchedule,
    private readonly onTooLongToSave: ((message: string) => void) | undefined,
  ) {}

  /** A recording has no beginning to go back to: after a reset it goes on where it was. */
  start(isRestart: boolean): void {
    for (const state of this.schedule.vcpus) {
      const { image } = state;
      if (isRestart && image !== undefined && !('start' in image)) continue;
      const processor = this.kernel.processor(state.vcpu.fd);
      state.halted = state.exitPending = false;
      state.finished = image === undefined;
      state.startedAt = processor.operations;
      state.guest = image === undefined || !('start' in image) ? image : this.started(image);
      this.watchLog(state.guest);
      if (state.guest !== undefined) processor.attach(state.guest);
    }
  }

  /** They come from a snapshot, which can be made again. */
  restored(): void {
    this.logsPrograms = true;
    for (const { guest } of this.schedule.vcpus) this.watchLog(guest);
  }

  private started(image: { start(): GuestSource }): GuestSource {
    const source = image.start();
    return this.logsPrograms ? new LoggedGuest(source) : source;
  }

  private watchLog(guest: GuestSource | undefined): void {
    const { onTooLongToSave } = this;
    if (!(guest instanceof LoggedGuest) || onTooLongToSave === undefined) return;
    guest.log.onDrop = () => onTooLongToSave(tooLongToSave(guest.name));
  }
}
