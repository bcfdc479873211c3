import type { ConcreteDeviceClass, GivenOptionsOfClass } from '../device/index.ts';
import { BackplaneError } from '../memory/index.ts';
import { contract, lint } from './conformance/checks.ts';
import { TimeLimit } from './conformance/run-check.ts';
import {
  type Check,
  type CheckKind,
  type ConformanceFailure,
  type ConformanceSettings,
  Subject,
} from './conformance/subject.ts';

/** The two functions of a test runner that are needed: vitest's, node:test's, or others of that shape. */
export interface TestRunner {
  readonly describe: (name: string, body: () => void) => unknown;
  readonly it: (name: string, body: () => void, milliseconds?: number) => unknown;
}

/** What is done with what the lint finds: printed, made to fail its test, or not looked for. */
export type LintMode = 'report' | 'fail' | 'off';

export interface DeviceConformanceOptions<C extends ConcreteDeviceClass>
  extends Omit<ConformanceSettings, 'options'>,
    Partial<TestRunner> {
  /** Options of the device that differ from their defaults. */
  readonly options?: GivenOptionsOfClass<C>;
  /** Default: 'report'. */
  readonly lint?: LintMode;
}

/**
 * The tests that every device gets from its declaration: `deviceConformance(MyUart, { describe, it })` in a test file, with
 * the runner's own `describe` and `it`. What fails is shortened and printed as a guest program and as a qtest script.
 */
export function deviceConformance<C extends ConcreteDeviceClass>(
  deviceClass: C,
  settings: DeviceConformanceOptions<C> = {},
): void {
  const { describe, it } = runnerOf(deviceClass.name, settings);
  describe(`${deviceClass.name}, as it is declared`, () => {
    const run = new ConformanceRun(deviceClass, settings);
    for (const check of run.checks) {
      const body = () => {
        const failure = run.failureOf(check);
        if (failure === undefined) return;
        if (failure.kind === 'contract' || settings.lint === 'fail') throw new ConformanceError(failure);
        process.stderr.write(`${failure.text}\n\n`);
      };
      it(titleOf(check), body, 1000 * run.seconds);
    }
  });
}

const titleOf = ({ kind, check }: PlannedCheck): string => (kind === 'lint' ? `lint: ${check.name}` : check.name);

/**
 * The same without a test runner: everything that is found, the contract first and the lint once that holds; or only
 * the first finding. Says on a terminal how far it is.
 */
export function checkDevice<C extends ConcreteDeviceClass>(
  deviceClass: C,
  settings: Omit<DeviceConformanceOptions<C>, 'describe' | 'it' | 'lint'> & {
    readonly lint?: Exclude<LintMode, 'fail'>;
    readonly firstOnly?: boolean;
  } = {},
): readonly ConformanceFailure[] {
  const run = new ConformanceRun(deviceClass, settings);
  const failures: ConformanceFailure[] = [];
  for (const [index, check] of run.checks.entries()) {
    showProgress(`${deviceClass.name}: ${index + 1} of ${run.checks.length}, ${check.check.name}`);
    const failure = run.failureOf(check);
    if (failure === undefined) continue;
    failures.push(failure);
    if (settings.firstOnly === true) break;
  }
  showProgress('');
  return failures;
}

function showProgress(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${line.slice(0, (process.stderr.columns ?? 80) - 1)}`);
}

interface PlannedCheck {
  readonly kind: CheckKind;
  readonly check: Check;
}

/** The checks that apply to a class, with one limit of time for all of them. */
class ConformanceRun {
  readonly checks: readonly PlannedCheck[];
  private readonly subject: Subject;
  private readonly limit: TimeLimit;
  private isBroken = false;

  constructor(deviceClass: ConcreteDeviceClass, settings: { readonly lint?: LintMode } & object) {
    this.subject = new Subject(deviceClass, settings as ConformanceSettings);
    this.limit = new TimeLimit((settings as ConformanceSettings).seconds);
    const all: readonly PlannedCheck[] = [
      ...contract.map((check) => ({ kind: 'contract', check }) as const),
      ...(settings.lint === 'off' ? [] : lint.map((check) => ({ kind: 'lint', check }) as const)),
    ];
    this.checks = all.filter(({ check }) => check.applies?.(this.subject) ?? true);
  }

  get seconds(): number {
    return this.limit.seconds;
  }

  /** The lint has something to say once the contract holds. */
  failureOf({ kind, check }: PlannedCheck): ConformanceFailure | undefined {
    if (kind === 'lint' && this.isBroken) return undefined;
    const found = this.limit.run(check, this.subject);
    this.isBroken ||= kind === 'contract' && found !== undefined;
    return found && this.subject.describe(kind, check.name, found);
  }
}

/** A test that failed: the message is the whole report. */
export class ConformanceError extends Error {
  constructor(readonly failure: ConformanceFailure) {
    super(failure.text);
    this.name = 'ConformanceError';
  }
}

function runnerOf(name: string, given: Partial<TestRunner>): TestRunner {
  const globals = globalThis as Partial<TestRunner>;
  const describe = given.describe ?? globals.describe;
  const it = given.it ?? globals.it;
  if (describe !== undefined && it !== undefined) return { describe, it };
  throw new BackplaneError(
    `deviceConformance(${name}): there is no test runner. ` +
      `Hand over its functions: import { describe, it } from 'vitest'; deviceConformance(${name}, { describe, it }).`,
  );
}
