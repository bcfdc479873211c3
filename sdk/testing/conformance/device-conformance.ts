import { BackplaneError } from '../../base/errors.ts';
import { didYouMean, unknownWord } from '../../base/text.ts';
import {
  type ConcreteDeviceClass,
  type Device,
  type GivenOptionsOfClass,
  pinsOf,
  timersOf,
} from '../../device/index.ts';
import type { CheckKind, ConformanceFailure, ConformanceSettings } from './check.ts';
import { transfersAnswerNumbers } from './checks/answers.ts';
import { arraysReachTheirEnds } from './checks/array-ends.ts';
import { backendChecks } from './checks/backends.ts';
import { coalescedEqualsUncoalesced } from './checks/coalescing.ts';
import { everyFieldMatters } from './checks/dead-fields.ts';
import { everyTimeMatters } from './checks/dead-times.ts';
import { derivedFits, derivedIsPure } from './checks/derived.ts';
import { sameAfterRebase, sameForTheSame } from './checks/determinism.ts';
import { handlerChecks, neighboursAreLeftAlone } from './checks/handlers.ts';
import { hostileGuest } from './checks/hostile-guest.ts';
import { imageChecks } from './checks/images.ts';
import { resetKeepsInputs } from './checks/input-levels.ts';
import { everythingIsAlive } from './checks/liveness.ts';
import { pinsFollowTheMaskedStatus } from './checks/masked-pins.ts';
import { peeksAgree } from './checks/peeks.ts';
import { acknowledgedIsLowered, derivedFollows, pinsFollowState } from './checks/pins-and-timers.ts';
import { interruptsWhileBytesWait } from './checks/receive-interrupts.ts';
import { behavesAsRecorded } from './checks/recorded-behaviour.ts';
import { answersRecordedGuests } from './checks/recorded-guests.ts';
import { keepsRefusedBytes } from './checks/refused-writes.ts';
import { registerChecks } from './checks/registers.ts';
import { resetChecks } from './checks/reset.ts';
import { sentByteChecks } from './checks/sent-bytes.ts';
import { snapshotRoundTrip } from './checks/snapshot.ts';
import { onesClear } from './checks/write-one-to-clear.ts';
import { type Check, Subject } from './subject.ts';
import { TimeLimit } from './time-limit.ts';

/** Finds an exception for something that the device does not have. */
export const settingsNameWhatIsThere: Check = {
  name: 'the settings name what the device has',
  applies: ({ settings }) => settings.notExercised !== undefined,
  find(subject) {
    const { device } = subject.bench();
    for (const name of Object.keys(subject.settings.notExercised ?? {})) {
      const problem = problemOf(subject, device, name);
      if (problem !== undefined) return { message: `notExercised names '${name}', and ${problem}`, script: [] };
    }
    return undefined;
  },
};

/** Checks the first part of a path, and fields of registers: helper objects may come and go. */
function problemOf({ metadata }: Subject, device: Device, name: string): string | undefined {
  const [, first = '', field] = /^([^.[]*)(?:\.(.*))?/.exec(name) ?? [];
  const { registers } = metadata;
  const others = [...timersOf(device).keys(), ...pinsOf(device).keys()];
  const members = [...Object.keys(device), ...registers.flatMap((one) => [one.member, one.name])];
  if (others.includes(name)) return undefined;
  if (!members.includes(first))
    return `the device has no such member, timer or pin. ${didYouMean(name, [...new Set([...members, ...others])])}`;
  const register = registers.find((one) => one.member === first || one.name === first);
  if (register === undefined || field === undefined) return undefined;
  const fields = register.fields.map((one) => one.name);
  return fields.includes(field)
    ? undefined
    : `register '${register.name}' has no such field. ${didYouMean(field, fields)}`;
}

/** What holds for every device. Cheap checks come first. */
export const contract: readonly Check[] = [
  settingsNameWhatIsThere,
  ...registerChecks,
  ...handlerChecks,
  sameForTheSame,
  ...resetChecks,
  derivedFollows,
  derivedIsPure,
  derivedFits,
  transfersAnswerNumbers,
  ...backendChecks,
  keepsRefusedBytes,
  ...sentByteChecks,
  interruptsWhileBytesWait,
  ...imageChecks,
  peeksAgree,
  snapshotRoundTrip,
  sameAfterRebase,
  coalescedEqualsUncoalesced,
  hostileGuest,
  behavesAsRecorded,
  answersRecordedGuests,
];

/** What is likely a mistake. */
export const lint: readonly Check[] = [
  neighboursAreLeftAlone,
  onesClear,
  pinsFollowState,
  acknowledgedIsLowered,
  pinsFollowTheMaskedStatus,
  resetKeepsInputs,
  arraysReachTheirEnds,
  everythingIsAlive,
  everyFieldMatters,
  everyTimeMatters,
];

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

const settingWords: Readonly<Record<keyof DeviceConformanceOptions<ConcreteDeviceClass> | 'firstOnly', true>> = {
  ...{ options: true, at: true, bus: true, addr: true, images: true },
  ...{ services: true, runs: true, length: true, seed: true, hostileAccesses: true },
  ...{
    ram: true,
    values: true,
    idioms: true,
    recorded: true,
    recordings: true,
    notExercised: true,
    seconds: true,
    host: true,
  },
  ...{ describe: true, it: true, lint: true, firstOnly: true },
};

function refuseUnknown(what: string, settings: object): void {
  const unknown = unknownWord(settings, Object.keys(settingWords));
  if (unknown !== undefined) throw new BackplaneError('unknown-word', `${what} ${unknown}`);
}

/**
 * Tests a device by its declaration: `deviceConformance(MyUart, { describe, it })` in a test file, with the runner's own
 * functions. A failure is shortened and printed as a guest program and as a qtest script.
 */
export function deviceConformance<C extends ConcreteDeviceClass>(
  deviceClass: C,
  settings: DeviceConformanceOptions<C> = {},
): void {
  refuseUnknown(`deviceConformance(${deviceClass.name})`, settings);
  const { describe, it } = runnerOf(deviceClass.name, settings);
  describe(`${deviceClass.name}, as it is declared`, () => {
    const run = new ConformanceRun(deviceClass, settings);
    for (const check of run.checks) {
      const body = () => {
        const failure = run.failureOf(check);
        if (failure === undefined) return;
        if (failure.kind === 'contract' || settings.lint === 'fail') throw new ConformanceError(failure);
        console.warn(`${failure.text}\n`);
      };
      it(titleOf(check), body, 1000 * run.seconds);
    }
  });
}

const titleOf = ({ kind, check }: PlannedCheck): string => (kind === 'lint' ? `lint: ${check.name}` : check.name);

/** The same without a test runner: all findings of the contract, then those of the lint; or only the first. */
export function checkDevice<C extends ConcreteDeviceClass>(
  deviceClass: C,
  settings: Omit<DeviceConformanceOptions<C>, 'describe' | 'it' | 'lint'> & {
    readonly lint?: Exclude<LintMode, 'fail'>;
    readonly firstOnly?: boolean;
  } = {},
): readonly ConformanceFailure[] {
  refuseUnknown(`checkDevice(${deviceClass.name})`, settings);
  const run = new ConformanceRun(deviceClass, settings);
  const failures: ConformanceFailure[] = [];
  for (const [index, check] of run.checks.entries()) {
    settings.host?.progress?.(`${deviceClass.name}: ${index + 1} of ${run.checks.length}, ${check.check.name}`);
    const failure = run.failureOf(check);
    if (failure === undefined) continue;
    failures.push(failure);
    if (settings.firstOnly === true) break;
  }
  settings.host?.progress?.('');
  return failures;
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
    const { seconds, host } = settings as ConformanceSettings;
    this.limit = new TimeLimit(seconds, host?.runWithin);
    const all: readonly PlannedCheck[] = [
      ...contract.map((check) => ({ kind: 'contract', check }) as const),
      ...(settings.lint === 'off' ? [] : lint.map((check) => ({ kind: 'lint', check }) as const)),
    ];
    this.checks = all.filter(({ check }) => check.applies?.(this.subject) ?? true);
  }

  get seconds(): number {
    return this.limit.seconds;
  }

  /** The lint runs once the contract holds. */
  failureOf({ kind, check }: PlannedCheck): ConformanceFailure | undefined {
    if (kind === 'lint' && this.isBroken) return undefined;
    const found = this.limit.run(check, this.subject);
    this.isBroken ||= kind === 'contract' && found !== undefined;
    return found && this.subject.describe(kind, check.name, found);
  }
}

/** A test that failed: the message is the whole report. */
export class ConformanceError extends Error {
  readonly code = 'conformance-failure';

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
    'no-test-runner',
    `deviceConformance(${name}): there is no test runner. ` +
      `Hand over its functions: import { describe, it } from 'vitest'; deviceConformance(${name}, { describe, it }).`,
  );
}
