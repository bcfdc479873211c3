import { VirtioRng } from '../../devices/index.ts';
import { use } from '../../sdk/index.ts';
import type { Random } from '../../sdk/testing/random.ts';
import type { Chip } from './chip.ts';
import { pciConfig } from './pci-config.ts';
import { type Operation, out, out8, read, type Width } from './script.ts';

const Address = 0xcf8;
const Data = 0xcfc;
const Slot = 0x8000_3800;
const Ports = 0xc000;
const Port = { GuestFeatures: 0x04, QueuePage: 0x08, QueueSelect: 0x0e, Status: 0x12 } as const;
const PortsSize = 0x20;
/** In every byte: it must not come to the status register. */
const DriverOk = 0x0404_0404;
const headers = [0x00, 0x04, 0x08, 0x0c, 0x10, 0x14, 0x18, 0x2c, 0x30, 0x34, 0x3c, 0x40, 0x44] as const;

type Add = (...operations: Operation[]) => void;

function map(add: Add): void {
  add(out(Address, 4, Slot + 0x10), out(Data, 4, Ports), out(Address, 4, Slot + 4), out(Data, 2, 1));
}

/** As a driver looks at its card, one register after the other. */
function readHeader(random: Random, add: Add): void {
  const size = random.pick<Width>([1, 2, 4, 4]);
  add(out(Address, 4, Slot + random.pick(headers)), read(Data + size * random.below(4 / size), size));
}

/** As a driver begins, in the order of the specification and out of it; no queue is made, since there is no request in memory. */
function negotiate(random: Random, add: Add): void {
  random.weighted([
    [3, () => add(out8(Ports + Port.Status, random.pick([0, 1, 3, 0x80, 0x83])))],
    [3, () => add(out(Ports + Port.GuestFeatures, 4, random.pick([0, 1, 0x4000_0000, random.bits()])))],
    [6, () => add(out(Ports + Port.QueueSelect, 2, random.pick([0, 0, 1, 2, 1023, 1024, 0xffff])))],
    [3, () => add(out(Ports + Port.QueuePage, 4, random.pick([0, 1, 0x100, 0xfff])))],
    [3, () => oddWrite(random, add)],
  ]);
  for (let times = 3; times > 0; times--) {
    add(read(Ports + random.below(PortsSize), random.pick<Width>([1, 2, 4])));
  }
}

/** A write of any width at any offset. What the status' driver-ok bit would start is left to the chip of queues. */
function oddWrite(random: Random, add: Add): void {
  add(out(Ports + random.below(PortsSize), random.pick<Width>([1, 2, 4]), random.bits() & ~DriverOk));
}

/** Configuration space and the ports of the legacy layout, without MSI-X, and with no feature offered. */
export const virtioRng: Chip = {
  ...pciConfig,
  name: 'virtio-rng',
  title: 'virtio-rng on virtio-pci, legacy layout: configuration space and ports',
  devices: [use(VirtioRng, { addr: '07.0' })],
  qemu: {
    arguments: [
      '-device',
      'virtio-rng-pci,addr=07.0,disable-legacy=off,queue_reset=on,any_layout=off,notify_on_empty=off',
    ],
  },
  act(random, add) {
    random.weighted([
      [3, () => map(add)],
      [30, () => readHeader(random, add)],
      [50, () => negotiate(random, add)],
      [1, () => add({ kind: 'reset' })],
    ]);
  },
};
