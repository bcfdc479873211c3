import type { Bus } from '../../bus/bus.ts';
import type { Placement } from '../../machine/wiring.ts';
import type { BenchService } from '../bench/services.ts';
import type { TestImage } from '../bench/test-backends.ts';
import type { Random } from '../random.ts';
import type { GuestRecording } from './recorded-guest.ts';
import type { ScriptStep } from './script.ts';

/** What the host of a run lends to it. Each member may be missing: a page has none of them. */
export interface ConformanceHost {
  /** Bytes of the heap after a garbage collection. Without it only lists are looked at for growth. */
  readonly heapUsed?: () => number;
  /** Runs `body` for at most so many milliseconds: false if it had to be ended. Without it steps are never interrupted. */
  readonly runWithin?: (milliseconds: number, body: () => void) => boolean;
  /** Shows a line that replaces the one before; an empty one removes it. */
  readonly progress?: (line: string) => void;
}

/** Where the recorded behaviour of a device is kept. */
export interface BehaviourRecord {
  /** For messages, a path for instance. */
  readonly name: string;
  /** Undefined if there is no record, or if it is to be made again. */
  read(): string | undefined;
  /** Missing where no record may be made. */
  readonly write?: ((text: string) => void) | undefined;
}

/** What the author says about the device beyond its declaration. Everything may be left out. */
export interface ConformanceSettings {
  /** Options of the device that differ from their defaults. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** Where regions go that are not to be at their base. */
  readonly at?: readonly Placement[];
  /** The bus that it plugs into, made anew for each bench, in place of `new` of the class that the device names. */
  readonly bus?: () => Bus;
  /** Its address there. Default: one that the bus has for benches. */
  readonly addr?: string;
  /** What is in the images of block options, as `testBench` takes it. */
  readonly images?: { readonly [option: string]: TestImage };
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
  /** What drivers do and random accesses seldom reach, as a few steps that belong together. */
  readonly idioms?: (random: Random) => readonly ScriptStep[];
  /** What the device does today, compared from then on. It holds values and times that no declaration says. */
  readonly recorded?: BehaviourRecord;
  /** What real guests did with it, as `backplane serve -record` writes it: the device answers them as it did then. */
  readonly recordings?: readonly GuestRecording[];
  /**
   * For the lint: what random programs do not reach, with the reason. Pins, timers, state, registers, or `register.field`:
   * `{ 'status.parityError': 'needs a line that garbles' }`.
   */
  readonly notExercised?: Readonly<Record<string, string>>;
  /** Host time that a run may take. A check that is not done by then fails. Default: 300. */
  readonly seconds?: number;
  /** In Node: `nodeHost` of `backplane/node`. */
  readonly host?: ConformanceHost;
}

/** `contract`: holds for every device. `lint`: likely a mistake, and right for some devices. */
export type CheckKind = 'contract' | 'lint';

/** A finding of the suite as a sentence, with the shortest script that shows it. */
export interface ConformanceFailure {
  readonly kind: CheckKind;
  /** The check, as its test is called. */
  readonly check: string;
  readonly message: string;
  readonly script: readonly ScriptStep[];
  /** The whole report: the sentence, the script as guest code, and as a qtest script. */
  readonly text: string;
}

/** What a check found: a sentence, and the steps that lead there. */
export interface Finding {
  readonly message: string;
  readonly script: readonly ScriptStep[];
}
