import { maskOf } from '../../../base/bits.ts';
import {
  type Device,
  type FieldDeclaration,
  pinsOf,
  type RegisterAccess,
  type RegisterDeclaration,
  timersOf,
} from '../../../device/index.ts';
import { declaredState, valueAt } from '../device-fields.ts';
import { answerOf } from '../differential.ts';
import type { Check, Subject } from '../subject.ts';

/** Programs after which a declaration that nothing moved counts as dead. Living devices need a few. */
const MostPrograms = 120;
/** Programs that are run in any case where there is a memory: they show whether programs come near its ends. */
const FirstPrograms = 10;
/** Each fourth program is one of a hostile guest, which goes where others do not. */
const HostileEach = 4;
/** What is missing after these is looked for where drivers lead: each second program does mostly what they do. */
const UndrivenPrograms = 20;
/** Bits that the device moves, not the guest alone. */
const Moved: readonly RegisterAccess[] = ['read-only', 'read-to-clear', 'write-one-to-clear'];
/** A bit that rose so often ought to have fallen again. */
const EnoughRises = 25;
/** A shorter memory is a few fields; its ends say nothing. */
const ShortestMemory = 64;
/** Of so many cells near an end this share has changed: the end itself ought to have been among them. */
const Neighbours = 32;
const ShareMoved = 0.975;

/** Something declared that some program ought to move. */
interface Goal {
  /** As the author names it in `notExercised`. */
  readonly path: string;
  /** A program begins on a new device. Answers what is done after each step. */
  begin(device: Device): (() => void) | undefined;
  /** What no program has shown so far, in words. */
  missing(): string[];
  /** Whether more programs may still show that something is missing. */
  isOpen?(): boolean;
}

/** Status bits that nothing sets, lines that nothing raises, timers that nothing arms: declared, and forgotten. */
export const everythingIsAlive: Check = {
  name: 'whatever it declares to change does change in some program',
  find(subject) {
    const goals = goalsOf(subject);
    let missing: readonly string[] = [];
    let isOpen = goals.length > 0;
    for (let program = 0; program < MostPrograms && (isOpen || missing.length > 0); program++) {
      const hostile = program % HostileEach === HostileEach - 1;
      const driven = program >= UndrivenPrograms && program % 2 === 0;
      const script = subject.script(subject.random(this.name, program), subject.length, { hostile, driven });
      const bench = subject.bench();
      const looks = goals.flatMap((goal) => goal.begin(bench.device) ?? []);
      for (const step of script) {
        answerOf(bench, step);
        for (const look of looks) look();
      }
      missing = goals.flatMap((goal) => goal.missing());
      isOpen = goals.some((goal) => goal.isOpen !== undefined && (program < FirstPrograms || goal.isOpen()));
    }
    if (missing.length === 0) return undefined;
    const message =
      `in ${MostPrograms} programs ${missing.join('; ')}. If it is forgotten, let the device move it; if it is fixed or not ` +
      'modelled, declare it constant or unimplemented; if only certain steps of a driver lead there, show them in idioms, or ' +
      'name it in notExercised.';
    return { message, script: [] };
  },
};

/** Everything that the declaration promises to be alive: pins, timers, bits that the device moves, state and memories. */
function goalsOf(subject: Subject): readonly Goal[] {
  const bench = subject.bench();
  const { device } = bench;
  const { registers } = subject.metadata;
  const { notExercised } = subject;
  const members = new Set(registers.map(({ member }) => member));
  const wired = [...pinsOf(device).keys()].filter((name) => bench.bus.usesPin(device, name)).map(memberOf);
  const state = declaredState(bench).filter(({ path }) => !members.has(path));
  const memories = state.filter(({ value }) => isMemory(value) && value.length >= ShortestMemory);
  const all: readonly Goal[] = [
    ...[...new Set(wired)].map(pinGoal),
    ...[...timersOf(device).keys()].map(timerGoal),
    ...registers.filter(movesByItself).map((register) => registerGoal(register, notExercised)),
    ...state.filter(({ value }) => isScalar(value)).map(({ path }) => stateGoal(path)),
    ...memories.map(({ path }) => memoryGoal(path)),
  ];
  return all.filter(({ path }) => !notExercised(path));
}

const isScalar = (value: unknown): boolean => typeof value !== 'object' && typeof value !== 'function';
const isMemory = (value: unknown): value is ArrayLike<unknown> =>
  Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
const isMoved = ({ access }: FieldDeclaration): boolean => Moved.includes(access);
const movesByItself = ({ fields, access, readHook }: RegisterDeclaration): boolean =>
  fields.length === 0 ? Moved.includes(access) && readHook === undefined : fields.some(isMoved);

/** Pins of an array are one thing: `pins[3]` is of `pins`. */
const memberOf = (name: string): string => name.split('[')[0] as string;

function pinGoal(path: string): Goal {
  let rose = false;
  let fell = false;
  return {
    path,
    begin(device) {
      const pins = [...pinsOf(device)].filter(([name]) => memberOf(name) === path);
      for (const [, pin] of pins) {
        pin.connect((level) => {
          if (level) rose = true;
          else fell ||= rose;
        });
      }
      return undefined;
    },
    missing() {
      if (!rose) return [`pin '${path}' never rises`];
      return fell ? [] : [`pin '${path}' never falls again without a reset`];
    },
  };
}

/** `begin` answers whether it has moved by now. */
function movingGoal(path: string, missing: string, begin: (device: Device) => () => boolean): Goal {
  let moved = false;
  return {
    path,
    begin(device) {
      const hasMoved = begin(device);
      return () => {
        moved ||= hasMoved();
      };
    },
    missing: () => (moved ? [] : [missing]),
  };
}

const timerGoal = (path: string): Goal =>
  movingGoal(path, `timer '${path}' is never armed`, (device) => {
    const timer = timersOf(device).get(path);
    return () => timer?.pending === true;
  });

const stateGoal = (path: string): Goal =>
  movingGoal(path, `state '${path}' never changes`, (device) => {
    const first = valueAt(device, path);
    return () => valueAt(device, path) !== first;
  });

/** The bits of one register, or of all registers of an array. */
function registerGoal(register: RegisterDeclaration, notExercised: (path: string) => boolean): Goal {
  const { fields, member: path, access, width } = register;
  let up = 0n;
  let down = 0n;
  const rises = new Map<FieldDeclaration, number>();
  const single = fields.filter((field) => isMoved(field) && field.low === field.high);
  const isNamed = ({ name }: FieldDeclaration): boolean => notExercised(`${path}.${name}`);
  const held = (device: Device): readonly (number | bigint)[] => {
    const value = valueAt(device, path);
    if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<number | bigint>);
    return [value as number | bigint];
  };
  const missingOf = (field: FieldDeclaration): string[] => {
    if (!isMoved(field) || field.readHook !== undefined || isNamed(field)) return [];
    const bits = maskOf(field);
    const what = `register '${path}', field '${field.name}' (${field.access}),`;
    if (((up | down) & bits) === 0n) return [`${what} never changes`];
    if (!single.includes(field) || (rises.get(field) ?? EnoughRises) < EnoughRises) return [];
    if ((down & bits) === 0n) return [`${what} never goes down again without a reset`];
    return (up & bits) === 0n ? [`${what} never goes up again without a reset`] : [];
  };
  return {
    path,
    begin(device) {
      let last = held(device);
      return () => {
        const now = held(device);
        now.forEach((value, index) => {
          const before = last[index] as number | bigint;
          if (value === before) return;
          const [is, was] = [BigInt(value), BigInt(before)];
          const rising = is & ~was;
          up |= rising;
          down |= was & ~is;
          for (const field of single)
            if ((rising & maskOf(field)) !== 0n) rises.set(field, (rises.get(field) ?? 0) + 1);
        });
        last = now;
      };
    },
    missing() {
      if (fields.length > 0) return fields.flatMap(missingOf);
      const moved = BigInt.asUintN(width, up | down) !== 0n;
      return moved ? [] : [`register '${path}' (${access}) never changes`];
    },
    /** Up, and not yet down. */
    isOpen: () =>
      single.some((field) => !isNamed(field) && (up & maskOf(field)) !== 0n && (down & maskOf(field)) === 0n),
  };
}

/** The ends of a memory: a device that is off by one never reaches them. */
function memoryGoal(path: string): Goal {
  let moved: boolean[] = [];
  let collect = (): void => {};
  const ends = () => {
    collect();
    const near = Math.max(Neighbours, moved.length >> 3) - 1;
    const count = (cells: readonly boolean[]): number => cells.filter(Boolean).length;
    const last = moved.length - 1;
    return [
      { end: 'first', at: 0, near, others: count(moved.slice(1, near + 1)) },
      { end: 'last', at: last, near, others: count(moved.slice(-near - 1, -1)) },
    ].filter(({ at }) => moved[at] !== true);
  };
  return {
    path,
    begin(device) {
      collect();
      const first = (valueAt(device, path) as { slice(): ArrayLike<unknown> }).slice();
      collect = () => {
        const cells = valueAt(device, path) as ArrayLike<unknown>;
        if (moved.length !== cells.length) moved = new Array(cells.length).fill(false);
        for (let index = 0; index < cells.length; index++) if (cells[index] !== first[index]) moved[index] = true;
      };
      return undefined;
    },
    /** Programs come near an end that none has reached. */
    isOpen: () => ends().some(({ others }) => others > 0),
    missing: () =>
      ends()
        .filter(({ others, near }) => others >= ShareMoved * near)
        .map(({ end, at, others }) => `the ${end} element of '${path}', [${at}], never changes: ${others} near it do`),
  };
}
