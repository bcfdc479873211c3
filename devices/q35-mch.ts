import {
  bit,
  bits,
  device,
  inject,
  MiB,
  mmioRegion,
  type RegionTemplate,
  type RegistersBehind,
  SystemBus,
  shape,
  state,
  undocumented,
} from '../sdk/index.ts';
import { configRegisters, PciBus, PciDevice, pamRegisters, pci, ShadowedMemory } from '../sdk/pci.ts';

const Offset = { Pciexbar: 0x60, Pam: 0x90, Smram: 0x9d, ExtendedSmram: 0x9e };

/** The lengths that PCIEXBAR selects; the fourth is reserved. */
const lengths: readonly (number | undefined)[] = [256 * MiB, 128 * MiB, 64 * MiB, undefined];
const PowerOn = 0xb000_0000n;

/**
 * @see Intel 3 Series Express Chipset Family datasheet, order number 316966, "PCIEXBAR - PCI Express Register Range
 *   Base Address"
 * @see QEMU 7.2, hw/pci-host/q35.c, mch_update_pciexbar
 */
const pciexbar = configRegisters.register(Offset.Pciexbar, {
  width: 64,
  reset: PowerOn,
  since: 2,
  description: 'PCIEXBAR: the memory-mapped configuration window',
  fields: {
    enable: bit(0, 'read-write', { description: 'shows the window' }),
    length: bits(1, 2, 'read-write', { values: { of256MiB: 0, of128MiB: 1, of64MiB: 2 } }),
    below: undocumented([3, 25]),
    base: bits(26, 35, 'read-write', { description: 'bits 35 to 26 of its address, a multiple of the length' }),
    above: undocumented([36, 63]),
  },
});

/** @see Intel 3 Series Express Chipset Family datasheet, "PAM0 - Programmable Attribute Map 0"; no reset clears them in QEMU 7.2 */
const pam = configRegisters.register(Offset.Pam, { ...pamRegisters, atReset: 'kept', since: 2 });

/**
 * @see Intel 3 Series Express Chipset Family datasheet, "SMRAM - System Management RAM Control" and "ESMRAMC"
 * @see QEMU 7.2, hw/pci-host/q35.c, mch_update_smram
 */
const smram = configRegisters.register(Offset.Smram, {
  width: 8,
  reset: 0x02,
  since: 2,
  description: 'RAM of system management mode, in place of the VGA window',
  fields: {
    baseSegment: bits(0, 2, 'constant', { values: { at0xa0000: 2 } }),
    enable: bit(3, 'read-write', { description: 'G_SMRAME: shows it in system management mode' }),
    lock: bit(4, 'write-one-to-set', { description: 'D_LCK: nothing but D_CLS changes any more' }),
    closed: bit(5, 'read-write', { description: 'D_CLS: hides it from data accesses' }),
    open: bit(6, 'read-write', { description: 'D_OPEN: shows it in every mode' }),
    unused: bit(7, 'constant'),
  },
});
const extendedSmram = configRegisters.register(Offset.ExtendedSmram, {
  width: 8,
  reset: 0x38,
  since: 2,
  name: 'esmramc',
  description: 'the segment at the top of memory, and high SMRAM',
  fields: {
    topEnable: bit(0, 'read-write', { description: 'T_EN' }),
    topSize: bits(1, 2, 'read-write', { values: { of1MiB: 0, of2MiB: 1, of8MiB: 2 } }),
    cached: bits(3, 5, 'constant', { description: 'SM_L1, SM_L2 and SM_CACHE' }),
    invalidAccess: bit(6, 'constant', { description: 'E_SMERR' }),
    high: bit(7, 'read-write', { description: 'H_SMRAME: shows it from 0xfeda0000 on' }),
  },
});

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
 * @see Intel 3 Series Express Chipset Family datasheet, order number 316966, "Device 0 configuration registers"
 * @see QEMU 7.2, hw/pci-host/q35.c, mch_update_pam and mch_reset
 */
@device({ type: 'mch', description: 'Intel Q35 memory controller', version: 2 })
@pci({
  vendorId: 0x8086,
  deviceId: 0x29c0,
  classCode: 0x0600,
  subsystemVendorId: 0x1af4,
  subsystemId: 0x1100,
})
export class Q35Mch extends PciDevice {
  @pciexbar pciexbar = PowerOn;
  @pam readonly pam = new Uint8Array(7);
  @smram smram = 0x02;
  @extendedSmram extendedSmram = 0x38;
  /** PCIEXBAR as it was last written with a valid length. It places the window. */
  @state({ as: shape.bits(32) }) private windowLow = Number(PowerOn);
  @state({ as: shape.bits(4) }) private windowHigh = 0;
  /** SMRAM was locked when the access under way began. */
  private isLocked = false;
  private shadowed: ShadowedMemory | undefined;

  constructor(
    @inject(SystemBus) private readonly system: SystemBus,
    @inject(PciBus) private readonly pciBus: PciBus,
  ) {
    super();
  }

  override registersBehind(region: RegionTemplate, offset: number): RegistersBehind | undefined {
    const isThere = region === window && offset % FunctionSize < ConventionalSize;
    return isThere ? this.pciBus.registersAt(configurationAddress(offset)) : undefined;
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

  /** D_LCK clears D_OPEN, and from then on only D_CLS changes. */
  @smram.onWrite()
  writeSmram(value: number, previous: number): number {
    const { lock, closed, open } = smram.fields;
    const free = this.isLocked ? (previous & ~closed.mask) | (value & closed.mask) : value;
    const kept = (free & lock.mask) !== 0 ? free & ~open.mask : free;
    this.arrange(kept);
    return kept;
  }

  @extendedSmram.onWrite()
  writeExtendedSmram(value: number, previous: number): number {
    return this.isLocked ? previous : value;
  }

  /** What locks a register locks it for the next access: one that writes both SMRAM registers still reaches both. */
  override writeConfig(offset: number, value: number, size: number): void {
    this.isLocked = (this.smram & smram.fields.lock.mask) !== 0;
    super.writeConfig(offset, value, size);
  }

  @pam.onWrite()
  arrangeMemory(): void {
    this.arrange(this.smram);
  }

  @pciexbar.onWrite()
  placeWindow(written: bigint): void {
    if (lengths[Number(pciexbar.fields.length.of(written))] === undefined) {
      this.guestError('PCIEXBAR with the reserved length: the window does not move');
    } else {
      this.windowLow = Number(BigInt.asUintN(32, written));
      this.windowHigh = Number(BigInt.asUintN(4, written >> 32n));
    }
    this.arrangeWindow();
  }

  override reset(): void {
    super.reset();
    this.arrangeMemory();
    this.placeWindow(this.pciexbar);
  }

  override onStateLoaded(version: number): void {
    super.onStateLoaded(version);
    this.arrangeMemory();
    this.arrangeWindow();
  }

  protected override onRealize(): void {
    const { topology, pciBus } = this;
    const { memory, ram } = this.system;
    topology.transaction(() => {
      this.shadowed = new ShadowedMemory({ topology, owner: this, memory, ram, pci: pciBus.memory });
      this.region(window).setEnabled(false);
      memory.addSubregion(this.windowLow, this.region(window));
    });
  }

  protected override onUnrealize(): void {
    this.shadowed?.remove();
    this.shadowed = undefined;
    this.system.memory.removeSubregion(this.region(window));
  }

  private arrange(smramNow: number): void {
    this.shadowed?.arrange(this.pam, (smramNow & smram.fields.open.mask) !== 0);
  }

  private arrangeWindow(): void {
    const low = BigInt(this.windowLow);
    const length = lengths[Number(pciexbar.fields.length.of(low))] ?? 256 * MiB;
    const region = this.region(window);
    this.topology.transaction(() => {
      region.setEnabled((low & pciexbar.fields.enable.mask) !== 0n);
      region.setSize(length);
      region.setAddress(this.windowAddress(this.windowHigh * 2 ** 32 + this.windowLow, length));
    });
  }

  /** The window is aligned to its length. @see Intel 3 Series Express Chipset Family datasheet, "PCIEXBAR" */
  protected windowAddress(written: number, length: number): number {
    return Math.floor(written / length) * length;
  }
}

/** Converts an ECAM offset to the address of the same register in configuration mechanism #1. */
function configurationAddress(offset: number): number {
  return (Math.floor(offset / FunctionSize) << 8) | (offset % FunctionSize);
}
