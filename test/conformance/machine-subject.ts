import { pcI440fx } from '../../machines/index.ts';
import { type RingBuffer, ringBuffer } from '../../sdk/backend.ts';
import {
  type ConcreteDeviceClass,
  defineMachine,
  IsaBus,
  type MachineDefinition,
  MILLISECOND,
  MiB,
} from '../../sdk/index.ts';
import { Machine } from '../../sdk/runtime.ts';
import { endOfJob } from '../end-of-job.ts';
import type { Chip, DeviceOptions } from './chip.ts';
import type { KnownDifference, StandIn } from './known-difference.ts';
import { knownDifferences } from './known-differences.ts';
import {
  type Answer,
  ComparedLines,
  hasCome,
  type Operation,
  RamMebibytes,
  ResetRegister,
  type Script,
  type Subject,
  withoutRepeatedLevels,
} from './script.ts';

/** What is waited for comes within a second of guest time, or never. */
const LongestWait = 1000 * MILLISECOND;
/** What a card does by its timers is over by then. */
const LongestWork = 100 * MILLISECOND;
const Step = 1 * MILLISECOND;

/** Our machine, in this process: a new machine for each script, driven by its ports and the chip's inputs. */
export class MachineSubject implements Subject {
  readonly name = 'ours';
  /** What bytes come in by. */
  private serial: RingBuffer | undefined;
  /** Of the watched lines, since the last step began. */
  private rises = 0;

  constructor(
    private readonly chip: Chip,
    private readonly definition: MachineDefinition = machineForComparison(chip),
  ) {}

  async run({ date, operations }: Script): Promise<readonly Answer[]> {
    const accelerator = this.chip.accelerator?.();
    this.serial = this.chip.qemu.serial === true ? ringBuffer({ id: 'serial0' }) : undefined;
    const machine = Machine.create(this.definition, {
      ...(accelerator === undefined ? {} : { accelerator }),
      backends: this.serial === undefined ? [] : [this.serial],
      ram: RamMebibytes * MiB,
      options: this.chip.machineOptions,
      deviceOptions: this.optionsAt(new Date(`${date}Z`)),
    });
    this.chip.onRise?.(machine, () => this.rises++);
    try {
      const driven = this.chip.qemu.edgesOnly ? withoutRepeatedLevels(operations) : operations;
      return driven.map((operation) => {
        const value = this.perform(machine, operation);
        return { value, output: this.chip.outputs?.(machine) };
      });
    } finally {
      machine.dispose();
      await endOfJob();
    }
  }

  private optionsAt(date: Date): DeviceOptions {
    return this.chip.deviceOptions?.(date) ?? { mc146818rtc: { date } };
  }

  without(difference: KnownDifference): Subject {
    const others = differencesOf(this.chip).filter((one) => one !== difference);
    return new MachineSubject(this.chip, machineForComparison(this.chip, others));
  }

  private perform(machine: Machine, operation: Operation): number | undefined {
    switch (operation.kind) {
      case 'in':
        return machine.io.read(operation.port, operation.size);
      case 'out':
        machine.io.write(operation.port, operation.value, operation.size);
        return undefined;
      case 'load':
        return machine.memory.read(operation.address, operation.size);
      case 'store':
        machine.memory.write(operation.address, operation.value, operation.size);
        return undefined;
      case 'start':
        machine.io.write(operation.port, operation.value, operation.size);
        machine.clock.advanceTo(machine.clock.now + LongestWork);
        return undefined;
      case 'await':
        return this.wait(machine, operation);
      case 'lines': {
        const lines = machine.service(IsaBus)?.lines ?? [];
        return lines.reduce((high, { level }, number) => high | (level ? 1 << number : 0), 0) & ComparedLines;
      }
      case 'send':
        this.serial?.send(operation.bytes);
        while (machine.inbox.deliver(0));
        return undefined;
      case 'step':
        this.rises = 0;
        machine.clock.advance(operation.nanoseconds);
        return this.rises;
      case 'nothing':
        return undefined;
      case 'input':
        this.chip.setInput?.(machine, operation.chip, operation.line, operation.level);
        return undefined;
      case 'reset':
        if (operation.written === undefined) machine.reset();
        else machine.io.write(operation.at ?? ResetRegister, operation.written, 1);
        machine.settle();
        return undefined;
    }
  }

  private wait(machine: Machine, operation: Extract<Operation, { readonly kind: 'await' }>): number {
    let value = machine.memory.read(operation.address, 4);
    for (let waited = 0; !hasCome(value, operation) && waited < LongestWait; waited += Step) {
      machine.clock.advanceTo(machine.clock.now + Step);
      value = machine.memory.read(operation.address, 4);
    }
    return value;
  }
}

const differencesOf = ({ name }: Chip): readonly KnownDifference[] => knownDifferences[name] ?? [];

/** The chip's machine, with the stand-ins of these differences, and of more. */
export function machineForComparison(
  chip: Chip,
  differences: readonly KnownDifference[] = differencesOf(chip),
  more: readonly StandIn[] = [],
): MachineDefinition {
  const { machine = pcI440fx, devices = [] } = chip;
  const classes = new Map<ConcreteDeviceClass, ConcreteDeviceClass>();
  const standIns = differences.flatMap(({ standIn = [] }) => standIn);
  for (const { original, over } of [...standIns, ...more]) {
    classes.set(original, over(classes.get(original) ?? original));
  }
  const plain = defineMachine({ ...machine, devices: [...machine.devices, ...devices] });
  return [...classes].reduce((built, [original, inItsPlace]) => withDevice(built, original, inItsPlace), plain);
}

/** The machine with one of its devices replaced by another class. */
export function withDevice(
  machine: MachineDefinition,
  original: ConcreteDeviceClass,
  inItsPlace: ConcreteDeviceClass,
): MachineDefinition {
  const devices = machine.devices.map((used) => (used.device === original ? { ...used, device: inItsPlace } : used));
  return defineMachine({ ...machine, devices });
}
