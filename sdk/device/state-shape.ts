import type { Json, JsonReader } from '../base/json-reader.ts';

/** Where a value belongs: a field of an object, or an element of an array. */
export interface StatePlace {
  get(): unknown;
  set(value: unknown): void;
}

/** What a value of the state may be, and how a snapshot writes it. The members of `shape` make them. */
export interface Shape {
  /** For messages: "a whole number from 0 to 127". */
  readonly expected: string;
  /** How a snapshot writes it; undefined if it is none of these values. */
  write(value: unknown): Json | undefined;
  /** Tells the reader what is wrong with a snapshot's value; otherwise how to put it in place comes into `plan`. */
  read(saved: JsonReader, place: StatePlace, plan: LoadPlan): void;
  /** The clock's epoch has moved: makes the times in the value smaller. Absent where it holds none. */
  rebase?(place: StatePlace, move: EpochMove): void;
}

/** A move of the clock's epoch, as those hear of it who keep times. */
export interface EpochMove {
  readonly nanoseconds: number;
  /** Objects whose fields have moved: one that two fields share moves once. */
  readonly moved: Set<object>;
}

/** Collects what would have to be done, so that nothing is done while anything is wrong. */
export interface LoadPlan {
  /** The version of the device that wrote the snapshot. */
  readonly version: number;
  /** Done once everything is known to be right. */
  whenSound(action: () => void): void;
  /** Done after that, innermost first: hooks. */
  atEnd(action: () => void): void;
}
