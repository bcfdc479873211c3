import { ManualClock } from '../../../sdk/clock/index.ts';
import { type BenchCase, calledLoop, type Subject } from '../bench-case.ts';

const operations = 8192;
/** So late that no step reaches it: what is measured is the way on which nothing happens. */
const Late = 2 ** 50;

interface HandMadeTimer<Time> {
  readonly deadline: Time;
}

/** Guest time in numbers from the start of the machine: exact for 104 days, and no epoch. */
class NumberClock {
  private nanoseconds = 0;
  readonly timers: HandMadeTimer<number>[] = [];

  get now(): number {
    return this.nanoseconds;
  }

  advance(nanoseconds: number): void {
    this.advanceTo(this.nanoseconds + nanoseconds);
  }

  advanceTo(time: number): void {
    if (!(time >= this.nanoseconds && time <= Number.MAX_SAFE_INTEGER)) throw new RangeError(`cannot go to ${time}`);
    const end = Math.ceil(time);
    this.runDue();
    for (let next = this.nextDeadline(); next <= end; next = this.nextDeadline()) {
      this.nanoseconds = Math.max(this.nanoseconds, next);
      this.runDue();
    }
    this.nanoseconds = Math.max(this.nanoseconds, end);
  }

  private nextDeadline(): number {
    return this.timers[0]?.deadline ?? Number.POSITIVE_INFINITY;
  }

  private runDue(): void {
    const [first] = this.timers;
    if (first !== undefined && first.deadline <= this.nanoseconds) this.timers.shift();
  }
}

/** The same in bigints: exact for ever. */
class BigintClock {
  private nanoseconds = 0n;
  readonly timers: HandMadeTimer<bigint>[] = [];

  get now(): bigint {
    return this.nanoseconds;
  }

  advance(nanoseconds: bigint): void {
    this.advanceTo(this.nanoseconds + nanoseconds);
  }

  advanceTo(time: bigint): void {
    if (time < this.nanoseconds) throw new RangeError(`cannot go to ${time}`);
    this.runDue();
    for (let next = this.nextDeadline(); next !== undefined && next <= time; next = this.nextDeadline()) {
      if (this.nanoseconds < next) this.nanoseconds = next;
      this.runDue();
    }
    if (this.nanoseconds < time) this.nanoseconds = time;
  }

  private nextDeadline(): bigint | undefined {
    return this.timers[0]?.deadline;
  }

  private runDue(): void {
    const [first] = this.timers;
    if (first !== undefined && first.deadline <= this.nanoseconds) this.timers.shift();
  }
}

/** Steps of 1 ns by both, in turn, called from one loop in the same way. */
function against(isArmed: boolean, step: (nanosecond: number) => unknown, plain: NumberClock): Subject {
  if (isArmed) plain.timers.push({ deadline: Late });
  const touched = Array.from({ length: operations }, () => 1);
  const [run, baseline] = calledLoop(touched, [step, (nanosecond) => plain.advance(nanosecond)]);
  return { operations, run: run!, baseline: baseline! };
}

function withEpoch(isArmed: boolean): Subject {
  const clock = new ManualClock();
  if (isArmed) clock.timer('late', () => {}).arm(Late);
  return against(isArmed, (nanosecond) => clock.advance(nanosecond), new NumberClock());
}

function withBigints(isArmed: boolean): Subject {
  const clock = new BigintClock();
  if (isArmed) clock.timers.push({ deadline: BigInt(Late) });
  // A device that computes with bigints has one at hand already.
  const oneNanosecond = 1n;
  return against(isArmed, () => clock.advance(oneNanosecond), new NumberClock());
}

export const cases: readonly BenchCase[] = [
  { name: 'numbers from an epoch', subject: withEpoch },
  { name: 'bigints, written by hand', subject: withBigints },
].flatMap(({ name, subject }) =>
  [false, true].map((isArmed) => ({
    table: 'A step of guest time, against numbers from the start of the machine, written by hand',
    name: `${name}: ${isArmed ? 'a timer is armed' : 'no timer'}`,
    least: true as const,
    prepare: () => subject(isArmed),
  })),
);
