import { count } from '../../base/text.ts';
import type { VirtualClock } from '../../clock/index.ts';
import { LatestSecond } from '../../clock/time.ts';
import type { RunOutcome } from '../accelerator.ts';

/** Requests to the run loop, from device handlers and timers too. It performs them between two instructions. */
export class RunRequests {
  /** A reset ends the drain that caused it: what is queued behind it comes later than the reset. */
  reset = false;
  pause = false;
  /** What a pause is called that a device has asked for. */
  powerOff: Ending | undefined;
  /** Coalesced zones were added: whether the machine may run with them must be checked again. */
  mapChanged = false;

  get any(): boolean {
    return this.reset || this.pause || this.mapChanged;
  }
}

/** Why a run ends: its outcome, but for the count of operations. */
export type Ending = Omit<RunOutcome, 'operations'>;

export const finished: Ending = { reason: 'finished', message: 'The guest has finished.' };
export const wasReset: Ending = { reason: 'reset', message: 'The guest has reset the machine.' };
export const wasPaused: Ending = { reason: 'paused', message: 'The machine was paused.' };
export const operationLimit: Ending = {
  reason: 'operation-limit',
  message: 'The guest was stopped at its operation limit.',
};
/** Machine code has executed fewer instructions than that. */
export function accessLimit(accesses: number): Ending {
  const message = `The guest was stopped at its operation limit: it has made ${count(accesses)} accesses.`;
  return { ...operationLimit, message, accesses };
}
/** These two end a slice, and no run. */
export const underWay: Ending = { reason: 'paused', message: 'The slice is over.' };
export const asleep: Ending = { reason: 'paused', message: 'The slice is over, and every processor waits.' };
/** `why`: the interrupt or fault that a simulated guest could not handle. */
export function shutDown(why = 'The guest has shut the processor down (triple fault).'): Ending {
  return { reason: 'shutdown', message: why };
}

export function nothingArmed(clock: VirtualClock): Ending {
  const [first] = clock.pendingTimers;
  const timers =
    first === undefined
      ? 'no timer is armed'
      : `timer '${first.name}' is armed for a time that never comes, ${LatestSecond} s after the start or later`;
  return halted(
    `HLT at ${clock.absolute()} ns of guest time: no interrupt is pending and ${timers}, so nothing can wake it.`,
  );
}

export function halted(message: string): Ending {
  return { reason: 'halted', message };
}
