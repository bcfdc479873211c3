import { device, inject, mmioRegion, portRegion, VirtualClock } from '../../sdk/index.ts';
import { bar, expansionRom, msi, msix, PciDevice, pci } from '../../sdk/pci.ts';

const wide = mmioRegion({ name: 'wide', size: 0x1000, accessSizes: [4, 8] });
const counter = wide.register(0, { width: 64 });
const fire = wide.register(0x10, { width: 32, access: 'trigger', name: 'fire' });
const ports = portRegion({ name: 'ports', size: 0x20 });
const scratch = ports.register(4, { width: 8 });

export const romImage = Uint8Array.from({ length: 2048 }, (_, index) =>
  index === 0 ? 0x55 : index === 1 ? 0xaa : index & 0xff,
);

/** Ports in BAR 0, a 64-bit prefetchable BAR 2, four messages, a ROM, no pin. */
@device({ type: 'wide-card', description: 'a card of tests' })
@pci({ vendorId: 0x1234, deviceId: 0x11e0, classCode: 0xff00 })
@msi({ vectors: 4 })
@bar(0, ports)
@bar(2, wide, { is64Bit: true, prefetchable: true })
@expansionRom({ name: 'wide.rom', size: 2048, image: romImage })
export class WideCard extends PciDevice {
  @counter counter = 0n;
  @scratch scratch = 0;

  @fire
  send(vector: number): void {
    this.sendMessage(vector & 3);
  }
}

const registers = mmioRegion({ name: 'registers', size: 0x1000, accessSizes: [4] });
const raise = registers.register(0, { width: 32, access: 'trigger', name: 'raise' });

/** Four vectors of MSI-X in a BAR of their own, and a pin. */
@device({ type: 'table-card', description: 'a card of tests' })
@pci({ vendorId: 0x1234, deviceId: 0x11e9, classCode: 0xff00, interruptPin: 'A' })
@msix({ vectors: 4, table: { bar: 1, offset: 0 }, pba: { bar: 1, offset: 0x800 } })
@bar(0, registers)
export class TableCard extends PciDevice {
  @raise
  send(vector: number): void {
    this.sendMessage(vector & 3);
  }
}

const acting = mmioRegion({ name: 'acting', size: 0x1000, accessSizes: [4] });

/** Does in a handler what the test says. */
@device({ type: 'acting-card', description: 'a card of tests' })
@pci({ vendorId: 0x1234, deviceId: 0x11eb, classCode: 0xff00 })
@msi({ vectors: 1 })
@bar(0, acting)
export class ActingCard extends PciDevice {
  static act: (card: ActingCard) => number = () => 0;

  constructor(@inject(VirtualClock) readonly clock: VirtualClock) {
    super();
  }

  @acting.read(0)
  act(): number {
    return ActingCard.act(this);
  }
}
