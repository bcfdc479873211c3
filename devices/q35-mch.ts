import {
  device,
  inject,
  MiB,
  mmioRegion,
  PamRegisterCount,
  PciBus,
  PciDevice,
  pci,
  ShadowedMemory,
  SystemBus,
  shape,
  state,
} from '../sdk/index.ts';

const Register = { ConfigurationWindow: 0x60, Pam: 0x90, Smram: 0x9d, ExtendedSmram: 0x9e } as const;

const ConfigurationWindow = { Enable: 0x1, LengthShift: 1, PowerOn: 0xb000_0000, AddressBitsAbove4GiB: 0xf } as const;
/** The lengths that two bits choose; the fourth is reserved. */
const lengths: readonly (number | undefined)[] = [256 * MiB, 128 * MiB, 64 * MiB, undefined];

const Smram = { Open: 0x40, Closed: 0x20, Locked: 0x10, Writable: 0x78, PowerOn: 0x02 } as const;
const ExtendedSmram = { Writable: 0x87, PowerOn: 0x38 } as const;

/** A function has this many bytes in the window, of which a conventional one uses the first 256. */
const FunctionSize = 0x1000;
const ConventionalSize = 0x100;

const window = mmioRegion({ name: 'pcie-mmcfg-mmio', size: 256 * MiB, accepts: { max: 8 }, implements: { max: 4 } });

/**
 * The memory controller of Q35 at 00:00.0: what the guest sees below 1 MiB, as on the i440FX, and a window in memory through
 * which it reaches the configuration of every function without the two ports.
 *
 * There is no system management mode here, so that of the SMRAM registers only the open bit shows: it lets RAM through where
 * the VGA card was. The lock bit freezes them until the next reset.
 *
 * A hostile guest can lay the window over its own RAM, or rearrange the area below 1 MiB, at the cost of a change of the
 * memory map each time. RAM shown read-only is marked so, and KVM does not look at that mark.
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
  /** What places the window: the register as it was last written with a length that there is. */
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

  /** The PAM registers keep their contents. */
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

  /** Once locked, the registers stay as they are but for the bit that closes SMRAM to data. */
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
    if (lengthOf(low) === undefined) this.guestError('PCIEXBAR with the reserved length: the window stays where it is');
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

  /** A window lies at a multiple of its length. */
  protected windowAddress(written: number, length: number): number {
    return Math.floor(written / length) * length;
  }
}

const lengthOf = (low: number): number | undefined => lengths[(low >>> ConfigurationWindow.LengthShift) & 3];

/** From bus, slot and function in 4 KiB steps to the address that configuration mechanism #1 has for the same register. */
function configurationAddress(offset: number): number {
  return (Math.floor(offset / FunctionSize) << 8) | (offset % FunctionSize);
}
