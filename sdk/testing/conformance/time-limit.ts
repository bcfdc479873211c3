import { hostNanoseconds } from '../../clock/index.ts';
import type { ConformanceHost, Finding } from './check.ts';
import { OutOfTime, setStepDeadline, stepUnderWay } from './script.ts';
import type { Check, Subject } from './subject.ts';

const Second = 1e9;
const DefaultSeconds = 300;
/** A step that took this share of the time is the cause. */
const LargeShare = 0.5;

/** Host time that a run of the suite has. It begins with the first check. */
export class TimeLimit {
  private end: number | undefined;

  constructor(
    readonly seconds = DefaultSeconds,
    private readonly runWithin: NonNullable<ConformanceHost['runWithin']> = uninterrupted,
  ) {}

  /** Runs a check in the time that is left. A host that can end an access that never returns makes it a finding. */
  run(check: Check, subject: Subject): Finding | undefined {
    this.end ??= hostNanoseconds() + this.seconds * Second;
    const left = Math.ceil((this.end - hostNanoseconds()) / 1e6);
    if (left <= 0) return this.unfinished();
    let found: Finding | undefined;
    setStepDeadline(this.end);
    try {
      const isDone = this.runWithin(left, () => {
        found = check.find(subject);
      });
      return isDone ? found : this.interrupted(left / 1000);
    } catch (error) {
      if (error instanceof OutOfTime) return this.unfinished();
      throw error;
    } finally {
      setStepDeadline(Number.POSITIVE_INFINITY);
    }
  }

  private interrupted(left: number): Finding {
    const { step, since } = stepUnderWay() ?? {};
    const spent = since === undefined ? 0 : (hostNanoseconds() - since) / Second;
    if (step === undefined || spent < LargeShare * left) return this.unfinished();
    const message = `the last step had not ended after ${spent.toFixed(1)} seconds. Bound what a guest can ask for.`;
    return { message, script: [step] };
  }

  private unfinished(): Finding {
    const message = `it is not done, and the ${this.seconds} seconds of the run are over. Give it more, with { seconds }, or fewer { runs }.`;
    return { message, script: [] };
  }
}

function uninterrupted(_milliseconds: number, body: () => void): true {
  body();
  return true;
}
