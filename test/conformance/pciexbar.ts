import { q35 } from '../../machines/index.ts';
import { MiB } from '../../sdk/index.ts';
import type { Random } from '../../sdk/testing/random.ts';
import type { Chip } from './chip.ts';
import { pciConfig } from './pci-config.ts';
import { load, type Operation, out, read, store, type Width } from './script.ts';

type Add = (...operations: Operation[]) => void;

const [Address, Data] = [0xcf8, 0xcfc] as const;
const Window = 0x8000_0060;
const Enable = 0x1;
const Reserved = 0x6;
/** 256, 128 and 64 MiB, and the reserved length. */
const lengths = [0x0, 0x2, 0x4, Reserved] as const;
/** Where windows go, in steps of 32 MiB: over RAM and where nothing is, and not to QEMU's chips below 4 GiB. */
const bases = [0, 0x8000_0000, 0xa000_0000, 0xb000_0000, 0xc000_0000, 0xd000_0000, 0xe000_0000] as const;
const Step = 32 * MiB;
const Steps = 8;
/** Bits above 4 GiB, some of which there are not. */
const upperHalves = [0, 0, 0, 0, 0, 1, 3, 0xf, 0x10, 0x1_0000, 0x8000_0000] as const;
/** Of bus 0: the memory controller and the LPC bridge, and places where nothing is. */
const functions = [0x00, 0x00, 0xf8, 0xf8, 0x01, 0x08, 0xf9, 0xff] as const;
const FunctionSize = 0x1000;
const BusSize = 1 * MiB;
/** Below, QEMU has a firmware that ours has not. */
const FirmwareEnd = 1 * MiB;

const anyBase = (random: Random): number => random.pick(bases) + Step * random.below(Steps);

function moveWindow(random: Random, add: Add): void {
  const low = anyBase(random) + random.pick(lengths) + (random.oneIn(5) ? 0 : Enable) + 8 * random.below(4);
  if (random.oneIn(3)) add(out(Address, 4, Window + 4), out(Data, 4, random.pick(upperHalves)), read(Data, 4));
  add(out(Address, 4, Window));
  if (random.oneIn(4)) add(out(Data + random.below(4), 1, random.byte()));
  else add(out(Data, 4, low));
  add(read(Data, 4));
}

/** A register of a function, of the first bus or of one that is not there, or behind the 256 bytes that it has. */
function anyRegister(random: Random): number {
  const bus = random.oneIn(4) ? BusSize * random.below(40) : 0;
  const offset = random.oneIn(4)
    ? random.below(FunctionSize)
    : random.pick([0, 0x04, 0x08, 0x3c, 0x60, 0x64, 0xfc, 0xff]);
  return bus + FunctionSize * random.pick(functions) + offset;
}

function look(random: Random, add: Add): void {
  const above = random.oneIn(4) ? 2 ** 32 * random.pick([1, 3, 0xf, 0x10]) : 0;
  const address = above + anyBase(random) + anyRegister(random);
  add(load(address < FirmwareEnd ? address + FirmwareEnd : address, random.pick<Width>([1, 2, 4])));
}

/** Through the window, where there is one: a byte that only holds what is written, or the window's own register. */
function change(random: Random, add: Add): void {
  const base = anyBase(random);
  const register = random.oneIn(4) ? 0x60 : FunctionSize * random.pick(functions) + 0x3c;
  const value = random.oneIn(2) ? anyBase(random) + Enable : random.bits() & 0xf000_00ff;
  if (base < FirmwareEnd) return;
  add(store(base + register, random.pick<Width>([1, 4]), value), load(base + register, 4));
}

export const pciexbar: Chip = {
  ...pciConfig,
  name: 'pciexbar',
  title: 'PCIEXBAR: the window onto configuration space of q35, where it lies and what it shows',
  machine: q35,
  machineOptions: {},
  qemu: { machine: 'q35' },
  act(random, add) {
    random.weighted([
      [10, () => moveWindow(random, add)],
      [50, () => look(random, add)],
      [8, () => change(random, add)],
      [1, () => add({ kind: 'reset' })],
    ]);
  },
};
