import type { Placement } from '../../machine/wiring.ts';
import type { BenchService } from '../bench/services.ts';
import type { Random } from '../random.ts';
import type { ScriptStep } from './script.ts';

/** What the author may say about the device beyond its declaration. Everything may be left out. */
export interface ConformanceSettings {
  /** Options of the device that differ from their defaults. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** Where regions go that are not to be at their base. */
  readonly at?: readonly Placement[];
  /** What the constructor asks for beyond the bench's own: made anew for each bench. */
  readonly services?: () => readonly BenchService[];
  /** Random programs for each check. Default: 10. */
  readonly runs?: number;
  /** Steps of a random program. Default: 250. */
  readonly length?: number;
  /** The same seed, the same programs. Default: 1. */
  readonly seed?: number;
  /** Random accesses of the hostile guest. Default: 100,000. */
  readonly hostileAccesses?: number;
  /** Bytes of guest RAM. Default: 64 KiB, for chipsets 1 MiB. */
  readonly ram?: number;
  /** Values that drivers write, mixed into the random ones: a key, the address of a buffer on the card. */
  readonly values?: readonly (number | bigint)[];
  /** What drivers do that random accesses hardly hit upon, as a few steps that belong together. */
  readonly idioms?: (random: Random) => readonly ScriptStep[];
  /**
   * A file that holds what the device does: made where there is none, compared ever after. It guards what no declaration
   * says, values and times; what it holds is right only if you have read it. Made anew with BACKPLANE_RECORD=1.
   */
  readonly recorded?: string | URL;
  /**
   * For the lint: what only certain steps of a driver reach, or what once set stays so until a reset, with the reason. Pins, timers,
   * state, registers, or `register.field`: `{ 'status.parityError': 'needs a line that garbles' }`.
   */
  readonly notExercised?: Readonly<Record<string, string>>;
  /** Host time that a run may take. A check that is not done by then fails, and says what it was at. Default: 300. */
  readonly seconds?: number;
}

/**
 * `contract`: what holds for every device, whatever it is. `lint`: what is likely a mistake, and may be right: something declared
 * never moves, makes no difference, or works the other way round than usual.
 */
export type CheckKind = 'contract' | 'lint';

/** Something the suite found, as a sentence, with the shortest script that shows it. */
export interface ConformanceFailure {
  readonly kind: CheckKind;
  /** The check, as its test is called. */
  readonly check: string;
  readonly message: string;
  readonly script: readonly ScriptStep[];
  /** All of it for a person: the sentence, the script as guest code, and as a qtest script. */
  readonly text: string;
}

/** What a check found: a sentence, and what led there. */
export interface Finding {
  readonly message: string;
  readonly script: readonly ScriptStep[];
}
