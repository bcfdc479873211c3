import type { GuestOperation, GuestSource, TraceGuest } from '../accelerator/index.ts';

/** Told before each access of a recording, by its position, and once after the last. */
export type AccessObserver = (position: number) => void;

/** A recording that is watched. Without an observer there is no such guest, and nothing is paid for it. */
export class ObservedGuest implements GuestSource {
  readonly name: string;

  constructor(
    private readonly guest: TraceGuest,
    private readonly before: AccessObserver,
  ) {
    this.name = guest.name;
  }

  next(operation: GuestOperation): boolean {
    this.before(Math.min(this.guest.position + 1, this.guest.trace.length));
    return this.guest.next(operation);
  }

  countFrom(epoch: bigint, operation: GuestOperation): void {
    this.guest.countFrom(epoch, operation);
  }

  interrupt(): void {}
}
