/**
 * The one file that reads the host's time. Everything else asks a `VirtualClock`, so that a run can be repeated.
 * A test in test/architecture reads every source file and refuses a second one.
 */

import { VirtualClock } from './virtual-clock.ts';

/** Nanoseconds of the host's monotonic clock since an arbitrary start. */
export function hostNanoseconds(): number {
  return performance.now() * 1e6;
}

/** The host's date and time of day: in UTC, or its local one as if that were UTC. */
export function hostDate(zone: 'utc' | 'localtime'): Date {
  const now = new Date();
  return zone === 'utc' ? now : new Date(now.getTime() - now.getTimezoneOffset() * 60_000);
}

/** Calls back after so much host time. In the background it does not keep the process alive. Answers how to cancel it. */
export function afterHostTime(milliseconds: number, callback: () => void, how?: 'in the background'): () => void {
  const timeout: { unref?(): void } | number = setTimeout(callback, milliseconds);
  // A page has no process that a timeout could keep alive.
  if (how === 'in the background' && typeof timeout === 'object') timeout.unref?.();
  return () => clearTimeout(timeout as number);
}

/** Lets the host see to everything that has happened: sockets, keys, signals. */
export function hostTurn(): Promise<void> {
  return new Promise((resolve) => {
    // Node has a queue that comes after its sockets. In a page a message is as good.
    const { setImmediate: afterEvents } = globalThis as { setImmediate?: (callback: () => void) => unknown };
    if (afterEvents !== undefined) return void afterEvents(resolve);
    const { port1, port2 } = new MessageChannel();
    port1.addEventListener('message', () => {
      port1.close();
      resolve();
    });
    port1.start();
    port2.postMessage(undefined);
  });
}

/** Guest time that runs as fast as the host's, from zero, and stands still while it is paused. */
export class HostPacedClock extends VirtualClock {
  private elapsed = 0;
  private runningSince: number | undefined;

  constructor(private readonly hostTime: () => number = hostNanoseconds) {
    super();
    this.resume();
  }

  get now(): number {
    if (this.runningSince === undefined) return this.elapsed;
    return this.elapsed + Math.max(0, Math.floor(this.hostTime() - this.runningSince));
  }

  get paused(): boolean {
    return this.runningSince === undefined;
  }

  pause(): void {
    this.elapsed = this.now;
    this.runningSince = undefined;
  }

  resume(): void {
    this.runningSince ??= this.hostTime();
  }

  /** Called between two instructions, where the epoch may move. */
  override runDue(): number {
    this.rebaseWhenNear();
    return super.runDue();
  }

  protected override moveBack(nanoseconds: number): void {
    this.elapsed -= nanoseconds;
  }
}
