import { VirtioRng } from '../../devices/index.ts';
import { deviceFeatures } from '../../sdk/bus/virtio/legacy-ports.ts';
import { device } from '../../sdk/index.ts';
import { type KnownDifference, standIn } from './known-difference.ts';
import { out, read } from './script.ts';

const [Address, Data] = [0xcf8, 0xcfc] as const;
const Slot = 0x8000_3800;
const Ports = 0xc000;

/** As firmware and a driver begin: the ports in their place, decoded, and the card a bus master. */
const map = [
  ...[out(Address, 4, Slot + 0x10), out(Data, 4, Ports)],
  ...[out(Address, 4, Slot + 0x04), out(Data, 2, 0x05)],
];

const BadFeature = 0x4000_0000;

function offersBadFeature(base: typeof VirtioRng): typeof VirtioRng {
  @device({ type: 'virtio-rng-pci', description: 'virtio-rng that offers a feature which no driver may take' })
  class VirtioRngWithBadFeature extends base {
    @deviceFeatures.onRead()
    offerBadFeature(offered: number): number {
      return (offered | BadFeature) >>> 0;
    }

    override get legacyGuestFeatures(): number {
      return super.legacyGuestFeatures;
    }

    /** A driver that takes it is given none. */
    override set legacyGuestFeatures(features: number) {
      super.legacyGuestFeatures = features & BadFeature ? 0 : features;
    }
  }
  return VirtioRngWithBadFeature;
}

export const badFeature: KnownDifference = {
  register: 'the features that virtio-rng offers',
  condition: 'read',
  reason:
    'QEMU offers a feature that no driver may take (bit 30), to find drivers that take everything. Ours offers what it has.',
  there: { operations: [...map, read(Ports, 4)], ours: [0x3000_0000], qemu: [0x7000_0000] },
  standIn: standIn(VirtioRng, offersBadFeature),
};
