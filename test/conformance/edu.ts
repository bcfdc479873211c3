import { Edu } from '../../devices/index.ts';
import { use } from '../../sdk/index.ts';
import type { Random } from '../../sdk/testing/random.ts';
import type { Chip } from './chip.ts';
import { pciConfig } from './pci-config.ts';
import { load, type Operation, out, read, store, type Width } from './script.ts';

const Address = 0xcf8;
const Data = 0xcfc;
export const Bar = 0xe000_0000;
const Command = 0x8000_2804;
export const Register = {
  Liveness: 0x04,
  Factorial: 0x08,
  Status: 0x20,
  Causes: 0x24,
  Raise: 0x60,
  Acknowledge: 0x64,
} as const;
const Computing = 0x01;
const InterruptWhenDone = 0x80;
const Done = 0x01;
const DmaRegisters = [0x80, 0x84, 0x88, 0x8c, 0x90, 0x94, 0x98, 0x9c] as const;
const DmaCommand = 0x98;
const Run = 0x01;

type Add = (...operations: Operation[]) => void;

/** As a driver begins: the BAR in its place, decoded. Without it nobody answers there. */
export function map(add: Add): void {
  add(out(Address, 4, Command + 0x0c), out(Data, 4, Bar), out(Address, 4, Command), out(Data, 2, 0x06));
}

/**
 * Both sides compute in their own time: what is between is not compared. QEMU's card is done with computing a moment before it
 * interrupts, so that the interrupt is waited for too.
 */
function compute(random: Random, add: Add): void {
  const n = random.oneIn(4) ? random.below(20_000) : random.below(40);
  const interrupts = random.oneIn(2);
  map(add);
  add(store(Bar + Register.Status, 4, interrupts ? InterruptWhenDone : 0), store(Bar + Register.Acknowledge, 4, Done));
  add(store(Bar + Register.Factorial, 4, n));
  add({ kind: 'await', address: Bar + Register.Status, bits: Computing, until: 'clear' });
  if (interrupts) add({ kind: 'await', address: Bar + Register.Causes, bits: Done, until: 'set' });
  add(load(Bar + Register.Factorial, 4), load(Bar + Register.Status, 4), load(Bar + Register.Causes, 4));
}

function interrupt(random: Random, add: Add): void {
  const register = random.pick([Register.Raise, Register.Raise, Register.Acknowledge, Register.Acknowledge]);
  const causes = random.oneIn(3) ? random.bits() : random.pick([0, 1, 0x100, 0x101, 0xffff_ffff]);
  add(store(Bar + register, 4, causes), load(Bar + Register.Causes, 4));
  // The pin, as the status register shows it.
  add(out(Address, 4, Command), read(Data, 4));
}

/** A transfer is over only when the clock has moved, and QEMU's stands still: the run bit stays out of it. */
function setDmaRegister(random: Random, add: Add): void {
  const offset = random.pick(DmaRegisters);
  const value = offset === DmaCommand ? random.bits() & ~Run : random.bits();
  add(store(Bar + offset, 4, value), load(Bar + (random.oneIn(2) ? offset : random.pick(DmaRegisters)), 4));
}

/** Widths and places that no register has, reads of all that there is. */
function oddAccess(random: Random, add: Add): void {
  const offset = random.oneIn(2) ? random.below(0xc0) : random.pick([0x1000, 0x4_0000, 0xf_fff0]) + random.below(8);
  const size = random.pick<Width>([1, 2, 4]);
  const startsSomething = offset + size > Register.Factorial && offset < Register.Factorial + 4;
  const isDma = offset + size > DmaCommand && offset < DmaCommand + 4;
  if (random.oneIn(2) || startsSomething || isDma) add(load(Bar + offset, size));
  else add(store(Bar + offset, size, random.bits()), load(Bar + (offset & ~3), 4));
}

function reset(add: Add): void {
  add({ kind: 'reset' }, out(Address, 4, Command), read(Data, 4));
  map(add);
  for (const register of [Register.Liveness, Register.Status, Register.Causes]) add(load(Bar + register, 4));
}

/** The card's registers, over resets too. */
export const edu: Chip = {
  ...pciConfig,
  name: 'edu',
  title: 'edu card: registers, factorial when it is done, interrupts by pin',
  devices: [use(Edu, { addr: '05.0' })],
  qemu: { arguments: ['-device', 'edu,addr=05.0'] },
  act(random, add) {
    random.weighted([
      [3, () => map(add)],
      [4, () => compute(random, add)],
      [10, () => add(store(Bar + Register.Liveness, 4, random.bits()), load(Bar + Register.Liveness, 4))],
      [10, () => add(store(Bar + Register.Status, 4, random.bits()), load(Bar + Register.Status, 4))],
      [30, () => interrupt(random, add)],
      [30, () => setDmaRegister(random, add)],
      [20, () => oddAccess(random, add)],
      [1, () => add(out(Address, 4, Command), out(Data, 2, random.pick([0x00, 0x02, 0x06, 0x406])))],
      [1, () => reset(add)],
    ]);
  },
};
