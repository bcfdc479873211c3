import { I440fx } from '../../devices/i440fx.ts';
import { I440fxPciHostOverlaid } from '../../devices/i440fx-pci-host/overlaid.ts';
import { I440fxPciHost } from '../../devices/i440fx-pci-host.ts';
import { Piix3 } from '../../devices/piix3.ts';
import { realizeDevice } from '../../sdk/device/regions/build.ts';
import { type Device, IsaBus, KiB, MemoryRegion, MiB, ResetController, SystemBus } from '../../sdk/index.ts';
import { PciBus, type PciDevice, SubtractivePorts } from '../../sdk/pci.ts';
import { AddressSpace, GuestErrors, MemoryTopology } from '../../sdk/runtime.ts';

class CountedResets extends ResetController {
  count = 0;

  requestReset(): void {
    this.count++;
  }
}

/** Bridges, buses and memory of a PC without a machine around them: what the tests of the chipset are guests of. */
export class PcBoard {
  readonly topology = new MemoryTopology();
  readonly memory: AddressSpace;
  readonly io: AddressSpace;
  readonly isa: IsaBus;
  readonly pci: PciBus;
  readonly resets = new CountedResets();
  readonly guestErrors = new GuestErrors();
  readonly ram: MemoryRegion;
  /** ROM on the PCI bus from 0xc0000 to 1 MiB; each byte is 0xee. */
  readonly rom: MemoryRegion;
  readonly bridge: I440fxPciHost | I440fxPciHostOverlaid;
  readonly controller: I440fx;
  readonly piix3: Piix3;

  constructor({ overlay = false, ramSize = 1 * MiB }: { overlay?: boolean; ramSize?: number } = {}) {
    const { topology } = this;
    const system = MemoryRegion.container(topology, 'system', 2 ** 64);
    const pciMemory = MemoryRegion.container(topology, 'pci', 2 ** 64);
    const io = MemoryRegion.unassignedPorts(topology, 'io');
    const behind = MemoryRegion.unassignedPorts(topology, 'isa-pci-ports');
    this.ram = MemoryRegion.ram(topology, 'pc.ram', ramSize);
    this.rom = MemoryRegion.rom(topology, 'pc.rom', 256 * KiB);
    this.rom.ram?.bytes.fill(0xee);
    system.addSubregion(0, MemoryRegion.alias(topology, 'ram-below-4g', this.ram, 0, ramSize));
    system.addSubregion(0, pciMemory, -1);
    pciMemory.addSubregion(0xc_0000, this.rom, 1);
    if (!overlay) io.addSubregion(0, behind, -1);
    const ports = overlay ? io : behind;
    this.memory = new AddressSpace(topology, 'memory', system);
    this.io = new AddressSpace(topology, 'I/O', io);
    this.isa = new IsaBus({ io: ports, memory: pciMemory });
    this.pci = new PciBus({ io: ports, memory: pciMemory });

    const systemBus = new SystemBus({ topology, memory: system, io, ram: this.ram });
    this.bridge = overlay
      ? new I440fxPciHostOverlaid(this.pci)
      : new I440fxPciHost(this.pci, new SubtractivePorts(new AddressSpace(topology, 'behind', behind)));
    this.controller = new I440fx(systemBus, this.pci);
    this.piix3 = new Piix3(this.pci, this.isa, this.resets);
    this.plug(this.bridge, io);
    this.plug(this.controller, ports);
    this.plug(this.piix3, ports);
    this.pci.register(this.controller, { slot: 0, function: 0 });
    this.pci.register(this.piix3, { slot: 1, function: 0 });
    this.reset();
  }

  /** Realizes a device and maps its regions where they want to be. */
  plug(device: Device, container: MemoryRegion): void {
    const { topology, guestErrors } = this;
    realizeDevice(device, { id: device.constructor.name, topology, guestErrors });
    for (const { template } of device.metadata.regions) {
      if (template.base === undefined) continue;
      container.addSubregion(template.base, device.region(template), template.priority);
    }
  }

  plugPci(device: PciDevice, slot: number): void {
    this.plug(device, this.pci.io);
    this.pci.register(device, { slot, function: 0 });
  }

  reset(): void {
    for (const device of [this.bridge, this.controller, this.piix3]) device.reset();
    this.pci.reset();
  }

  in(port: number, size: number): number {
    return this.io.read(port, size);
  }

  out(port: number, value: number, size: number): void {
    this.io.write(port, value, size);
  }

  /** Selects a register of slot.0 through 0xcf8. */
  select(slot: number, register: number): void {
    this.out(0xcf8, 0x8000_0000 + (slot << 11) + (register & 0xfc), 4);
  }

  readConfig(slot: number, register: number, size: number): number {
    this.select(slot, register);
    return this.in(0xcfc + (register & 3), size);
  }

  writeConfig(slot: number, register: number, value: number, size: number): void {
    this.select(slot, register);
    this.out(0xcfc + (register & 3), value, size);
  }
}
