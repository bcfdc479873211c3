import { device, inject, MiB, mmioRegion, SystemBus, shape, state } from '../sdk/index.ts';
import { PamRegisterCount, PciBus, PciDevice, pci, ShadowedMemory } from '../sdk/pci.ts';

const Register = { ConfigurationWindow: 0x60, Pam: 0x90, Smram: 0x9d, ExtendedSmram: 0x9e } as const;

const ConfigurationWindow = { Enable: 0x1, LengthShift: 1, PowerOn: 0xb000_0000, AddressBitsAbove4GiB: 0xf } as const;
/** The lengths that bits 2-1 of PCIEXBAR select; the fourth is reserved. */
const lengths: readonly (number | undefined)[] = [256 * MiB, 128 * MiB, 64 * MiB, undefined];

/**
 * @see Intel 3 Series Express Chipset Family datasheet, "SMRAM - System Management RAM Control" and "ESMRAMC"
 * @see QEMU 7.2, hw/pci-host/q35.c, mch_update_smram
 */
const Smram = { Open: 0x40, Closed: 0x20, Locked: 0x10, Writable: 0x78, PowerOn: 0x02 } as const;
const ExtendedSmram = { Writable: 0x87, PowerOn: 0x38 } as const;

/** Bytes of a function in the window. A conventional PCI function has the first 256. */
const FunctionSize = 0x1000;
const ConventionalSize = 0x100;

const window = mmioRegion({ name: 'pcie-mmcfg-mmio', size: 256 * MiB, accepts: { max: 8 }, implements: { max: 4 } });

/**
 * The memory controller of Q35 at 00:00.0. It maps the area below 1 MiB, as on the i440FX. Its memory-mapped
 * configuration window (PCIEXBAR, ECAM) reaches the configuration space of every function without the two ports.
 *
 * System management mode is not modelled. Of the SMRAM registers only D_OPEN has an effect: it shows RAM in place of
 * the VGA window. D_LCK locks the registers until the next reset.
 *
 * A hostile guest can map the window over its own RAM, or rearrange the area below 1 MiB. Each time costs a change of the
 * memory map. Read-only RAM is marked so in the map, and KVM ignores that mark.
 *
 * @see Intel 3 Series Express Chipset Family datasheet, order number 316966, "PCIEXBAR - PCI Express Register Range
 *   Base Address"
 * @see Intel 3 Series Express Chipset Family datasheet, "PAM0 - Programmable Attribute Map 0"
 * @see QEMU 7.2, hw/pci-host/q35.c, mch_update_pciexbar, mch_update_pam and mch_reset
 */
@device({ type: 'mch', description: 'Intel Q35 memory controller' })
@pci({
  vendorId: 0x8086,
  deviceId: 0x29c0,
  classCode: 0x0600,
  subsystemVendorId: 0x1af4,
  subsystemId: 0x1100,
})
export class Q35Mch extends PciDevice {
  /** PCIEXBAR as it was last written with a valid length. It places the window. */
  @state({ as: shape.bits(32) }) private windowLow: number = ConfigurationWindow.PowerOn;
  @state({ as: shape.bits(4) }) private windowHigh = 0;
  private shadowed: ShadowedMemory | undefined;

  constructor(
    @inject(SystemBus) private readonly system: SystemBus,
    @inject(PciBus) private readonly pciBus: PciBus,
  ) {
    super();
  }

  @window.read()
  readFunction(offset: number, size: number): number {
    if (offset % FunctionSize >= ConventionalSize) return 0xffff_ffff >>> (32 - 8 * size);
    return this.pciBus.readConfig(configurationAddress(offset), size);
  }

  @window.write()
  writeFunction(value: number, offset: number, size: number): void {
    if (offset % FunctionSize < ConventionalSize) this.pciBus.writeConfig(configurationAddress(offset), value, size);
  }

  /** The PAM registers keep their contents. @see QEMU 7.2, hw/pci-host/q35.c, mch_reset */
  override reset(): void {
    this.config.set(Register.ConfigurationWindow, ConfigurationWindow.PowerOn, 4);
    this.config.set(Register.ConfigurationWindow + 4, 0, 4);
    this.config.set(Register.Smram, Smram.PowerOn, 1);
    this.config.set(Register.ExtendedSmram, ExtendedSmram.PowerOn, 1);
    this.arrangeSmram();
    this.arrangeWindow();
  }

  protected override onRealize(): void {
    const { topology, pciBus } = this;
    const { memory, ram } = this.system;
    topology.transaction(() => {
      this.shadowed = new ShadowedMemory(Register.Pam, { topology, owner: this, memory, ram, pci: pciBus.memory });
      this.region(window).setEnabled(false);
      memory.addSubregion(ConfigurationWindow.PowerOn, this.region(window));
    });
  }

  protected override onUnrealize(): void {
    this.shadowed?.remove();
    this.shadowed = undefined;
    this.system.memory.removeSubregion(this.region(window));
  }

  protected override onConfigWrite(offset: number, size: number): void {
    const touches = (from: number, length: number) => offset < from + length && from < offset + size;
    if (touches(Register.ConfigurationWindow, 8)) this.arrangeWindow();
    if (touches(Register.Pam, PamRegisterCount) || touches(Register.Smram, 2)) this.arrangeSmram();
  }

  /**
   * D_LCK clears D_OPEN and makes the registers read-only, but for D_CLS.
   *
   * @see Intel 3 Series Express Chipset Family datasheet, "SMRAM - System Management RAM Control", D_LCK
   */
  private arrangeSmram(): void {
    const smram = this.config.get(Register.Smram, 1);
    const isLocked = (smram & Smram.Locked) !== 0;
    if (isLocked) this.config.set(Register.Smram, smram & ~Smram.Open, 1);
    this.config.setWritable(Register.Smram, isLocked ? Smram.Closed : Smram.Writable, 1);
    this.config.setWritable(Register.ExtendedSmram, isLocked ? 0 : ExtendedSmram.Writable, 1);
    this.shadowed?.arrange(this.config, !isLocked && (smram & Smram.Open) !== 0);
  }

  private arrangeWindow(): void {
    const low = this.config.get(Register.ConfigurationWindow, 4);
    if (lengthOf(low) === undefined) this.guestError('PCIEXBAR with the reserved length: the window does not move');
    else {
      this.windowLow = low;
      this.windowHigh = this.config.get(Register.ConfigurationWindow + 4, 4) & ConfigurationWindow.AddressBitsAbove4GiB;
    }
    const length = lengthOf(this.windowLow) ?? 256 * MiB;
    const region = this.region(window);
    this.topology.transaction(() => {
      region.setEnabled((this.windowLow & ConfigurationWindow.Enable) !== 0);
      region.setSize(length);
      region.setAddress(this.windowAddress(this.windowHigh * 2 ** 32 + this.windowLow, length));
    });
  }

  /** The window is aligned to its length. @see Intel 3 Series Express Chipset Family datasheet, "PCIEXBAR" */
  protected windowAddress(written: number, length: number): number {
    return Math.floor(written / length) * length;
  }
}

const lengthOf = (low: number): number | undefined => lengths[(low >>> ConfigurationWindow.LengthShift) & 3];

/** Converts an ECAM offset to the address of the same register in configuration mechanism #1. */
function configurationAddress(offset: number): number {
  return (Math.floor(offset / FunctionSize) << 8) | (offset % FunctionSize);
}
