import { hex } from '../base/text.ts';
import type { Bus } from '../bus/index.ts';
import {
  commandLineName,
  type Device,
  inputNamesOf,
  machineOptionName,
  ownPinsOf,
  registerEngine,
  screenLines,
  showsText,
  subDevicesOf,
} from '../device/index.ts';
import { type MachineBus, type PluggedDevice, type RunningMachine, signalInto } from '../machine/index.ts';
import { formatAddress, formatFlatViews, formatMemoryTree, KiB, placeInTree } from '../memory/index.ts';

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

/** `info screen`: what display adapters show in a text mode, without the blanks at the ends. */
export function infoScreen(machine: RunningMachine): string {
  machine.settle();
  return machine.devices
    .map(({ id, device, metadata }) => {
      if (!showsText(device)) return '';
      const screen = device.textScreen();
      return `dev: ${metadata.type}, id "${id}"\n${screen === undefined ? 'graphics' : screenLines(screen)}\n`;
    })
    .join('');
}

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
  const { metadata, id, options, mappings } = device;
  const print = indented(level + 1, lines);
  indented(level, lines)(`dev: ${metadata.type}, id "${id}"`);
  const wires = wiresOf(device, machine);
  printPins(device.device, '', wires, print);
  if (device.address !== undefined) print(`addr = ${device.address}`);
  for (const [name, value] of Object.entries(options)) print(`${commandLineName(name)} = ${formatValue(value)}`);
  for (const { kind, start, size } of mappings) {
    print(`${kind === 'Ports' ? 'ports' : 'mmio'} ${formatAddress(start)}/${formatAddress(size)}`);
  }
  for (const line of device.place.bus.describe(device.device, device.place.address)) print(line);
  printSubDevices(device.device, { id, path: '', wires }, machine, level + 1, lines);
  for (const bus of machine.buses) if (controllerOf(bus, machine) === device) printBus(bus, machine, level + 1, lines);
}

/** What each pin of a plugged device is wired to, by its name; undefined if to nothing. */
interface Wires {
  to(output: string): string | undefined;
  from(input: string): string | undefined;
}

const wiresOf = ({ id, wires }: PluggedDevice, { devices }: RunningMachine): Wires => ({
  to: (output) =>
    wires
      .get(output)
      ?.map(({ description }) => description)
      .join(', '),
  from: (input) => signalInto(devices, id, input)?.description,
});

function printPins(device: Device, path: string, wires: Wires, print: (text: string) => void): void {
  for (const name of ownPinsOf(device).keys()) {
    const end = wires.to(`${path}${name}`);
    print(`gpio-out "${name}" 1${end === undefined ? '' : ` -> ${end}`}`);
  }
  for (const name of inputNamesOf(device.metadata)) {
    const source = wires.from(`${path}${name}`);
    print(`gpio-in "${name}" 1${source === undefined ? '' : ` <- ${source}`}`);
  }
}

interface Around {
  readonly id: string;
  /** Of the pins as the machine wires them: `channels[1].`. */
  readonly path: string;
  readonly wires: Wires;
}

/** Devices inside a device have no bus: they are below it, each with its pins and the addresses of its regions. */
function printSubDevices(outer: Device, around: Around, machine: RunningMachine, level: number, lines: string[]): void {
  for (const { name, device } of subDevicesOf(outer)) {
    const id = `${around.id}.${name}`;
    const path = `${around.path}${name}.`;
    const print = indented(level + 1, lines);
    indented(level, lines)(`dev: ${device.metadata.type}, id "${id}"`);
    printPins(device, path, around.wires, print);
    for (const { template } of device.metadata.regions) {
      const [root, address] = placeInTree(device.region(template));
      if (root !== machine.io.root && root !== machine.memory.root) continue;
      const kind = root === machine.io.root ? 'ports' : 'mmio';
      print(`${kind} ${formatAddress(address)}/${formatAddress(template.size)}`);
    }
    printSubDevices(device, { ...around, id, path }, machine, level + 1, lines);
  }
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
