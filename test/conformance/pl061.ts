import { Pl061, pl061Registers } from '../../devices/pl061.ts';
import { place, use } from '../../sdk/index.ts';
import type { Random } from '../../sdk/testing/random.ts';
import { driveInput, levelsOf, onVersatile, Versatile, VersatileInterrupt } from './boards.ts';
import type { Chip } from './chip.ts';
import { hex, load, type Operation, placeOf, store, type Width } from './script.ts';

const Base = Versatile.Gpio[0];
const Register = {
  Direction: 0x400,
  Sense: 0x404,
  BothEdges: 0x408,
  Event: 0x40c,
  Mask: 0x410,
  RawStatus: 0x414,
  MaskedStatus: 0x418,
  Clear: 0x41c,
  ModeControl: 0x420,
  Identification: 0xfe0,
} as const;
const Writable = [Register.Direction, Register.Sense, Register.BothEdges, Register.Event, Register.Mask] as const;
const Pins = 8;

type Add = (...operations: Operation[]) => void;

/** The address has the mask of the bits in its bits 9 to 2. */
const data = (mask: number): number => Base + 4 * mask;
const input = (line: number, level: boolean): Operation => ({ kind: 'input', chip: 'gpio', line, level });
const status = [load(Base + Register.RawStatus, 4), load(Base + Register.MaskedStatus, 4)];

/** Configures a pin as Linux's driver does: sense, edges, event, and the mask last. */
function configure(random: Random, add: Add): void {
  for (const register of Writable) add(store(Base + register, 4, random.byte()));
  add(store(Base + Register.Clear, 4, 0xff), ...status);
}

function change(random: Random, add: Add): void {
  const line = random.below(Pins);
  add(input(line, random.oneIn(2)), ...(random.oneIn(2) ? status : [load(data(0xff), 4)]));
}

function pulse(random: Random, add: Add): void {
  const line = random.below(Pins);
  const first = random.oneIn(2);
  add(input(line, first), input(line, !first), input(line, first), ...status);
}

function acknowledge(random: Random, add: Add): void {
  add(load(Base + Register.MaskedStatus, 4), store(Base + Register.Clear, 4, random.oneIn(3) ? 0xff : random.byte()));
  add(...status);
}

function drive(random: Random, add: Add): void {
  add(store(data(random.byte()), 4, random.byte()), load(data(random.oneIn(3) ? random.byte() : 0xff), 4));
}

/**
 * Any register in any width, and what is none. Data and identification at multiples of four only: QEMU answers alike at each
 * of the four bytes, and a 32-bit bus has the bits in the lowest one.
 */
function oddAccess(random: Random, add: Add): void {
  const size = random.pick<Width>([1, 2, 4]);
  const inBetween = 0x400 + random.below(0x40);
  const multiple = 4 * random.below(0x400);
  const place = random.oneIn(2) ? inBetween - (inBetween % size) : multiple;
  add(random.oneIn(2) ? load(Base + place, size) : store(Base + place, size, random.bits()), load(data(0xff), 4));
}

const registerNames = () => (operation: Operation) =>
  operation.kind === 'load' ? `register ${hex(operation.address - Base, 3)}` : placeOf(operation as never);

const actions = (random: Random, add: Add): void =>
  random.weighted([
    [6, () => configure(random, add)],
    [30, () => change(random, add)],
    [12, () => pulse(random, add)],
    [12, () => acknowledge(random, add)],
    [14, () => drive(random, add)],
    [8, () => add(store(Base + random.pick(Writable), 4, random.byte()), ...status)],
    [4, () => add(store(Base + Register.ModeControl, 4, random.byte()), load(Base + Register.ModeControl, 4))],
    [4, () => add(load(Base + Register.Identification + 4 * random.below(8), 4))],
    [6, () => oddAccess(random, add)],
    [1, () => add({ kind: 'reset' }, store(Base + Register.Clear, 4, 0xff), load(data(0xff), 4), ...status)],
  ]);

const common = {
  registerNames,
  devices: [use(Pl061, { id: 'gpio', at: [place(pl061Registers, Base)] })],
  outputs: (machine) => Number(machine.device(Pl061).irq.level),
  setInput: (machine, _chip, line, level) => driveInput(machine.device(Pl061), `line[${line}]`, level),
  act: actions,
} satisfies Partial<Chip>;
const onBoard = onVersatile([VersatileInterrupt.Gpio[0]]);
const names = Versatile.Gpio.map((_, index) => (index === 0 ? 'gpio' : `gpio${index}`));

/** The interrupt of the first of versatilepb's four. */
export const pl061: Chip = {
  ...onBoard,
  ...common,
  name: 'pl061',
  title: 'PL061 GPIO: registers, inputs, and its interrupt',
  qemu: { ...onBoard.qemu, chips: { type: 'pl061', names }, edgesOnly: true },
};

/** The same with its output pins watched. */
export const pl061Outputs: Chip = {
  ...pl061,
  name: 'pl061-outputs',
  title: 'PL061 GPIO: registers, inputs, and its output pins',
  // QEMU's pins have pull-ups: those that are no outputs are high.
  outputs: (machine) => {
    const { out, direction } = machine.device(Pl061);
    return levelsOf(out) | (0xff & ~direction);
  },
  qemu: {
    ...pl061.qemu,
    watch: { type: 'pl061', outputs: Array.from({ length: Pins }, (_, pin) => pin), highAfterReset: true },
  },
};
