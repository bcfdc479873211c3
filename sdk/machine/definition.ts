import type { ContainerModule } from 'inversify';
import type { Accelerator, GuestImage, MachineClock } from '../accelerator/index.ts';
import type { Backend, BackendErrorSink, Inbox, MachineBackends } from '../backend/index.ts';
import { BackplaneError, type Problem } from '../base/errors.ts';
import type { ConcreteDeviceClass, Device, GuestError, GuestErrorSink, OptionSet, Token } from '../device/index.ts';
import { type AddressSpace, GiB, type MappedSpace, type MemoryTopology, MiB, type RamBlock } from '../memory/index.ts';
import type { MachineBus } from './buses/list.ts';
import { checkDefinition } from './given-definition.ts';
import type { Signal } from './wires/wire.ts';
import type { DeviceOptionValues, MachineOptionValues, PluggedDevice, UsedDevice } from './wiring.ts';

/**
 * A machine as data: what is plugged where. Customize one by spreading it and adding to its lists:
 * `defineMachine({ ...pcI440fx, name: 'my-pc', devices: [...pcI440fx.devices, use(Edu)] })`.
 */
export interface MachineDefinition {
  /** As on the command line: `-machine pc-i440fx`. */
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly description: string;
  /** Services for the constructors of devices. The binding of a later module replaces that of an earlier one. */
  readonly services: readonly ContainerModule[];
  readonly devices: readonly UsedDevice[];
  /**
   * What interrupts the processor: the id of a device with `@interruptController`, such as an 8259 pair, or an output and the
   * vector for it, `{ from: pin('plic', 'target[0]'), vector: 11 }`. Of several, the first has priority.
   */
  readonly interruptController?:
    | string
    | { readonly from: Signal; readonly vector: number }
    | readonly (string | { readonly from: Signal; readonly vector: number })[];
  /** The machine's own options, `-machine pc,reset-control=overlay`. */
  readonly options?: OptionSet;
  /** Runs once, when everything is plugged in and before the first reset. It fills the CMOS RAM of a PC, for instance. */
  prepare?(machine: PreparedMachine): void;
  /** Bytes of RAM, unless the request says otherwise. Default: 128 MiB. */
  readonly defaultRam?: number;
}

/** A machine that is built, before its guest runs: what `prepare` of its definition sees. */
export interface PreparedMachine {
  readonly options: MachineOptionValues;
  /** Bytes of RAM. */
  readonly ramSize: number;
  /** Guest memory by physical address, for images that the board brings along. */
  readonly memory: {
    read(address: number, size: number): number;
    write(address: number, value: number, size: number): void;
    readBytes(address: number, target: Uint8Array): number;
    writeBytes(address: number, source: Uint8Array): number;
  };
  /** In the order of the definition, then as they were plugged in; which is also the order of their resets. */
  readonly devices: readonly { readonly id: string; readonly device: Device }[];
  /** The one device of this class. */
  device<C extends ConcreteDeviceClass>(deviceClass: C): InstanceType<C>;
  /** The instance that a service module bound to this token, or undefined: `machine.service(VirtualClock)`. */
  service<S>(token: Token<S>): S | undefined;
}

/** A machine that was built, as observers and analyses see it. `Machine` implements it. */
export interface RunningMachine extends PreparedMachine {
  readonly definition: MachineDefinition;
  readonly accelerator: Accelerator;
  readonly topology: MemoryTopology;
  readonly memory: AddressSpace;
  readonly io: AddressSpace;
  readonly clock: MachineClock;
  readonly devices: readonly PluggedDevice[];
  /** Every address space: memory, ports, and those that services added, such as those behind a bridge. */
  readonly addressSpaces: readonly MappedSpace[];
  /** Its services first, then those of its devices. */
  readonly buses: readonly MachineBus[];
  /** All RAM and ROM of the machine by the names of their regions, mapped or not. */
  readonly ramBlocks: ReadonlyMap<string, RamBlock>;
  /** Its back ends, with what they have carried. */
  readonly backends: MachineBackends;
  /** What has come from outside and did not reach its device yet. */
  readonly inbox: Inbox;
  /** Mistakes of the guest, each kind once, with its count. */
  readonly guestErrors: readonly GuestError[];
  deviceById(id: string): PluggedDevice | undefined;
  /** Delivers queued writes, so that devices show the state that the guest has given them. */
  settle(): void;
}

/** Declares a machine. Nothing happens until `Machine.create` builds it. */
export function defineMachine(definition: MachineDefinition): MachineDefinition {
  checkDefinition(definition);
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
  found: Problem[],
): MachineOptionValues {
  if (declared !== undefined) {
    const problems = declared.problems(given, `Machine '${name}'`);
    found.push(...problems);
    return declared.values(problems.length > 0 ? {} : given, name);
  }
  for (const option of Object.keys(given))
    found.push({ code: 'no-such-option', message: `Machine '${name}': there is no option '${option}'. It has none.` });
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
  /** The image in its ROM, whose last byte is the last below 4 GiB: `-bios FILE`. Default: none, the ROM holds 0xff. */
  readonly firmware?: Uint8Array;
  /** Options of single devices, by id or type; they win over the definition's. */
  readonly deviceOptions?: DeviceOptionValues;
  /** Guest time when the machine is switched on, in nanoseconds; a bigint beyond 2^53. Default: 0. */
  readonly startAt?: number | bigint;
  /** False: without the devices that are `present: 'by-default'`, as with `-nodefaults`. A restored machine has those that were saved. */
  readonly defaults?: boolean;
  /** What options of devices name: `backends: [ringBuffer({ id: 'serial0' })]`. */
  readonly backends?: readonly Backend[];
  /** Called when a back end failed on the host: its id, and a sentence for the user. */
  readonly onBackendError?: BackendErrorSink;
  /** Called with the first guest error of each kind. */
  readonly onGuestError?: GuestErrorSink;
  /** Called when an observer threw: it was removed, and the machine goes on. */
  readonly onObserverFailure?: ObserverFailureSink;
}

/** A request, and what a snapshot adds to it. @internal */
export interface BuildRequest extends MachineRequest {
  /** The devices of the definition that were there, by id: those that are not always present follow it. */
  readonly savedDevices?: ReadonlySet<string>;
}

export type ObserverFailureSink = (observer: string, failure: unknown) => void;

/** A machine request, and the parts that a snapshot does not hold. */
export interface RestoreRequest extends MachineRequest {
  /**
   * The programs and recordings of its processors, in their order, from the beginning. Without them the processors execute
   * nothing until `run` is called.
   */
  readonly guests?: GuestImage | readonly GuestImage[];
  /** Classes of devices that were plugged in while the machine ran, where the definition has none of their type. */
  readonly deviceClasses?: readonly ConcreteDeviceClass[];
}

/** The reason why a machine cannot have so many bytes of RAM, or undefined. */
export function ramProblem(size: number): string | undefined {
  if (Number.isSafeInteger(size) && size >= 0 && size % 4096 === 0 && size <= 4 * GiB) return undefined;
  return 'give a whole number of 4 KiB pages up to 4 GiB, such as 128M';
}

/** Bytes of RAM of a new machine: as requested, or as defined, or 128 MiB. */
export function ramSizeOf(definition: MachineDefinition, asked: number | undefined): number {
  const size = asked ?? definition.defaultRam ?? 128 * MiB;
  const problem = ramProblem(size);
  if (problem === undefined) return size;
  throw new BackplaneError(
    'bad-ram-size',
    `Machine '${definition.name}' cannot have ${size} bytes of RAM. G${problem.slice(1)}.`,
  );
}
