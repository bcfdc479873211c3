import { maskOf } from '../../../base/bits.ts';
import { type Device, pinsOf, type RegisterAccess, type RegisterDeclaration, timersOf } from '../../../device/index.ts';
import { valueAt } from '../device-fields.ts';

/** Something declared that some program ought to move. */
export interface Goal {
  /** As the author names it in `notExercised`. */
  readonly path: string;
  /** A program begins on a new device. */
  begin(device: Device): void;
  /** A step was done. */
  look(): void;
  /** What no program has shown so far, in words. */
  missing(): string[];
  /** Whether more programs may still show that something is missing. */
  isOpen?(): boolean;
}

/** Bits that the device moves, not the guest alone. */
export const Moved: readonly RegisterAccess[] = ['read-only', 'read-to-clear', 'write-one-to-clear'];
/** A bit that went up so often ought to have come down again. */
const EnoughRises = 25;
/** So many cells near an end, and this share of them has changed: the end itself ought to have been among them. */
const Neighbours = 32;
const ShareMoved = 0.975;

/** Pins of an array are one thing: `pins[3]` is of `pins`. */
export const memberOf = (name: string): string => name.split('[')[0] as string;

export class PinGoal implements Goal {
  private rose = false;
  private fell = false;

  constructor(readonly path: string) {}

  begin(device: Device): void {
    for (const [name, pin] of pinsOf(device)) {
      if (memberOf(name) !== this.path) continue;
      pin.connect((level) => {
        if (level) this.rose = true;
        else if (this.rose) this.fell = true;
      });
    }
  }

  look(): void {}

  missing(): string[] {
    if (!this.rose) return [`pin '${this.path}' never rises`];
    return this.fell ? [] : [`pin '${this.path}' never falls again without a reset`];
  }
}

export class TimerGoal implements Goal {
  private armed = false;
  private pending: () => boolean = () => false;

  constructor(readonly path: string) {}

  begin(device: Device): void {
    const timer = timersOf(device).get(this.path);
    this.pending = () => timer?.pending === true;
  }

  look(): void {
    this.armed ||= this.pending();
  }

  missing(): string[] {
    return this.armed ? [] : [`timer '${this.path}' is never armed`];
  }
}

/** The bits of one register, or of all registers of an array. */
export class RegisterGoal implements Goal {
  readonly path: string;
  private up = 0n;
  private down = 0n;
  /** Changes seen, by the bit that went up. */
  private readonly rises = new Map<bigint, number>();
  private last: readonly (number | bigint)[] = [];
  private device: Device | undefined;

  constructor(
    private readonly register: RegisterDeclaration,
    private readonly notExercised: (path: string) => boolean,
  ) {
    this.path = register.member;
  }

  begin(device: Device): void {
    this.device = device;
    this.last = this.held();
  }

  look(): void {
    const now = this.held();
    now.forEach((value, index) => {
      const before = this.last[index] as number | bigint;
      if (value === before) return;
      const [is, was] = [BigInt(value), BigInt(before)];
      this.up |= is & ~was;
      for (const { low } of this.register.fields) {
        const bit = 1n << BigInt(low);
        if ((is & ~was & bit) !== 0n) this.rises.set(bit, (this.rises.get(bit) ?? 0) + 1);
      }
      this.down |= was & ~is;
    });
    this.last = now;
  }

  missing(): string[] {
    const { fields, member, access, width } = this.register;
    if (fields.length === 0) {
      const moved = BigInt.asUintN(width, this.up | this.down) !== 0n;
      return moved ? [] : [`register '${member}' (${access}) never changes`];
    }
    return fields.flatMap((field) => {
      if (!Moved.includes(field.access) || field.readHook !== undefined) return [];
      if (this.notExercised(`${member}.${field.name}`)) return [];
      const bits = maskOf(field);
      const what = `register '${member}', field '${field.name}' (${field.access}),`;
      if ((this.up & bits) === 0n && (this.down & bits) === 0n) return [`${what} never changes`];
      if (field.low !== field.high || (this.rises.get(bits) ?? EnoughRises) < EnoughRises) return [];
      if ((this.down & bits) === 0n) return [`${what} never goes down again without a reset`];
      return (this.up & bits) === 0n ? [`${what} never goes up again without a reset`] : [];
    });
  }

  /** Up, and not yet down. */
  isOpen(): boolean {
    return this.register.fields.some((field) => {
      const bits = maskOf(field);
      const counts =
        field.low === field.high && Moved.includes(field.access) && !this.notExercised(`${this.path}.${field.name}`);
      return counts && (this.up & bits) !== 0n && (this.down & bits) === 0n;
    });
  }

  private held(): readonly (number | bigint)[] {
    const value = valueAt(this.device, this.path);
    if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<number | bigint>);
    return [value as number | bigint];
  }
}

export class StateGoal implements Goal {
  private changed = false;
  private device: Device | undefined;
  private first: unknown;

  constructor(readonly path: string) {}

  begin(device: Device): void {
    this.device = device;
    this.first = valueAt(device, this.path);
  }

  look(): void {
    this.changed ||= valueAt(this.device, this.path) !== this.first;
  }

  missing(): string[] {
    return this.changed ? [] : [`state '${this.path}' never changes`];
  }
}

/** The ends of a memory: a device that is off by one never reaches them. */
export class MemoryGoal implements Goal {
  private moved = new Uint8Array(0);
  private first: readonly unknown[] = [];
  private device: Device | undefined;

  constructor(readonly path: string) {}

  begin(device: Device): void {
    this.collect();
    this.device = device;
    this.first = Array.from(this.cells());
  }

  look(): void {}

  /** Programs come near an end that none has reached. */
  isOpen(): boolean {
    return this.ends().some(({ moved, others }) => !moved && others > 0);
  }

  missing(): string[] {
    return this.ends()
      .filter(({ moved, others, near }) => !moved && others >= ShareMoved * near)
      .map(
        ({ end, at, others }) => `the ${end} element of '${this.path}', [${at}], never changes: ${others} near it do`,
      );
  }

  private ends() {
    this.collect();
    const { length } = this.moved;
    const near = Math.max(Neighbours, length >> 3) - 1;
    const count = (cells: Uint8Array): number => cells.reduce((sum, moved) => sum + moved, 0);
    const { moved } = this;
    return [
      { end: 'first', at: 0, near, moved: moved[0] === 1, others: count(moved.subarray(1, near + 1)) },
      {
        end: 'last',
        at: length - 1,
        near,
        moved: moved[length - 1] === 1,
        others: count(moved.subarray(-near - 1, -1)),
      },
    ];
  }

  private cells(): ArrayLike<unknown> {
    return valueAt(this.device, this.path) as ArrayLike<unknown>;
  }

  private collect(): void {
    if (this.device === undefined) return;
    const cells = this.cells();
    if (this.moved.length !== cells.length) this.moved = new Uint8Array(cells.length);
    for (let index = 0; index < cells.length; index++) {
      if (cells[index] !== this.first[index]) this.moved[index] = 1;
    }
  }
}
