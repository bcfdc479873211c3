import { Edu, PciTestdev } from '../../devices/index.ts';
import { KiB, use } from '../../sdk/index.ts';
import type { Random } from '../../sdk/testing/random.ts';
import type { Chip } from './chip.ts';
import { pciConfig } from './pci-config.ts';
import { type Operation, out, out8, read, type Width } from './script.ts';

const Address = 0xcf8;
const Data = 0xcfc;
const EduSlot = 5;
const TestdevSlot = 6;
const PortBar = 0x14;
/** Where port BARs may go without taking other chips' ports. */
const PortPlaces = [0xc000, 0xc001, 0xc123, 0xd000, 0xffff, 0x1_c000, 0xffff_ffff, 0] as const;
const MemoryPlaces = [0xe000_0000, 0xfff0_0000, 0xffff_f000, 0xffff_ffff, 0x1000, 0] as const;
const registers = [
  0x00, 0x04, 0x08, 0x0c, 0x10, 0x14, 0x18, 0x1c, 0x20, 0x24, 0x2c, 0x30, 0x34, 0x3c, 0x40, 0x44, 0x48, 0x4c, 0x50,
  0x80,
];

type Add = (...operations: Operation[]) => void;

const select = (slot: number, register: number): Operation => out(Address, 4, 0x8000_0000 + (slot << 11) + register);

function readPart(random: Random, add: Add): void {
  const size = random.pick<Width>([1, 2, 4, 4]);
  const lane = size * random.below(4 / size);
  add(select(random.pick([EduSlot, TestdevSlot]), random.pick(registers)), read(Data + lane, size));
}

function writePart(random: Random, add: Add): void {
  const slot = random.pick([EduSlot, TestdevSlot]);
  const register = random.pick(registers);
  const isPortBar = slot === TestdevSlot && register === PortBar;
  const size = isPortBar ? 4 : random.pick<Width>([1, 2, 4, 4]);
  const lane = size * random.below(4 / size);
  const value = isPortBar ? random.pick(PortPlaces) : random.oneIn(2) ? random.pick(MemoryPlaces) : random.bits();
  add(select(slot, register), out(Data + lane, size, value), read(Data, 4));
}

/** As a driver: the port BAR at its place, decoded, and then a test of it, but for those that ioeventfds answer. */
function testPorts(random: Random, add: Add): void {
  add(
    select(TestdevSlot, PortBar),
    out(Data, 4, 0xc000),
    select(TestdevSlot, 4),
    out(Data, 2, random.pick([0, 1, 3, 7])),
  );
  add(out8(0xc000, random.pick([0, 0, 1, 2, 3])));
  for (let times = random.below(4); times > 0; times--) {
    const [port, size] = random.pick<readonly [number, Width]>([
      [0xc083, 1],
      [0xc083, 1],
      [0xc082, 2],
      [0xc080, 4],
      [0xc010, 4],
    ]);
    add(out(port, size, random.pick([0xfa, 0xce, 0xfafa, 0xfa00_00fa])));
  }
  for (let times = 4; times > 0; times--) add(read(0xc000 + random.below(0x28), random.pick<Width>([1, 2, 4])));
}

/** Configuration space of cards: BARs and their sizes, a capability with masks; and what a port BAR leads to. */
export const pciCards: Chip = {
  ...pciConfig,
  name: 'edu-config',
  title: 'PCI cards: configuration of edu and pci-testdev, and the ports of the latter',
  devices: [use(Edu, { addr: '05.0' }), use(PciTestdev, { addr: '06.0', options: { membar: 64 * KiB } })],
  qemu: { arguments: ['-device', 'edu,addr=05.0', '-device', 'pci-testdev,addr=06.0,membar=64k'] },
  act(random, add) {
    random.weighted([
      [30, () => readPart(random, add)],
      [50, () => writePart(random, add)],
      [12, () => testPorts(random, add)],
      [1, () => add({ kind: 'reset' })],
    ]);
  },
};
