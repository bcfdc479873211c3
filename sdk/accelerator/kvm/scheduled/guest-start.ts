import { BackplaneError } from '../../../base/errors.ts';
import { type GuestImage, isProgramImage, type ProgramImage } from '../../accelerator.ts';
import { type GuestCode, isGuestCode } from '../../guest/code.ts';
import { LoggedGuest } from '../../guest/logged-guest.ts';
import type { GuestSource } from '../../guest/operation.ts';
import { refuseOverlaps } from '../../guest/overlaps.ts';
import { tooLongToSave } from '../../guest/saved-guest.ts';
import type { CodePlacement } from '../code-placement.ts';
import type { ScheduledKernel } from './kernel.ts';
import type { VcpuSchedule } from './vcpu-schedule.ts';

/** Gives the vCPUs what they execute: at a load, after a reset, and from a snapshot. */
export class GuestStart {
  /** Programs are logged, so that they can be saved in the middle. */
  logsPrograms = false;
  /** Once there is a machine. */
  placement: CodePlacement | undefined;

  constructor(
    private readonly kernel: ScheduledKernel,
    private readonly schedule: VcpuSchedule,
    private readonly onTooLongToSave: ((message: string) => void) | undefined,
  ) {}

  /** A recording has no beginning to go back to: after a reset it goes on where it was. */
  start(isRestart: boolean): void {
    for (const state of this.schedule.vcpus) {
      const { image } = state;
      if (isRestart && image !== undefined && !isProgramImage(image) && !isGuestCode(image)) continue;
      const processor = this.kernel.processor(state.vcpu.fd);
      state.halted = state.exitPending = false;
      state.finished = image === undefined;
      state.startedAt = processor.operations;
      if (image !== undefined && isGuestCode(image)) {
        state.guest = undefined;
        processor.attachCode();
        this.placement?.place(state.vcpu, image);
        continue;
      }
      state.guest = image !== undefined && isProgramImage(image) ? this.started(image) : image;
      this.watchLog(state.guest);
      if (state.guest !== undefined) processor.attach(state.guest);
    }
  }

  /** They come from a snapshot, which can be made again. */
  restored(): void {
    this.logsPrograms = true;
    for (const { guest } of this.schedule.vcpus) this.watchLog(guest);
  }

  /** Machine code has a vCPU to itself, and one that can execute it. */
  refuseCode(images: readonly GuestImage[]): void {
    const code = images.find(isGuestCode);
    if (code === undefined) return;
    const first = this.schedule.vcpus[0];
    const refusal = first && this.kernel.processor(first.vcpu.fd).refuseCode(code.name);
    if (refusal !== undefined) throw refusal;
    if (this.schedule.vcpus.length > 1 || images.length > 1) throw severalProcessors(code);
    if (code.start !== 'reset' && code.start.mode === 'long') throw longMode(code);
    refuseOverlaps([code]);
  }

  private started(image: ProgramImage): GuestSource {
    const source = image.start();
    return this.logsPrograms ? new LoggedGuest(source) : source;
  }

  private watchLog(guest: GuestSource | undefined): void {
    const { onTooLongToSave } = this;
    if (!(guest instanceof LoggedGuest) || onTooLongToSave === undefined) return;
    guest.log.onDrop = () => onTooLongToSave(tooLongToSave(guest.name));
  }
}

function severalProcessors({ name }: GuestCode): BackplaneError {
  return new BackplaneError(
    'machine-code-processors',
    `Guest '${name}' is machine code, and the simulated kernel executes it on a machine with one processor only. Give no other guest, and ` +
      'no second processor.',
  );
}

function longMode({ name }: GuestCode): BackplaneError {
  return new BackplaneError(
    'machine-code-mode',
    `Guest '${name}' begins in long mode, and the simulated kernel executes 16- and 32-bit code. Use -accel kvm.`,
  );
}
