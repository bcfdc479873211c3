import { SECOND, type VirtualClock } from '../../clock/index.ts';
import { LatestSecond } from '../../clock/time.ts';
import type { RunOutcome } from '../accelerator.ts';
import type { GuestSource } from '../guest/operation.ts';
import type { IdleWatch } from './run-control.ts';
import type { ScheduledVcpu } from './vcpu-schedule.ts';

/** Why a run ends: its outcome, but for the count of operations. */
export type Ending = Omit<RunOutcome, 'operations'>;

export const finished: Ending = { reason: 'finished', message: 'The guest has finished.' };
export const wasReset: Ending = { reason: 'reset', message: 'The guest has reset the machine.' };
export const wasPaused: Ending = { reason: 'paused', message: 'The machine was paused.' };
export const operationLimit: Ending = {
  reason: 'operation-limit',
  message: 'The guest was stopped at its operation limit.',
};
/** These two end a slice, and no run. */
export const underWay: Ending = { reason: 'paused', message: 'The slice is over.' };
export const asleep: Ending = { reason: 'paused', message: 'The slice is over, and every processor waits.' };
/** `why`: the interrupt or fault that a simulated guest could not handle. */
export function shutDown(why = 'The guest has shut the processor down (triple fault).'): Ending {
  return { reason: 'shutdown', message: why };
}

/** No vCPU can go on: the outcome, if no interrupt can change that. Interrupts reach vCPU 0 only. */
export function endOfHalt(vcpus: readonly ScheduledVcpu[], clock: VirtualClock): Ending | undefined {
  const first = vcpus.find((state) => state.halted && !state.finished);
  if (first === undefined) return finished;
  const what = vcpus.length === 1 ? 'HLT' : `HLT of vCPU ${first.vcpu.id}`;
  if (first.vcpu.id !== 0) {
    return halted(
      `${what} at ${clock.absolute()} ns of guest time: interrupts reach vCPU 0 only, and that one has finished. ` +
        'Let the guest of vCPU 0 wait too, or this one spin instead of halting.',
    );
  }
  if (first.interruptsEnabled) return undefined;
  return halted(
    `${what} at ${clock.absolute()} ns of guest time with interrupts disabled: nothing can wake it. Execute sti first.`,
  );
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

export function haltedTooLong(idle: IdleWatch, clock: VirtualClock): Ending {
  const seconds = Math.round(idle.waited(clock) / SECOND);
  return halted(
    `HLT at ${clock.absolute()} ns of guest time: ${idle.expired} timers have expired in ${seconds} s of guest time and none raised ` +
      'an interrupt that wakes it. Unmask one, or give the run a larger timerLimit (-timer-limit).',
  );
}

/** A pause, or the gap before the next access of a recording, in which too many timers expired. */
export function endlessWait(
  idle: IdleWatch,
  guest: GuestSource | undefined,
  operations: number,
  clock: VirtualClock,
): Ending {
  const who = guest?.whereabouts ?? `Guest '${guest?.name}'`;
  const done =
    idle.expired < idle.limit
      ? `executed ${operations} operation${operations === 1 ? '' : 's'} while ${idle.total} timers expired in this run.`
      : `executed nothing while ${idle.expired} timers expired, from ${clock.absolute(clock.now - idle.waited(clock))} ns to ${clock.absolute()} ns of guest time.`;
  return {
    reason: 'operation-limit',
    message: `${who} ${done} Let less time pass, stop the timers, or give the run a larger timerLimit (-timer-limit).`,
  };
}

export function halted(message: string): Ending {
  return { reason: 'halted', message };
}
