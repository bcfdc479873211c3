import { hex } from '../base/text.ts';
import type { Bus } from '../bus/index.ts';
import { commandLineName, machineOptionName, pinsOf, registerEngine } from '../device/index.ts';
import type { MachineBus, PluggedDevice, RunningMachine } from '../machine/index.ts';
import { formatAddress, formatFlatViews, formatMemoryTree, KiB } from '../memory/index.ts';

/** Texts about a machine, for the `info` commands. Queued writes are delivered first. */

export interface MemoryTreeRequest {
  /** `-f`: the flat views instead of the trees. */
  readonly flat?: boolean;
  /** `-D`: disabled regions too. */
  readonly disabled?: boolean;
  /** `-o`: with the owners of the regions. */
  readonly owners?: boolean;
}

/** `info machine`: its size, its accelerator, and whether its registers are compiled or, where `new Function` is forbidden, interpreted. */
export function infoMachine({ definition, ramSize, options, accelerator, devices }: RunningMachine): string {
  const lines = [
    ['machine', definition.name],
    ...Object.entries(options).map(([name, value]) => [machineOptionName(name), String(value)]),
    ['ram', `${ramSize / KiB} KiB`],
    ['devices', String(devices.length)],
    ['accelerator', accelerator.name],
    ['registers', registerEngine()],
  ];
  return lines.map(([name, value]) => `${name}: ${value}\n`).join('');
}

/** `info mtree`, character by character as QEMU prints it. */
export function infoMtree(machine: RunningMachine, { flat = false, ...options }: MemoryTreeRequest = {}): string {
  machine.settle();
  return flat ? formatFlatViews(machine.topology, options) : formatMemoryTree(machine.addressSpaces, options);
}

/** `info qtree`: buses, the devices on them, their options and where they are plugged in. */
export function infoQtree(machine: RunningMachine): string {
  machine.settle();
  return formatDeviceTree(machine);
}

type BusOfTree = Pick<MachineBus, 'name' | 'owner'> & { readonly bus: Pick<Bus, 'typeName'> };

/** The board itself, also where no service is the bus of its devices. */
const board: BusOfTree = { name: 'main-system-bus', bus: { typeName: 'System' }, owner: undefined };

/** The text of `info qtree`, in QEMU's form: two spaces per level, buses and devices in turn. */
export function formatDeviceTree(machine: RunningMachine): string {
  const lines: string[] = [];
  const { buses } = machine;
  const root = buses.find(({ name }) => name === board.name);
  printBus(root ?? board, machine, 0, lines);
  const loose = buses.filter((bus) => bus !== root && controllerOf(bus, machine) === undefined);
  for (const bus of loose) printBus(bus, machine, 1, lines);
  return `${lines.join('\n')}\n`;
}

function printBus({ name, bus }: BusOfTree, machine: RunningMachine, level: number, lines: string[]): void {
  const print = indented(level, lines);
  print(`bus: ${name}`);
  print(`  type ${bus.typeName}`);
  for (const device of machine.devices) if (device.place.bus === bus) printDevice(device, machine, level + 1, lines);
}

/** The device that a bus is printed below: its controller, or the bridge that asks for it and is not on it. */
function controllerOf({ name, bus, owner }: MachineBus, machine: RunningMachine): PluggedDevice | undefined {
  if (owner !== undefined) return machine.deviceById(owner);
  if (name === board.name) return undefined;
  return machine.devices.find(
    ({ metadata, place }) =>
      place.bus !== bus && metadata.injections.some(({ token }) => token !== undefined && bus instanceof token),
  );
}

function printDevice(device: PluggedDevice, machine: RunningMachine, level: number, lines: string[]): void {
  const { metadata, id, options, wires, mappings } = device;
  const print = indented(level + 1, lines);
  indented(level, lines)(`dev: ${metadata.type}, id "${id}"`);
  for (const name of pinsOf(device.device).keys()) {
    const wire = wires.get(name);
    print(
      `gpio-out "${name}" 1${wire === undefined ? '' : ` -> ${wire.map(({ description }) => description).join(', ')}`}`,
    );
  }
  if (device.address !== undefined) print(`addr = ${device.address}`);
  for (const [name, value] of Object.entries(options)) print(`${commandLineName(name)} = ${formatValue(value)}`);
  for (const { kind, start, size } of mappings) {
    print(`${kind === 'Ports' ? 'ports' : 'mmio'} ${formatAddress(start)}/${formatAddress(size)}`);
  }
  for (const line of device.place.bus.describe(device.device, device.place.address)) print(line);
  for (const bus of machine.buses) if (controllerOf(bus, machine) === device) printBus(bus, machine, level + 1, lines);
}

function formatValue(value: unknown): string {
  if (value === undefined) return '<null>';
  if (typeof value === 'number' || typeof value === 'bigint') return `${value} (${hex(value)})`;
  if (typeof value === 'boolean') return String(value);
  return `"${value instanceof Date ? value.toISOString().slice(0, 19) : String(value)}"`;
}

function indented(level: number, lines: string[]): (text: string) => void {
  return (text) => lines.push('  '.repeat(level) + text);
}
