import { device, inject, MiB, SystemBus } from '../sdk/index.ts';
import {
  PamRegisterCount,
  type PamWindow,
  PciBus,
  PciDevice,
  pamWindows,
  pci,
  ShadowedMemory,
  shadowOf,
} from '../sdk/pci.ts';

const Register = { RamSize: 0x57, Pam: 0x59, Smram: 0x72 } as const;
const windows = pamWindows(Register.Pam);
const Smram = { Open: 0x40, Enable: 0x08, PowerOn: 0x02 } as const;
/**
 * Unit of the RAM size that coreboot reads from one byte.
 *
 * @see QEMU 7.2, hw/pci-host/i440fx.c, I440FX_COREBOOT_RAM_SIZE
 */
const RamUnit = 8 * MiB;

/**
 * The memory controller of the i440FX at 00:00.0. The PAM registers select RAM or the PCI bus for each part of the area
 * below 1 MiB. Firmware copies itself into the RAM behind its ROM (shadowing), and is fast and writable there.
 *
 * A hostile guest can rearrange its own memory between 640 KiB and 1 MiB, at the cost of a memory map change each time.
 * It can hide its firmware from itself. Read-only RAM is marked so in the map only. KVM ignores that mark, so the guest
 * and DMA can write it, as under QEMU.
 *
 * @see Intel 82441FX (PMC) datasheet, order number 290549, "PAM - Programmable Attribute Map Registers"
 * @see Intel 82441FX (PMC) datasheet, "SMRAM - System Management RAM Control Register"
 * @see QEMU 7.2, hw/pci-host/i440fx.c, i440fx_update_memory_mappings; no reset clears PAM or SMRAM there
 */
@device({ type: 'i440FX', description: 'Intel 82441FX memory controller' })
@pci({
  vendorId: 0x8086,
  deviceId: 0x1237,
  revision: 2,
  classCode: 0x0600,
  subsystemVendorId: 0x1af4,
  subsystemId: 0x1100,
})
export class I440fx extends PciDevice {
  private shadowed: ShadowedMemory | undefined;

  constructor(
    @inject(SystemBus) private readonly system: SystemBus,
    @inject(PciBus) private readonly pciBus: PciBus,
  ) {
    super();
    this.config.set(Register.RamSize, Math.min(Math.floor(system.ram.size / RamUnit), 255), 1);
    this.config.set(Register.Smram, Smram.PowerOn, 1);
  }

  /**
   * The access that a PAM window gives now. Window 0 is 64 KiB at 0xf0000, 1 to 12 are 16 KiB each from 0xc0000.
   *
   * @see QEMU 7.2, hw/pci-host/pam.c, init_pam and pam_update
   */
  shadow(window: number): number {
    return shadowOf(windows[window] as PamWindow, this.config);
  }

  protected override onRealize(): void {
    const { memory, ram } = this.system;
    const { topology, pciBus } = this;
    topology.transaction(() => {
      this.shadowed = new ShadowedMemory(Register.Pam, { topology, owner: this, memory, ram, pci: pciBus.memory });
      this.arrangeMemory();
    });
  }

  protected override onUnrealize(): void {
    this.shadowed?.remove();
    this.shadowed = undefined;
  }

  protected override onConfigWrite(offset: number, size: number): void {
    const touches = (from: number, length: number) => offset < from + length && from < offset + size;
    if (touches(Register.Pam, PamRegisterCount) || touches(Register.Smram, 1)) this.arrangeMemory();
  }

  /** Updates all windows in one change of the memory map. */
  private arrangeMemory(): void {
    this.shadowed?.arrange(this.config, (this.config.get(Register.Smram, 1) & Smram.Open) !== 0);
  }
}
