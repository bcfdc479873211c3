import { runInNewContext } from 'node:vm';
import { hostNanoseconds } from '../../clock/index.ts';
import type { Finding } from './check.ts';
import { stepUnderWay } from './script.ts';
import type { Check, Subject } from './subject.ts';

const Second = 1e9;
const DefaultSeconds = 300;
/** A step that took so much of the time is what it went to. */
const LargeShare = 0.5;

/** Host time that a run of the suite has. It begins with the first check. */
export class TimeLimit {
  readonly seconds: number;
  private end: number | undefined;

  constructor(seconds = DefaultSeconds) {
    this.seconds = seconds;
  }

  /** Runs a check in the time that is left. An access that never returns is ended too, and is a finding. */
  run(check: Check, subject: Subject): Finding | undefined {
    this.end ??= hostNanoseconds() + this.seconds * Second;
    const left = Math.ceil((this.end - hostNanoseconds()) / 1e6);
    if (left <= 0) return { message: this.unfinished(), script: [] };
    try {
      return runInNewContext('find()', { find: () => check.find(subject) }, { timeout: left }) as Finding | undefined;
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
      return this.interrupted(left / 1000);
    }
  }

  private interrupted(left: number): Finding {
    const { step, since } = stepUnderWay() ?? {};
    const spent = since === undefined ? 0 : (hostNanoseconds() - since) / Second;
    if (step === undefined || spent < LargeShare * left) return { message: this.unfinished(), script: [] };
    const message = `the last step had not ended after ${spent.toFixed(1)} seconds. Bound what a guest can ask for.`;
    return { message, script: [step] };
  }

  private unfinished(): string {
    return `it is not done, and the ${this.seconds} seconds of the run are over. Give it more, with { seconds }, or fewer { runs }.`;
  }
}
