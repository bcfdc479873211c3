import { Sp804, sp804Registers } from '../../devices/sp804.ts';
import { place, use } from '../../sdk/index.ts';
import type { Random } from '../../sdk/testing/random.ts';
import { onVersatile, Versatile, VersatileInterrupt } from './boards.ts';
import type { Chip } from './chip.ts';
import { hex, load, type Operation, placeOf, store } from './script.ts';

const Base = Versatile.Timers[0];
const Register = {
  Load: 0x00,
  Value: 0x04,
  Control: 0x08,
  Clear: 0x0c,
  Raw: 0x10,
  Masked: 0x14,
  Background: 0x18,
} as const;
/**
 * Reserved bits are written as zeros, as the manual asks. The prescaler 256 is left out: QEMU has 3906 Hz for 3906.25 Hz, and
 * shows a count less.
 */
const someControl = (random: Random): number => {
  const control = random.bits() & 0xef;
  return (control & 0x0c) === 0x08 ? control ^ 0x04 : control;
};
const Names: readonly string[] = Object.keys(Register);

type Add = (...operations: Operation[]) => void;

/** What a driver looks at after a change. */
const looks = (base: number): Operation[] => [
  load(base + Register.Value, 4),
  load(base + Register.Raw, 4),
  load(base + Register.Masked, 4),
];

/** Short runs, and 0, which interrupts at once. */
const someCount = (random: Random): number => random.pick([0, 0, 1, random.below(0x1_0000), random.bits()]);

/** As Linux's driver does: stop, load, control. */
function configure(random: Random, add: Add, base: number): void {
  add(store(base + Register.Control, 4, 0), store(base + Register.Load, 4, someCount(random)));
  add(store(base + Register.Control, 4, someControl(random)), ...looks(base));
}

function access(random: Random, add: Add, base: number): void {
  const register = base + 4 * random.below(8);
  const isControl = register === base + Register.Control;
  if (random.oneIn(3)) add(load(register, 4));
  else add(store(register, 4, isControl ? someControl(random) : someCount(random)), ...looks(base));
}

const registerNames = () => (operation: Operation) => {
  if (operation.kind !== 'load') return placeOf(operation as never);
  const offset = operation.address - Base;
  const name = Names[(offset & 0x1f) >> 2];
  return offset < 0x40 && name !== undefined ? `timer ${1 + (offset >> 5)} ${name}` : `register ${hex(offset, 3)}`;
};

const board = onVersatile([VersatileInterrupt.Timers[0]]);

/** The first of versatilepb's two. Time stands still: what passes with time is in test/devices/sp804.test.ts. */
export const sp804: Chip = {
  ...board,
  name: 'sp804',
  title: 'SP804 dual timer: registers and its combined interrupt, while time stands still',
  registerNames,
  devices: [use(Sp804, { id: 'timers', at: [place(sp804Registers, Base)] })],
  outputs: (machine) => Number(machine.device(Sp804).timintc.level),
  act(random, add) {
    const base = Base + random.pick([0, 0x20]);
    random.weighted([
      [10, () => configure(random, add, base)],
      [10, () => access(random, add, base)],
      [
        5,
        () =>
          add(store(base + Register.Background, 4, someCount(random)), load(base + Register.Load, 4), ...looks(base)),
      ],
      [5, () => add(store(base + Register.Clear, 4, random.bits()), ...looks(base))],
      [1, () => add(load(Base + 0xfe0 + 4 * random.below(8), 4))],
      [1, () => add(load(Base + 0x40 + 4 * random.below(0x3a0), 4))],
    ]);
  },
};
