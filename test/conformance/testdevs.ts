import { PciTestdev, PcTestdev } from '../../devices/index.ts';
import { use } from '../../sdk/index.ts';
import { simulatedAccelerator } from '../../sdk/runtime.ts';
import type { Random } from '../../sdk/testing/random.ts';
import type { Chip } from './chip.ts';
import { pciConfig } from './pci-config.ts';
import { isaLines, load, type Operation, out, out8, read, store, type Width } from './script.ts';

const Address = 0xcf8;
const Data = 0xcfc;
const Slot = 0x8000_3000;
const Memory = 0xe000_0000;
const Ports = 0xc000;
/** The first half of each BAR is the header, the tests lie at the start of the second. */
const Half = { Memory: 0x800, Ports: 0x80 } as const;

type Add = (...operations: Operation[]) => void;

function mapCard(add: Add): void {
  add(out(Address, 4, Slot + 0x10), out(Data, 4, Memory), out(Address, 4, Slot + 0x14), out(Data, 4, Ports));
  add(out(Address, 4, Slot + 4), out(Data, 2, 3));
}

/** Values that tests wait for, and others, in the widths that they may come in. */
const testValue = (random: Random): number =>
  random.pick([0xfa, 0xce, 0xfafa, 0xfa00_00fa, 0xcece_cece, random.bits()]);

function testMemory(random: Random, add: Add): void {
  add(store(Memory, 1, random.pick([0, 1, 2, 3, 0xff])));
  for (let times = random.below(5); times > 0; times--) {
    add(store(Memory + Half.Memory + random.below(8), random.pick<Width>([1, 1, 2, 4]), testValue(random)));
  }
  for (let times = 4; times > 0; times--) add(load(Memory + random.below(0x28), random.pick<Width>([1, 2, 4])));
  add(load(Memory + Half.Memory + random.below(8), 4));
}

function testPorts(random: Random, add: Add): void {
  add(out8(Ports, random.pick([0, 1, 2, 3, 0xff])));
  for (let times = random.below(5); times > 0; times--) {
    add(out(Ports + Half.Ports + random.below(8), random.pick<Width>([1, 1, 2, 4]), testValue(random)));
  }
  for (let times = 4; times > 0; times--) add(read(Ports + random.below(0x28), random.pick<Width>([1, 2, 4])));
  add(read(Ports + Half.Ports + random.below(8), 4));
}

/** KVM_CAP_IOEVENTFD. */
const Ioeventfd = 36;

/** Tests by both BARs, ioeventfds among them: they take matching writes away, and the count stays. */
export const pciTestdev: Chip = {
  ...pciConfig,
  name: 'pci-testdev',
  title: 'pci-testdev: tests of memory and ports, with and without ioeventfds',
  devices: [use(PciTestdev, { addr: '06.0' })],
  qemu: { arguments: ['-device', 'pci-testdev,addr=06.0'] },
  // Without a kernel that takes them, the memory core signals ioeventfds itself, as QEMU's does under TCG.
  accelerator: () => simulatedAccelerator({ capabilities: { [Ioeventfd]: 0 } }),
  act(random, add) {
    random.weighted([
      [2, () => mapCard(add)],
      [20, () => testMemory(random, add)],
      [20, () => testPorts(random, add)],
      [1, () => add({ kind: 'reset' })],
    ]);
  },
};

const Bank = { Wide: 0xe0, Flush: 0xe4, Bytes: 0xe8 } as const;
const IrqLines = 0x2000;
const Plain = 0xff00_0000;
const PlainSize = 0x1_0000;
/** Lines that nothing else on either board drives, nor the timer, the cascade and the clock, nor at a reset the keyboard controller and power management. */
const freeLines = [3, 4, 5, 6, 7, 10, 11, 13, 14, 15] as const;

function accessBank(random: Random, add: Add): void {
  const port = random.pick([Bank.Wide, Bank.Bytes]) + random.below(4);
  const size = random.pick<Width>([1, 2, 4]);
  // What runs over the wide bank's end meets the port that makes QEMU touch a page of its own.
  const runsOver = port < Bank.Flush && port + size > Bank.Flush;
  if (random.oneIn(2) || runsOver) add(read(port, size));
  else add(out(port, size, random.bits()), read(Bank.Wide, 4), read(Bank.Bytes, 4));
}

function accessMemory(random: Random, add: Add): void {
  const offset = random.oneIn(4) ? PlainSize - 1 - random.below(8) : random.below(64);
  const size = random.pick<Width>([1, 2, 4]);
  add(store(Plain + offset, size, random.bits()), load(Plain + (offset & ~3), 4), load(Plain + offset, size));
}

/** A line at the guest's own hand. */
function pullLine(random: Random, add: Add): void {
  add(out8(IrqLines + random.pick(freeLines), random.pick([0, 0, 1, 0xff])), isaLines);
}

export const pcTestdev: Chip = {
  ...pciConfig,
  name: 'pc-testdev',
  title: 'pc-testdev: register banks, memory and interrupt lines of the ISA test device',
  devices: [use(PcTestdev)],
  qemu: { arguments: ['-device', 'pc-testdev'], lines: true },
  act(random, add) {
    random.weighted([
      [30, () => accessBank(random, add)],
      [30, () => accessMemory(random, add)],
      [20, () => pullLine(random, add)],
      [5, () => add(read(Bank.Flush, random.pick<Width>([1, 2, 4])))],
      [5, () => add(read(IrqLines + random.below(24), random.pick<Width>([1, 2, 4])))],
      [1, () => add({ kind: 'reset' }, isaLines, read(Bank.Wide, 4), load(Plain, 4))],
    ]);
  },
};
