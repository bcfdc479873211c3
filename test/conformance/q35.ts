import { q35 as q35Machine } from '../../machines/index.ts';
import type { Random } from '../../sdk/testing/random.ts';
import type { Chip } from './chip.ts';
import { oddAccess, pciConfig } from './pci-config.ts';
import { type Operation, out, read, type Width } from './script.ts';

const Address = 0xcf8;
const Data = 0xcfc;
const Mch = 0x8000_0000;
const Lpc = 0x8000_f800;
const PowerManagementBase = 0x40;
const mchRegisters = [0x00, 0x04, 0x08, 0x0c, 0x2c, 0x3c, 0x54, 0x60, 0x64, 0x90, 0x94, 0xa0] as const;
const lpcRegisters = [
  0x00, 0x04, 0x08, 0x0c, 0x2c, 0x3c, 0x40, 0x44, 0x60, 0x64, 0x68, 0x6c, 0xa0, 0xa0, 0xf0,
] as const;

type Add = (...operations: Operation[]) => void;

function choose(random: Random): number {
  const [func, registers] = random.pick([
    [Mch, mchRegisters],
    [Lpc, lpcRegisters],
  ] as const);
  return func + (random.oneIn(4) ? random.byte() & 0xfc : random.pick<number>(registers));
}

function access(random: Random, add: Add): void {
  const address = choose(random);
  const size = random.pick<Width>([1, 2, 4, 4]);
  const lane = size * random.below(4 / size);
  add(out(Address, 4, address));
  // Wherever power management would be mapped, it answers in QEMU's machine and not in ours: it stays where nobody looks.
  if (address === Lpc + PowerManagementBase) add(out(Data, 4, random.pick([0x600, 0xb000, 0])));
  else if (!random.oneIn(3))
    add(out(Data + lane, size, random.oneIn(3) ? random.pick([0, 0xffff_ffff]) : random.bits()));
  add(read(Data + lane, size), read(Data, 4));
}

/** SMRAM is opened, closed and locked, and what was locked stays so until a reset. */
function lock(random: Random, add: Add): void {
  add(out(Address, 4, Mch + 0x9c), out(Data + 1, 1, random.byte()), out(Data + 2, 1, random.byte()));
  add(read(Data + 1, 1), read(Data + 2, 2));
}

/** In front of the address ports QEMU has hotplug of processors, which ours does not model. */
const isAtBridge = (operation: Operation): boolean => !('port' in operation) || operation.port >= Address;

export const q35Config: Chip = {
  ...pciConfig,
  name: 'q35-config',
  title: 'PCI configuration of q35: memory controller and LPC bridge, their masks and locks',
  machine: q35Machine,
  machineOptions: {},
  // The memory for system management mode that QEMU offers otherwise; ours has no such mode.
  qemu: {
    machine: 'q35',
    arguments: ['-global', 'mch.extended-tseg-mbytes=0', '-global', 'mch.smbase-smram=off'],
  },
  act(random, add) {
    random.weighted([
      [50, () => access(random, add)],
      [12, () => lock(random, add)],
      [8, () => oddAccess(random, (...operations) => add(...operations.filter(isAtBridge)))],
      [1, () => add({ kind: 'reset' })],
    ]);
  },
};
