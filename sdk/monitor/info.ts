import { hex } from '../base/text.ts';
import { formatPciAddress, IsaBus, type PciBar, PciBus, PciDevice, pciIdentity } from '../bus/index.ts';
import { commandLineName, machineOptionName, pinsOf, registerEngine, type Token } from '../device/index.ts';
import type { PluggedDevice, RunningMachine } from '../machine/index.ts';
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

interface BusOfTree {
  readonly kind: string;
  readonly token: Token | undefined;
  readonly name: string;
  readonly type: string;
}

const systemBus: BusOfTree = { kind: 'system', token: undefined, name: 'main-system-bus', type: 'System' };
const otherBuses: readonly BusOfTree[] = [
  { kind: 'pci', token: PciBus, name: 'pci.0', type: 'PCI' },
  { kind: 'isa', token: IsaBus, name: 'isa.0', type: 'ISA' },
];

/** The text of `info qtree`, in QEMU's form: two spaces per level, buses and devices in turn. */
export function formatDeviceTree(machine: RunningMachine): string {
  const lines: string[] = [];
  printBus(systemBus, machine, 0, lines);
  return `${lines.join('\n')}\n`;
}

function printBus(bus: BusOfTree, machine: RunningMachine, level: number, lines: string[]): void {
  const print = indented(level, lines);
  print(`bus: ${bus.name}`);
  print(`  type ${bus.type}`);
  for (const device of machine.devices) {
    if (device.metadata.bus !== bus.kind) continue;
    printDevice(device, machine, level + 1, lines);
  }
  if (bus !== systemBus) return;
  for (const other of otherBuses)
    if (bridgeTo(other, machine) === undefined) printPresent(other, machine, level + 1, lines);
}

function printPresent(bus: BusOfTree, machine: RunningMachine, level: number, lines: string[]): void {
  if (bus.token !== undefined && machine.service(bus.token) !== undefined) printBus(bus, machine, level, lines);
}

/** The bridge of a bus: the first device that injects the bus and is not on it. */
function bridgeTo(bus: BusOfTree, machine: RunningMachine): PluggedDevice | undefined {
  return machine.devices.find(
    ({ metadata }) => metadata.bus !== bus.kind && metadata.injections.some(({ token }) => token === bus.token),
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
  if (device.address !== undefined) print(`addr = ${formatPciAddress(device.address)}`);
  for (const [name, value] of Object.entries(options)) print(`${commandLineName(name)} = ${formatValue(value)}`);
  for (const { kind, start, size } of mappings) {
    print(`${kind === 'Ports' ? 'ports' : 'mmio'} ${formatAddress(start)}/${formatAddress(size)}`);
  }
  const identity = metadata.attribute(pciIdentity);
  if (identity !== undefined && device.address !== undefined) {
    const { classCode, vendorId, deviceId, subsystemVendorId = 0, subsystemId = 0 } = identity;
    print(
      `class ${hex4(classCode)}, addr 00:${formatPciAddress(device.address)}, pci id ${hex4(vendorId)}:${hex4(deviceId)} ` +
        `(sub ${hex4(subsystemVendorId)}:${hex4(subsystemId)})`,
    );
  }
  if (device.device instanceof PciDevice) for (const bar of device.device.bars.all) print(formatBar(bar));
  for (const bus of otherBuses) if (bridgeTo(bus, machine) === device) printBus(bus, machine, level + 1, lines);
}

/** An unmapped BAR is at the last address, and the expansion ROM is BAR 6, as in QEMU. */
function formatBar({ index = 6, kind, size, address }: PciBar): string {
  const start = address === undefined ? 2n ** 64n - 1n : BigInt(address);
  const end = BigInt.asUintN(64, start + BigInt(size) - 1n);
  return `bar ${index}: ${kind === 'ports' ? 'i/o' : 'mem'} at ${hex(start)} [${hex(end)}]`;
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

const hex4 = (value: number): string => value.toString(16).padStart(4, '0');
