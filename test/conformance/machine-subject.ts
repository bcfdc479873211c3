import { pcI440fx } from '../../machines/index.ts';
import {
  type ConcreteDeviceClass,
  defineMachine,
  Machine,
  type MachineDefinition,
  MILLISECOND,
  MiB,
} from '../../sdk/index.ts';
import type { Chip } from './chip.ts';
import { knownDifferences } from './known-differences.ts';
import {
  type Answer,
  hasCome,
  type Operation,
  RamMebibytes,
  ResetRegister,
  type Script,
  type Subject,
} from './script.ts';

/** What is waited for comes within a second of guest time, or never. */
const LongestWait = 1000 * MILLISECOND;
const Step = 1 * MILLISECOND;

/** Our machine, in this process: a new machine for each script, driven by its ports and the chip's inputs. */
export class MachineSubject implements Subject {
  readonly name = 'ours';

  constructor(
    private readonly chip: Chip,
    private readonly definition: MachineDefinition = machineForComparison(chip),
  ) {}

  async run({ date, operations }: Script): Promise<readonly Answer[]> {
    const accelerator = this.chip.accelerator?.();
    const machine = Machine.create(this.definition, {
      ...(accelerator === undefined ? {} : { accelerator }),
      ram: RamMebibytes * MiB,
      options: this.chip.machineOptions,
      deviceOptions: { mc146818rtc: { date: new Date(`${date}Z`) } },
    });
    try {
      return operations.map((operation) => {
        const value = this.perform(machine, operation);
        return { value, output: this.chip.output?.(machine) };
      });
    } finally {
      machine.dispose();
    }
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
      case 'await':
        return this.wait(machine, operation);
      case 'input':
        this.chip.setInput?.(machine, operation.chip, operation.line, operation.level);
        return undefined;
      case 'reset':
        if (operation.written === undefined) machine.reset();
        else machine.io.write(ResetRegister, operation.written, 1);
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

/** The machine, with stand-ins where a known difference has one. */
function machineForComparison({ name, machine = pcI440fx, devices = [] }: Chip): MachineDefinition {
  const standIns = (knownDifferences[name] ?? []).flatMap(({ standIn }) => (standIn ? [standIn] : []));
  const plain = defineMachine({ ...machine, devices: [...machine.devices, ...devices] });
  return standIns.reduce((built, [original, inItsPlace]) => withDevice(built, original, inItsPlace), plain);
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
