import { BackplaneError } from '../base/errors.ts';
import { type JsonProblem, JsonReader } from '../base/json-reader.ts';
import type { LoadPlan } from './schema.ts';

/** One thing in which a snapshot and what it is to be loaded into differ. */
export interface StateDifference {
  /** The device's id; undefined for what belongs to no device. */
  readonly device?: string | undefined;
  /** `periodic.backlog`, `levels[3]`; empty for the whole. */
  readonly path: string;
  /** The end of a sentence: 'expected a whole number from 0 to 127, found 300'. */
  readonly problem: string;
  /** Set where a change of the class would explain it. */
  readonly change?: StateChange;
}

/** What a class may not have said: that it dropped a field, or has a new one. */
export interface StateChange {
  readonly what: 'dropped' | 'new' | 'saved by a newer class';
  /** Of the field, the timer or the pin. */
  readonly name: string;
  /** The version in which the class would say so. */
  readonly version: number;
}

/** Messages name this many differences and count the rest; the error holds them all. */
const MostInMessage = 100;
/** Wider than this, places are not brought into line. */
const WidestColumn = 40;

/** A snapshot that was refused. Nothing of it is in force. */
export class StateError extends BackplaneError {
  override readonly name: string = 'StateError';

  constructor(
    code: string,
    what: string,
    readonly differences: readonly StateDifference[],
    /** What the hook threw that refused the state. */
    cause?: unknown,
  ) {
    const shown = differences.slice(0, MostInMessage);
    const places = shown.map(placeOf);
    const width = Math.max(...places.map(({ length }) => (length > WidestColumn ? 0 : length)), 0);
    const lines = shown.map(({ problem }, index) => {
      const place = places[index] as string;
      return place === '' ? `\n  - ${problem}` : `\n  - ${`${place}:`.padEnd(width + 1)} ${problem}`;
    });
    const more = differences.length - shown.length;
    super(code, `${what}:${lines.join('')}${more > 0 ? `\n  and ${more} more` : ''}${remedies(differences)}`, {
      cause,
    });
  }
}

/** `device 'rtc', 'index': expected a number, found "x"`. */
export function describeDifference(difference: StateDifference): string {
  const place = placeOf(difference);
  return place === '' ? difference.problem : `${place}: ${difference.problem}`;
}

function placeOf({ device, path }: StateDifference): string {
  const parts = [...(device === undefined ? [] : [`device '${device}'`]), ...(path === '' ? [] : [`'${path}'`])];
  return parts.join(', ');
}

/** What each device's author may have forgotten to say, if the class has changed since. */
function remedies(differences: readonly StateDifference[]): string {
  const devices = new Set(differences.flatMap(({ device, change }) => (change === undefined ? [] : [device])));
  return [...devices].flatMap((device) => remedy(differences.filter((one) => one.device === device))).join('');
}

function remedy(differences: readonly StateDifference[]): string[] {
  const of = (wanted: string) => differences.filter(({ change }) => change?.what === wanted);
  const [dropped, added] = [of('dropped'), of('new')];
  const { device, change } = differences.find((one) => one.change !== undefined) as StateDifference;
  const whose = device === undefined ? '' : ` of '${device}'`;
  if (of('saved by a newer class').length > 0) {
    return [`\nRestore it with the class${whose} that saved it, or with one that came later.`];
  }
  const version = change?.version;
  const [old, fresh] = [dropped, added].map((list) => list.map(({ change: one }) => `'${one?.name}'`).join(', ')) as [
    string,
    string,
  ];
  if (dropped.length === 1 && added.length === 1) {
    return [
      `\nIf ${old}${whose} is called ${fresh} now, say so: @state({ name: ${old} }). If it is gone, and the other one new:` +
        ` @device({ version: ${version}, retired: [${old}] }) and @state({ since: ${version} }).`,
    ];
  }
  return [
    ...(dropped.length === 0
      ? []
      : [`\nIf ${old}${whose} went on purpose, say so: @device({ version: ${version}, retired: [${old}] }).`]),
    ...(added.length === 0
      ? []
      : [
          `\nIf ${fresh}${whose} came later than the snapshot, say so: @device({ version: ${version} }) and @state({ since: ${version} }).`,
        ]),
  ];
}

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

  onValidated(action: () => void): void {
    this.actions.push(action);
  }

  afterApply(action: () => void): void {
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
