import { I440fxPciHost, Q35PciHost } from '../../devices/index.ts';
import { type ConcreteDeviceClass, device, flushCoalescedIo, inject, portRegion } from '../../sdk/index.ts';
import { PciBus, SubtractivePorts } from '../../sdk/pci.ts';
import { type KnownDifference, standIn, type Way } from './known-difference.ts';
import { out, out8, ResetRegister, read, read8 } from './script.ts';

/**
 * The bridge owns all four address ports and shows the same register at each, whatever the width. The reset register lies over
 * one of them and answers for all bytes of an access that begins there: PIIX3's byte by byte, ICH9's by the lowest alone.
 */
const ownsAddressPorts = (widest: 1 | 4) => (base: typeof I440fxPciHost) => {
  const overlay = portRegion({
    name: 'reset-control-overlay',
    base: ResetRegister,
    size: 1,
    priority: 1,
    implements: { max: widest },
  });

  @device({ type: 'pcihost-with-overlay', description: 'host bridge whose address ports are as QEMU has them' })
  @flushCoalescedIo(overlay)
  class HostBridgeWithOverlay extends base {
    constructor(
      @inject(PciBus) bus: PciBus,
      @inject(SubtractivePorts) private readonly ports: SubtractivePorts,
    ) {
      super(bus, ports);
    }

    override forwardRead(): number {
      return this.configuration.address;
    }

    override forwardWrite(): void {}

    @overlay.read()
    readResetControl(): number {
      return this.ports.read(ResetRegister, 1);
    }

    @overlay.write()
    writeResetControl(value: number): void {
      this.ports.write(ResetRegister, value & 0xff, 1);
    }
  }
  return HostBridgeWithOverlay as ConcreteDeviceClass;
};

const register = 'ports 0xcf5 to 0xcfb';
const condition = 'an access that is not 32 bits at 0xcf8';
const reason =
  'The host bridge claims 32-bit accesses at 0xcf8 and hands the others on to the bus behind it, as silicon does, so that its ' +
  "address writes can coalesce. QEMU's shows the low bits of the address register there, and its reset register takes the " +
  'whole of an access that begins at 0xcf9.';
/** The interrupt line of the host bridge: a byte that nothing changes. */
const Selected = 0x8000_003c;

const onPc: Way = {
  operations: [
    ...[out(0xcf8, 4, Selected), read8(0xcf8), read(0xcf5, 4), read(0xcf6, 4), read(0xcf7, 2)],
    ...[out(ResetRegister, 2, 0x0002), read8(ResetRegister), out(ResetRegister, 2, 0x0200), read8(ResetRegister)],
    ...[out(ResetRegister, 4, 0x5800_0002), read8(ResetRegister), read(0xcfc, 4), read(ResetRegister, 4)],
    ...[out8(0xcfa, 0x55), read(0xcf8, 4)],
  ],
  ours: [0xff, 0xffff_ffff, 0xffff_ffff, 0xffff, 0x02, 0x00, 0x02, 0x58, 0x58ff_ff02, Selected],
  qemu: [0x3c, 0x3cff_ffff, 0x003c_ffff, 0x3cff, 0x00, 0x02, 0x00, 0x00, 0, Selected],
};

const onQ35: Way = {
  operations: [
    ...[out(0xcf8, 4, Selected), read8(0xcf8), read(0xcfa, 2)],
    ...[out(ResetRegister, 2, 0x0002), read8(ResetRegister), out(ResetRegister, 2, 0x0a00), read8(ResetRegister)],
    ...[out(ResetRegister, 4, 0x5800_000a), read8(ResetRegister), read(0xcfc, 4), read(ResetRegister, 4)],
    ...[out8(0xcfa, 0x55), read(0xcf8, 4)],
  ],
  ours: [0xff, 0xffff, 0x02, 0x00, 0x0a, 0x58, 0x58ff_ff0a, Selected],
  qemu: [0x3c, 0x003c, 0x02, 0x00, 0x0a, 0x00, 0x0a, Selected],
};

export const pcAddressPorts: KnownDifference = {
  ...{ register, condition, reason },
  there: onPc,
  standIn: standIn(I440fxPciHost, ownsAddressPorts(1)),
};

export const q35AddressPorts: KnownDifference = {
  ...{ register: 'ports 0xcf8 to 0xcfb', condition, reason },
  there: onQ35,
  standIn: standIn(Q35PciHost, ownsAddressPorts(4)),
};
