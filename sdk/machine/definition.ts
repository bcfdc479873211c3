import type { ContainerModule } from 'inversify';
import type { Accelerator, GuestImage } from '../accelerator/index.ts';
import { BackplaneError } from '../base/errors.ts';
import type { ConcreteDeviceClass, GuestErrorSink, OptionSet } from '../device/index.ts';
import { GiB, MiB } from '../memory/index.ts';
import type { Machine } from './machine.ts';
import type { DeviceOptionValues, MachineOptionValues, UsedDevice } from './wiring.ts';

/**
 * A machine as data: what is plugged where. Customize one by spreading it and adding to its lists:
 * `defineMachine({ ...pcI440fx, name: 'my-pc', devices: [...pcI440fx.devices, use(Edu)] })`.
 */
export interface MachineDefinition {
  /** As on the command line: `-machine pc-i440fx`. */
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly description: string;
  /** What devices may ask for in their constructors. A later module's binding replaces an earlier one's. */
  readonly services: readonly ContainerModule[];
  readonly devices: readonly UsedDevice[];
  /** The id of the device that interrupts the processor, an 8259 pair for instance; of several, the first is served first. */
  readonly interruptController?: string | readonly string[];
  /** The machine's own options, `-machine pc,reset-control=overlay`. */
  readonly options?: OptionSet;
  /**
   * What the board's maker does once, when everything is plugged in and before the first reset: filling the CMOS RAM, for
   * instance.
   */
  readonly prepare?: (machine: Machine) => void;
  /** Bytes of RAM when nobody says. Default: 128 MiB. */
  readonly defaultRam?: number;
}

/** Declares a machine. Nothing happens until `Machine.create` builds it. */
export function defineMachine(definition: MachineDefinition): MachineDefinition {
  return Object.freeze({
    ...definition,
    services: Object.freeze([...definition.services]),
    devices: Object.freeze([...definition.devices]),
  });
}

/** The values of the machine's own options, and what is wrong with those that were given. */
export function machineOptions(
  { options: declared, name }: MachineDefinition,
  given: MachineOptionValues,
  mistakes: string[],
): MachineOptionValues {
  if (declared !== undefined) {
    const problems = declared.problems(given, `Machine '${name}'`);
    mistakes.push(...problems);
    return declared.resolve(problems.length > 0 ? {} : given, name);
  }
  for (const option of Object.keys(given))
    mistakes.push(`Machine '${name}': there is no option '${option}'. It has none.`);
  return {};
}

/** What may be asked of a machine when it is created. Everything has a default. */
export interface MachineRequest {
  /** Default: the simulated KVM, everything coalesced. An accelerator serves one machine. */
  readonly accelerator?: Accelerator;
  /** Bytes of RAM. Default: the definition's, or 128 MiB. */
  readonly ram?: number;
  /** The machine's own options: `{ resetControl: 'overlay' }`. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** Options of single devices, by id or type; they win over the definition's. */
  readonly deviceOptions?: DeviceOptionValues;
  /** Guest time when the machine is switched on, in nanoseconds; a bigint beyond 2^53. Default: 0. */
  readonly startAt?: number | bigint;
  /** Hears the first guest error of each kind. */
  readonly onGuestError?: GuestErrorSink;
  /** Hears of an observer that threw: it was taken off, and the machine goes on. */
  readonly onObserverFailure?: ObserverFailureSink;
}

/** Hears of an observer that threw and was taken off. */
export type ObserverFailureSink = (observer: string, failure: unknown) => void;

/** As for a new machine, and what a snapshot does not hold itself. */
export interface RestoreRequest extends MachineRequest {
  /**
   * What its processors executed, in their order: the same programs and recordings, not begun. Without them they execute
   * nothing, until `run` gives them something.
   */
  readonly guests?: GuestImage | readonly GuestImage[];
  /** Classes of devices that were plugged in while the machine ran, where the definition has none of their type. */
  readonly deviceClasses?: readonly ConcreteDeviceClass[];
}

/** Why a machine cannot have so many bytes of RAM, or undefined. */
export function ramProblem(size: number): string | undefined {
  if (Number.isSafeInteger(size) && size >= 0 && size % 4096 === 0 && size <= 4 * GiB) return undefined;
  return 'give a whole number of 4 KiB pages up to 4 GiB, such as 128M';
}

/** Bytes of RAM of a new machine: what was asked for, the definition's, or 128 MiB. */
export function ramSizeOf(definition: MachineDefinition, asked: number | undefined): number {
  const size = asked ?? definition.defaultRam ?? 128 * MiB;
  const problem = ramProblem(size);
  if (problem === undefined) return size;
  throw new BackplaneError(`Machine '${definition.name}' cannot have ${size} bytes of RAM. G${problem.slice(1)}.`);
}
