import { bit, bits, device, inject, MiB, SystemBus, undocumented } from '../sdk/index.ts';
import { configRegisters, PciBus, PciDevice, pamRegisters, pci, ShadowedMemory } from '../sdk/pci.ts';

/**
 * Unit of the RAM size that coreboot reads from one byte. The chip has DRAMC there, which a DRAM controller alone needs.
 *
 * @see QEMU 7.2, hw/pci-host/i440fx.c, I440FX_COREBOOT_RAM_SIZE
 */
const RamUnit = 8 * MiB;

const ramSize = configRegisters.register(0x57, {
  width: 8,
  atReset: 'kept',
  since: 2,
  description: 'the size of RAM in units of 8 MiB, for firmware',
});

/**
 * @see Intel 82441FX (PMC) datasheet, order number 290549, "PAM - Programmable Attribute Map Registers"
 * @see QEMU 7.2, hw/pci-host/i440fx.c: no reset clears PAM or SMRAM, and their reserved bits hold what is written
 */
const pam = configRegisters.register(0x59, { ...pamRegisters, atReset: 'kept', since: 2 });

/** @see Intel 82441FX (PMC) datasheet, "SMRAM - System Management RAM Control Register" */
const smram = configRegisters.register(0x72, {
  width: 8,
  reset: 0x02,
  atReset: 'kept',
  since: 2,
  description: 'RAM of system management mode, in place of the VGA window',
  fields: {
    baseSegment: bits(0, 2, 'read-write', { values: { at0xa0000: 2 }, description: 'its segment' }),
    enable: bit(3, 'unimplemented', { description: 'shows it in system management mode' }),
    lock: bit(4, 'unimplemented', { description: 'open can no longer be set' }),
    closed: bit(5, 'unimplemented', { description: 'hides it from data accesses' }),
    open: bit(6, 'read-write', { description: 'shows it in every mode' }),
    unused: undocumented(7),
  },
});

/**
 * The memory controller of the i440FX at 00:00.0. The PAM registers select RAM or the PCI bus for each part of the area
 * below 1 MiB. Firmware copies itself into the RAM behind its ROM (shadowing), and is fast and writable there.
 *
 * A hostile guest can rearrange its own memory between 640 KiB and 1 MiB, at the cost of a memory map change each time.
 * It can hide its firmware from itself. Read-only RAM is marked so in the map only. KVM ignores that mark, so the guest
 * and DMA can write it, as under QEMU.
 *
 * @see Intel 82441FX (PMC) datasheet, order number 290549, "PCI Configuration Space Mapped Registers"
 * @see QEMU 7.2, hw/pci-host/i440fx.c, i440fx_update_memory_mappings
 */
@device({ type: 'i440FX', description: 'Intel 82441FX memory controller', version: 2 })
@pci({
  vendorId: 0x8086,
  deviceId: 0x1237,
  revision: 2,
  classCode: 0x0600,
  subsystemVendorId: 0x1af4,
  subsystemId: 0x1100,
})
export class I440fx extends PciDevice {
  @ramSize ramSize = 0;
  @pam readonly pam = new Uint8Array(7);
  @smram smram = 0x02;
  private shadowed: ShadowedMemory | undefined;

  constructor(
    @inject(SystemBus) private readonly system: SystemBus,
    @inject(PciBus) private readonly pciBus: PciBus,
  ) {
    super();
    this.ramSize = Math.min(Math.floor(system.ram.size / RamUnit), 255);
  }

  /** Updates all windows in one change of the memory map. */
  @pam.onWrite()
  @smram.onWrite()
  arrangeMemory(): void {
    this.shadowed?.arrange(this.pam, (this.smram & smram.fields.open.mask) !== 0);
  }

  override onStateLoaded(version: number): void {
    super.onStateLoaded(version);
    this.arrangeMemory();
  }

  protected override onRealize(): void {
    const { memory, ram } = this.system;
    const { topology, pciBus } = this;
    topology.transaction(() => {
      this.shadowed = new ShadowedMemory({ topology, owner: this, memory, ram, pci: pciBus.memory });
      this.arrangeMemory();
    });
  }

  protected override onUnrealize(): void {
    this.shadowed?.remove();
    this.shadowed = undefined;
  }
}
