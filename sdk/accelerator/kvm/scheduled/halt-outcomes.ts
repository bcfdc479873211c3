import { SECOND, type VirtualClock } from '../../../clock/index.ts';
import { type Ending, finished, halted } from '../run-control.ts';
import type { IdleWatch } from './run-limits.ts';
import type { ScheduledVcpu } from './vcpu-schedule.ts';

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
  guest: { readonly name: string; readonly whereabouts?: string } | undefined,
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
