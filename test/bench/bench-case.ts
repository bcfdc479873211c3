// How to add a case: put a file into cases/ that exports `cases`, a list of BenchCase. Every case is measured in a
// process of its own, so that the type feedback of one does not colour the next; only its `prepare` runs there.
// The parent process merely imports the file to learn the names: keep module level free of work.

/** What is measured: `run` does `operations` operations, thousands of them, so that the timer does not count. */
export interface Subject {
  readonly operations: number;
  run(): unknown;
  /** What the ratio is taken against. Without it: `operations` calls of a bare closure. */
  baseline?(): unknown;
  /** What else is to be said of it, such as the size of what it makes: printed below its row. */
  note?(): string;
  /** Ends what it has open, such as sockets. */
  end?(): unknown;
}

export interface BenchCase {
  /** The table it belongs to. */
  readonly table: string;
  /** The row: unique within the table. */
  readonly name: string;
  /** The largest ratio to the baseline that is fast enough. */
  readonly targetRatio?: number;
  /** The ratio is that of the two shortest times, not the median of all ratios: for what a busy machine would hide. */
  readonly least?: true;
  /** For what has no baseline: the longest time of one operation, in milliseconds. */
  readonly targetMilliseconds?: number;
  /** For what takes seconds: `run` once in a round, without others before, in processor time of this process. */
  readonly processorTime?: true;
  /** For throughput: the fewest operations per second. */
  readonly targetPerSecond?: number;
  /** What an operation is, in the plural: how many are done in a second is printed too. */
  readonly throughput?: string;
  /** Rows of one series must not differ by more than `targetSpread` between the fastest and the slowest. */
  readonly series?: string;
  readonly targetSpread?: number;
  prepare(): Subject | Promise<Subject>;
}

/**
 * Loops over these arguments that call what they are given and cannot inline it, since they have seen many functions: one
 * for each of `calls`, which are so called in the same way.
 */
export function calledLoop(touched: readonly number[], calls: readonly ((at: number) => unknown)[]): (() => unknown)[] {
  const places = Int32Array.from(touched);
  let chosen = calls[0]!;
  const loop = () => {
    const call = chosen;
    let last: unknown;
    for (let index = 0; index < places.length; index++) last = call(places[index]!);
    return last;
  };
  const others = [1, 2, 3, 4].map((bit) => (bit & 1 ? (at: number) => at & bit : (at: number) => at ^ bit));
  for (let round = 0; round < 50; round++) {
    for (const call of [...others, ...calls]) {
      chosen = call;
      loop();
    }
  }
  return calls.map((call) => () => {
    chosen = call;
    return loop();
  });
}

/** What a child process reports: times of one operation, and ratios round by round. */
export interface Measurement {
  readonly nanoseconds: readonly number[];
  readonly baselineNanoseconds: readonly number[];
  readonly note?: string | undefined;
}

/** The table whose only row is the yardstick where V8 can inline it. */
export const yardstickTable = 'The yardstick: one call of a bare closure';

/**
 * The measure of all things: the same loop over the same offsets, and one call of a bare closure that does what a
 * handler does. The loop has seen several closures, so that V8 really calls and does not inline: a handler that a table
 * leads to is not inlined either, and where nothing is called there is no call to measure.
 */
export function bareClosureLoop(
  operations: number,
  offsetOf: (index: number) => number,
  direction: 'read' | 'write' = 'read',
): () => number {
  const offsets = Int32Array.from({ length: operations }, (_, index) => offsetOf(index));
  let state = 1;
  const reads = [
    (offset: number): number => (state + offset) & 0xff,
    (offset: number): number => (state - offset) & 0xff,
    (offset: number): number => (state ^ offset) & 0xff,
    (offset: number): number => (state | offset) & 0xff,
    (offset: number): number => state & offset & 0xff,
    (offset: number): number => (offset - state) & 0xff,
  ];
  const writes = [
    (value: number, offset: number): void => {
      state = value ^ offset;
    },
    (value: number, offset: number): void => {
      state = value + offset;
    },
    (value: number, offset: number): void => {
      state = value - offset;
    },
    (value: number, offset: number): void => {
      state = value & offset;
    },
    (value: number, offset: number): void => {
      state = value | offset;
    },
    (value: number, offset: number): void => {
      state = offset - value;
    },
  ];
  let chosen = 0;
  const readAll = () => {
    const read = reads[chosen]!;
    let sum = 0;
    for (let index = 0; index < operations; index++) sum += read(offsets[index]!);
    return sum;
  };
  const writeAll = () => {
    const write = writes[chosen]!;
    for (let index = 0; index < operations; index++) write(index, offsets[index]!);
    return operations;
  };
  const loop = direction === 'read' ? readAll : writeAll;
  for (let round = 0; round < 6 * 50; round++) {
    chosen = round % 6;
    loop();
  }
  chosen = 0;
  return loop;
}
