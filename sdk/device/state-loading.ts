import type { StateChange, StateDifference } from './state-error.ts';
import type { LoadPlan } from './state-shape.ts';

/** A snapshot that differs in everything is not read to its end. */
const MostDifferences = 1000;

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
    /** The version of the class that loads it; undefined where nothing has versions. */
    private readonly present?: number,
  ) {}

  inside(step: string, work: () => void): void {
    this.path.push(step);
    try {
      work();
    } finally {
      this.path.pop();
    }
  }

  refuse(problem: string, what?: 'dropped' | 'new', name?: string): void {
    const path = this.path.join('').replace(/^\./, '');
    if (this.retired.includes(path) || this.differences.length >= MostDifferences) return;
    const { device, present, version } = this;
    const isChange = what !== undefined && present !== undefined && version <= present;
    const change = { what, name: name ?? path, version: Math.max(present ?? 0, version + 1) } as StateChange;
    this.differences.push({ device, path, problem, ...(isChange ? { change } : {}) });
  }

  /** The snapshot is newer than the class: what else differs follows from that. */
  refuseNewer(): void {
    const { device, version, present = 1 } = this;
    const problem = `is of version ${version}, newer than this class, which has ${present}`;
    this.differences.push({ device, path: '', problem, change: { what: 'saved by a newer class', name: '', version } });
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
