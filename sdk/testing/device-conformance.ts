import type { ConcreteDeviceClass, GivenOptionsOfClass } from '../device/index.ts';
import { BackplaneError } from '../memory/index.ts';
import { checks } from './conformance/checks.ts';
import { type Check, type ConformanceFailure, type ConformanceSettings, Subject } from './conformance/subject.ts';

/** The two functions of a test runner that are needed: vitest's, node:test's, or others of that shape. */
export interface TestRunner {
  readonly describe: (name: string, body: () => void) => unknown;
  readonly it: (name: string, body: () => void, milliseconds?: number) => unknown;
}

/** A test may take so long: some do what a guest does in a long life, and a timer of the device may be a busy one. */
const MostMilliseconds = 120_000;

export interface DeviceConformanceOptions<C extends ConcreteDeviceClass>
  extends Omit<ConformanceSettings, 'options'>,
    Partial<TestRunner> {
  /** Options of the device that differ from their defaults. */
  readonly options?: GivenOptionsOfClass<C>;
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
    const subject = new Subject(deviceClass, settings as ConformanceSettings);
    for (const check of applicable(subject)) {
      const body = () => {
        const found = check.find(subject);
        if (found !== undefined) throw new ConformanceError(subject.describe(check.name, found));
      };
      it(check.name, body, MostMilliseconds);
    }
  });
}

/** The same without a test runner: everything that is wrong, or only the first. */
export function checkDevice<C extends ConcreteDeviceClass>(
  deviceClass: C,
  settings: Omit<DeviceConformanceOptions<C>, 'describe' | 'it'> & { readonly firstOnly?: boolean } = {},
): readonly ConformanceFailure[] {
  const subject = new Subject(deviceClass, settings as ConformanceSettings);
  const failures: ConformanceFailure[] = [];
  for (const check of applicable(subject)) {
    const found = check.find(subject);
    if (found === undefined) continue;
    failures.push(subject.describe(check.name, found));
    if (settings.firstOnly === true) break;
  }
  return failures;
}

/** A test that failed: the message is the whole report. */
export class ConformanceError extends Error {
  constructor(readonly failure: ConformanceFailure) {
    super(failure.text);
    this.name = 'ConformanceError';
  }
}

function applicable(subject: Subject): readonly Check[] {
  return checks.filter((check) => check.applies?.(subject) ?? true);
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
