import { type JsonProblem, JsonReader } from '../base/json-reader.ts';
import type { StateChange, StateDifference } from './state-error.ts';
import type { LoadPlan } from './state-shape.ts';

/** What a change of the class may explain: the detail of a problem. `name` where the path is not that of the field. */
export interface ClassChange {
  readonly what: StateChange['what'];
  readonly name?: string;
}

/** What loading something would do, and why it must not be done. First everything is read; nothing is changed by that. */
export class StateLoading implements LoadPlan {
  readonly problems: JsonProblem[] = [];
  private readonly actions: (() => void)[] = [];
  private readonly hooks: (() => void)[] = [];

  constructor(
    readonly version: number,
    private readonly device: string | undefined,
    private readonly retired: readonly string[] = [],
    /** The version of the class that loads it; undefined where nothing has versions. */
    private readonly present?: number,
  ) {}

  /** Reads data from anywhere; what is wrong with it comes into the problems. */
  reader(data: unknown, path = ''): JsonReader {
    return new JsonReader(data, path, this.problems);
  }

  get differences(): readonly StateDifference[] {
    return this.problems.filter(({ path }) => !this.retired.includes(path)).map((one) => this.differenceOf(one));
  }

  /** The snapshot is newer than the class: what else differs follows from that. */
  refuseNewer(): void {
    const { version, present = 1 } = this;
    const detail: ClassChange = { what: 'saved by a newer class', name: '' };
    this.problems.push({
      path: '',
      problem: `is of version ${version}, newer than this class, which has ${present}`,
      detail,
    });
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

  private differenceOf({ path, problem, detail }: JsonProblem): StateDifference {
    const { device, present, version } = this;
    if (detail === undefined) return { device, path, problem };
    const { what, name = path } = detail as ClassChange;
    if (what === 'saved by a newer class') return { device, path, problem, change: { what, name, version } };
    if (present === undefined || version > present) return { device, path, problem };
    return { device, path, problem, change: { what, name, version: Math.max(present, version + 1) } };
  }
}
