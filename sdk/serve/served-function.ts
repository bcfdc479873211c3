import { MachineAccess } from '../accelerator/guest-access.ts';
import type { PciAddress } from '../bus/pci/address.ts';
import type { PciBar } from '../bus/pci/bars.ts';
import { PciBus } from '../bus/pci/bus.ts';
import { PciConfigSize } from '../bus/pci/config-registers.ts';
import type { PciDevice } from '../bus/pci/device.ts';
import { inDevice } from '../machine/device-failures.ts';
import type { Machine, PluggedDevice } from '../machine/index.ts';
import { AddressSpace, MemoryRegion } from '../memory/index.ts';
import type { ClientAccelerator } from './client-accelerator.ts';
import { ClientMemory } from './client-memory.ts';
import { RegionIndex } from './protocol.ts';
import { ServedTime } from './served-time.ts';

/** Sees each access to configuration space: what was written, or what was read; of more than 4 bytes, 0. */
export type ConfigObserver = (isWrite: boolean, offset: number, size: number, value: number) => void;

/** One BAR, or the ROM, by offset: the client decodes addresses, and says where in the region an access goes. */
interface ServedRegion {
  readonly bar: PciBar;
  readonly space: AddressSpace;
  readonly access: MachineAccess;
}

/** The function that a client drives, in the machine around it. */
export class ServedFunction {
  readonly accelerator: ClientAccelerator;
  readonly memory: ClientMemory;
  readonly time: ServedTime;
  readonly configObservers = new Set<ConfigObserver>();
  onReset: (() => void) | undefined;
  private regions: readonly (ServedRegion | undefined)[] = [];
  private regionsOf: PciDevice | undefined;

  constructor(
    readonly machine: Machine,
    /** The host's time in nanoseconds. A test may have another one. */
    hostTime?: () => number,
  ) {
    this.accelerator = machine.accelerator as ClientAccelerator;
    this.memory = machine.service(ClientMemory) as ClientMemory;
    this.time = new ServedTime(machine.clock, hostTime);
  }

  get plugged(): PluggedDevice {
    return this.machine.devices[0] as PluggedDevice;
  }

  /** Another object after its class was edited. */
  get device(): PciDevice {
    return this.plugged.device as PciDevice;
  }

  /** Bytes of a region; 0 if it is not there. */
  sizeOf(region: number): number {
    return region === RegionIndex.Config ? PciConfigSize : (this.regionAt(region)?.bar.size ?? 0);
  }

  /** The present: timers expire, and what has come from the host is delivered. Before each message, and when a timer is due. */
  catchUp(): void {
    this.time.catchUp();
    this.accelerator.deliver();
  }

  /** Fills a reply from `at` on. The range is inside the region. */
  read(region: number, offset: number, count: number, into: DataView, at: number): void {
    if (region === RegionIndex.Config) {
      this.readConfig(offset, count, into, at);
      return;
    }
    const { access, bar, space } = this.regionAt(region) as ServedRegion;
    if (region === RegionIndex.Rom) {
      space.readBytes(offset, new Uint8Array(into.buffer, into.byteOffset + at, count));
      return;
    }
    const value = count === 8 ? access.read64(false, offset) : access.read(false, offset, count);
    setValue(into, at, count, value);
    this.note(bar, false, offset, count, value);
  }

  /** What a read would answer, without side effects; undefined where that is not known. */
  peek(region: number, offset: number, count: number): number | undefined {
    return this.regionAt(region)?.space.peek(offset, count);
  }

  write(region: number, offset: number, count: number, from: DataView, at: number): void {
    const value = valueIn(from, at, count);
    if (region === RegionIndex.Config) {
      const { device } = this;
      inDevice(device.id, device, 'writeConfig()', () => device.writeConfig(offset, Number(value), count));
      this.noteConfig(true, offset, count, Number(value));
      return;
    }
    const { access, bar } = this.regionAt(region) as ServedRegion;
    this.note(bar, true, offset, count, value);
    if (typeof value === 'bigint') access.write64(false, offset, value);
    else access.write(false, offset, value, count);
  }

  /** Where it is on the bus around it. */
  get slot(): PciAddress {
    return this.machine.service(PciBus)?.addressOf(this.device) as PciAddress;
  }

  reset(): void {
    this.accelerator.reset();
    this.onReset?.();
  }

  /** QEMU reads all of it at once, and otherwise 1, 2 or 4 bytes. */
  private readConfig(offset: number, count: number, into: DataView, at: number): void {
    const { device } = this;
    inDevice(device.id, device, 'readConfig()', () => {
      for (let done = 0; done < count; ) {
        const left = count - done;
        const size = left >= 4 ? 4 : left >= 2 ? 2 : 1;
        setValue(into, at + done, size, device.readConfig(offset + done, size));
        done += size;
      }
    });
    this.noteConfig(false, offset, count, count > 4 ? 0 : Number(valueIn(into, at, count)));
  }

  private noteConfig(isWrite: boolean, offset: number, size: number, value: number): void {
    for (const observer of this.configObservers) observer(isWrite, offset, size, value);
  }

  private note(bar: PciBar, isWrite: boolean, offset: number, size: number, value: number | bigint): void {
    const { accelerator } = this;
    const isPort = bar.kind === 'ports';
    if (isPort) accelerator.counts.portUserspaceExits++;
    else accelerator.counts.memoryUserspaceExits++;
    const { listener } = accelerator;
    if (listener === undefined) return;
    const { epoch, now: time } = listener.clock;
    const address = (bar.address ?? 0) + offset;
    listener.onEvent({ kind: 'access', epoch, time, isPort, isWrite, address, size, value, queued: false });
  }

  /** What the class calls a region, for messages; undefined for configuration space. */
  nameOf(region: number): string | undefined {
    return this.regionAt(region)?.bar.region?.name;
  }

  private regionAt(region: number): ServedRegion | undefined {
    if (this.regionsOf !== this.device) this.makeRegions();
    return this.regions[region];
  }

  private makeRegions(): void {
    for (const one of this.regions) one?.space.dispose();
    const { device, machine } = this;
    const regions: (ServedRegion | undefined)[] = new Array(RegionIndex.Count).fill(undefined);
    for (const bar of device.bars.all) {
      const { index = RegionIndex.Rom, region, size } = bar;
      if (region === undefined) continue;
      const name = index === RegionIndex.Rom ? 'expansion ROM' : `BAR ${index}`;
      const root = MemoryRegion.container(machine.topology, name, size);
      root.addSubregion(0, MemoryRegion.alias(machine.topology, name, region, 0, size));
      const space = new AddressSpace(machine.topology, name, root);
      regions[index] = { bar, space, access: new MachineAccess(space, space) };
    }
    this.regions = regions;
    this.regionsOf = device;
  }
}

function setValue(into: DataView, at: number, size: number, value: number | bigint): void {
  if (typeof value === 'bigint') into.setBigUint64(at, value, true);
  else if (size === 4) into.setUint32(at, value, true);
  else if (size === 2) into.setUint16(at, value, true);
  else into.setUint8(at, value);
}

function valueIn(from: DataView, at: number, size: number): number | bigint {
  if (size === 8) return from.getBigUint64(at, true);
  if (size === 4) return from.getUint32(at, true);
  return size === 2 ? from.getUint16(at, true) : from.getUint8(at);
}
