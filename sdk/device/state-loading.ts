import { BackplaneError } from '../memory/index.ts';
import type { LoadPlan } from './state-shape.ts';

/** One thing in which a snapshot and what it is to be loaded into differ. */
export interface StateDifference {
  /** The device's id; undefined for what belongs to no device. */
  readonly device?: string | undefined;
  /** `periodic.backlog`, `levels[3]`; empty for the whole. */
  readonly path: string;
  /** The end of a sentence: 'expected a whole number from 0 to 127, found 300'. */
  readonly problem: string;
}

/** Messages name this many differences and count the rest; the error holds them all. */
const MostInMessage = 20;
/** A snapshot that differs in everything is not read to its end. */
const MostDifferences = 1000;

/** A snapshot that was refused. Nothing of it is in force. */
export class StateError extends BackplaneError {
  override readonly name: string = 'StateError';

  constructor(
    what: string,
    readonly differences: readonly StateDifference[],
  ) {
    const shown = differences.slice(0, MostInMessage).map((one) => `\n  - ${describeDifference(one)}`);
    const more = differences.length - shown.length;
    super(`${what}:${shown.join('')}${more > 0 ? `\n  and ${more} more` : ''}`);
  }
}

/** `device 'rtc', 'index': expected a number, found "x"`. */
export function describeDifference({ device, path, problem }: StateDifference): string {
  const where = [...(device === undefined ? [] : [`device '${device}'`]), ...(path === '' ? [] : [`'${path}'`])].join(
    ', ',
  );
  return where === '' ? problem : `${where}: ${problem}`;
}

/** What loading something would do, and why it must not be done. First everything is read; nothing is changed by that. */
export class StateLoading implements LoadPlan {
  readonly differences: StateDifference[] = [];
  private readonly path: string[] = [];
  private readonly actions: (() => void)[] = [];
  private readonly hooks: (() => void)[] = [];

  constructor(
    readonly version: number,
    private readonly device: string | undefined,
    private readonly retired: readonly string[] = [],
  ) {}

  inside(step: string, work: () => void): void {
    this.path.push(step);
    try {
      work();
    } finally {
      this.path.pop();
    }
  }

  refuse(problem: string): void {
    const path = this.path.join('').replace(/^\./, '');
    if (this.retired.includes(path) || this.differences.length >= MostDifferences) return;
    this.differences.push({ device: this.device, path, problem });
  }

  whenSound(action: () => void): void {
    this.actions.push(action);
  }

  atEnd(action: () => void): void {
    this.hooks.push(action);
  }

  /** Puts every value in its place. */
  applyAll(): void {
    for (const action of this.actions) action();
  }

  /** Runs the hooks; one that throws refuses the state. */
  finishAll(): void {
    for (const hook of this.hooks) hook();
  }
}
