import type { MachineDefinition, UsedDevice } from '../../sdk/index.ts';
import type { Accelerator, Machine } from '../../sdk/runtime.ts';
import { whyNoQemu } from '../../sdk/testing/qemu/process.ts';
import type { Random } from '../../sdk/testing/random.ts';
import type { RegisterNames } from './compare.ts';
import type { QemuSubjectOptions } from './qemu-subject.ts';
import type { Operation } from './script.ts';
import { steppedQemu } from './stepped-qemu.ts';

/** By the type or the id of a device, the values of its options. */
export type DeviceOptions = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** What conformance knows about one chip. */
export interface Chip {
  /** As `--device` takes it. */
  readonly name: string;
  readonly title: string;
  /** Dates that machines start with; a script takes one of them. */
  readonly dates: readonly string[];
  readonly registerNames: RegisterNames;
  /** Our machine. Default: the pc. */
  readonly machine?: MachineDefinition;
  /** Options of our devices for a machine that is made at that date. Default: the PC's RTC starts with it. */
  deviceOptions?(date: Date): DeviceOptions;
  /** What is plugged into our machine besides. */
  readonly devices?: readonly UsedDevice[];
  /** Options of our machine. */
  readonly machineOptions: Readonly<Record<string, unknown>>;
  /** What runs our machine. Default: the accelerator that machines have by themselves. */
  accelerator?(): Accelerator;
  /** Drives an input of one of the chips in our machine. */
  setInput?(machine: Machine, chip: string, line: number, level: boolean): void;
  /** The outputs that are watched, in our machine: a bit for each, in the order of `qemu.watch.lines`. */
  outputs?(machine: Machine): number;
  /** Calls back at each rise of one of them, in our machine. */
  onRise?(machine: Machine, callback: () => void): void;
  readonly qemu: QemuSubjectOptions;
  /** The most operations of one script. */
  readonly scriptLength?: number;
  /** Adds a few operations that a driver could have meant. */
  act(random: Random, add: (...operations: Operation[]) => void): void;
}

/** Why this chip cannot be compared here: its emulator is not installed, or has no accelerator whose time moves by steps. */
export function whyNotCompared({ qemu }: Chip): string | undefined {
  if (!qemu.steps) return whyNoQemu(process.env, qemu.emulator);
  const stepped = steppedQemu();
  return typeof stepped === 'string' ? stepped : undefined;
}

/** A script's operations, made of what drivers do, cut at exactly `length`. */
export function writeScript(chip: Chip, random: Random, length: number): Operation[] {
  const operations: Operation[] = [];
  while (operations.length < length) chip.act(random, (...more) => operations.push(...more));
  return operations.slice(0, length);
}
