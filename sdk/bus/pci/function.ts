import type { Problem } from '../../base/errors.ts';
import { hex } from '../../base/text.ts';
import type { Device, InterruptPin, RegionTemplate } from '../../device/index.ts';
import type { BusContainers, BusRegisters, MappedByBus, Placed } from '../bus.ts';
import type { BusMasterSpace } from '../dma-port.ts';
import { formatPciAddress, type PciAddress } from './address.ts';
import { pciBars, regionsInBar } from './bar-declaration.ts';
import type { PciBar, PciBars } from './bars.ts';
import { PciConfigSize } from './config-registers.ts';
import type { PciConfigSpace } from './config-space.ts';
import { PciCommand, PciRegister } from './header.ts';
import { pciIdentity } from './identity.ts';
import type { MessageSignalledInterrupts } from './msi.ts';

/** A PCI function as its bus knows it: `PciDevice` is one. */
export interface PciFunction extends Device {
  readonly config: PciConfigSpace;
  readonly bars: PciBars;
  readonly msi: Pick<MessageSignalledInterrupts, 'observer'>;
  /** INTx as the bus sees it. */
  readonly interruptOut: InterruptPin;
  connectToBus(bus: BusContainers, master: BusMasterSpace | undefined): void;
  disconnectFromBus(): void;
  readConfig(offset: number, size: number): number;
  writeConfig(offset: number, value: number, size: number): void;
  resetOnBus(): void;
}

/** Functions where no guest finds them: function 0 of their slot does not say that it has others. */
export function hiddenFunctions(placed: readonly Placed<PciAddress>[]): Problem[] {
  return placed.flatMap(({ id, address }) => {
    if (address.function === 0) return [];
    const first = placed.find((other) => other.address.slot === address.slot && other.address.function === 0);
    if (first === undefined || first.metadata.attribute(pciIdentity)?.multifunction === true) return [];
    const message =
      `PCI: '${id}' is at ${formatPciAddress(address)}, where no guest finds it: '${first.id}', function 0 of the slot, has no ` +
      `multifunction bit. Give '${id}' a slot of its own, or ${first.metadata.type} @pci({ multifunction: true }).`;
    return [{ code: 'hidden-pci-function', message }];
  });
}

/** Its lines in `info qtree`, as QEMU prints them. */
export function describeFunction(device: PciFunction, address: PciAddress): string[] {
  const identity = device.metadata.attribute(pciIdentity);
  const own = device.bars.all.map(formatBar);
  if (identity === undefined) return own;
  const { classCode, vendorId, deviceId, subsystemVendorId = 0, subsystemId = 0 } = identity;
  const who =
    `class ${hex4(classCode)}, addr 00:${formatPciAddress(address)}, pci id ${hex4(vendorId)}:${hex4(deviceId)} ` +
    `(sub ${hex4(subsystemVendorId)}:${hex4(subsystemId)})`;
  return [who, ...own];
}

/** An unmapped BAR is at the last address, and the expansion ROM is BAR 6, as in QEMU. */
function formatBar({ index = 6, kind, size, address }: PciBar): string {
  const start = address === undefined ? 2n ** 64n - 1n : BigInt(address);
  const end = BigInt.asUintN(64, start + BigInt(size) - 1n);
  return `bar ${index}: ${kind === 'ports' ? 'i/o' : 'mem'} at ${hex(start)} [${hex(end)}]`;
}

const hex4 = (value: number): string => value.toString(16).padStart(4, '0');

/** Its base address registers where the guest has put them; the expansion ROM is none. */
export function mappedBars({ id, bars }: PciFunction): MappedByBus[] {
  return bars.all.flatMap(({ index, kind, address, size }) =>
    address === undefined || index === undefined
      ? []
      : [{ name: `BAR ${index} of ${id}`, kind: kind === 'memory' ? 'Memory' : 'Ports', start: address, size }],
  );
}

/** The ports of configuration mechanism #1. */
const Mechanism = { Address: 0xcf8, Data: 0xcfc } as const;

/** Configuration space as a guest reaches it: `target` is bus, slot and function as mechanism #1 has them, with bit 31. */
export function configurationOf(
  target: number,
  bus: {
    readConfig(address: number, size: number): number;
    writeConfig(address: number, value: number, size: number): void;
  },
): BusRegisters {
  const { Command, Status, CacheLineSize, InterruptLine, BaseAddress0, ExpansionRom } = PciRegister;
  const places = (offset: number): boolean => offset >= BaseAddress0 && offset <= ExpansionRom + 3;
  return {
    size: PciConfigSize,
    read: (offset, size) => bus.readConfig((target | offset) >>> 0, size),
    write: (offset, value, size) => bus.writeConfig((target | offset) >>> 0, value, size),
    usual: [Command, Status, CacheLineSize, InterruptLine],
    tamed: (offset, value, size) => {
      if (!places(offset) && offset > Status) return { offset, value, size };
      const working = PciCommand.Io | PciCommand.Memory | PciCommand.Master;
      return { offset: Command, value: (value & 0xffff) | working, size: 2 };
    },
    accesses: (offset, size, value) => [
      { port: Mechanism.Address, size: 4, value: ((target | offset) & ~3) >>> 0 },
      { port: Mechanism.Data + (offset & 3), size, value },
    ],
  };
}

/** Answers where a BAR of that name goes. */
export type BarAllocation = (name: string, kind: 'ports' | 'memory', size: number) => number;

/** Gives each BAR an address, and enables decoding and bus mastering. The expansion ROM stays disabled. */
export function placeBars(device: PciFunction, allocate: BarAllocation): ReadonlyMap<RegionTemplate, number> {
  const places = new Map<RegionTemplate, number>();
  const addressed = device.bars.all.filter(({ index }) => index !== undefined);
  for (const { index, kind, size, register } of addressed) {
    const template = device.metadata.attribute(pciBars)?.find((declared) => declared.index === index)?.region;
    const address = allocate(`BAR ${index}`, kind, size);
    device.config.write(register, address, 4);
    if (template !== undefined) places.set(template, address);
    for (const one of regionsInBar(device.metadata, index)) places.set(one.region, address + one.offset);
  }
  const everything = PciCommand.Io | PciCommand.Memory | PciCommand.Master;
  if (addressed.length > 0) device.writeConfig(PciRegister.Command, everything, 2);
  return places;
}
