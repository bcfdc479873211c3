import type { ContainerModule } from 'inversify';
import type { OptionSet } from '../device/index.ts';
import type { Machine } from './machine.ts';
import type { UsedDevice } from './wiring.ts';

/** The values of a machine's own options, defaults filled in. */
export type MachineOptionValues = Readonly<Record<string, unknown>>;

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
