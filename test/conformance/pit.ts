import { I8254 } from '../../devices/index.ts';
import { use } from '../../sdk/index.ts';
import type { Random } from '../../sdk/testing/random.ts';
import type { Chip } from './chip.ts';
import { type Operation, out, out8, portOrPlace, read, read8, type Width } from './script.ts';

const Counter0 = 0x40;
const Control = 0x43;
const SystemControl = 0x61;
const Both = 3;

type Add = (...operations: Operation[]) => void;

export const control = (value: number): Operation => out8(Control, value);
export const setCounter = (counter: number, value: number): Operation => out8(Counter0 + counter, value);
export const getCounter = (counter: number): Operation => read8(Counter0 + counter);
export const setSystemControl = (value: number): Operation => out8(SystemControl, value);
export const getSystemControl = read8(SystemControl);
export const getControl = read8(Control);

/** A control word and a count, as a driver writes them; now and then a byte is left out, or read in between. */
function program(random: Random, add: Add): void {
  const counter = random.below(3);
  const access = random.oneIn(2) ? Both : 1 + random.below(3);
  const mode = random.below(8);
  add(control((counter << 6) | (access << 4) | (mode << 1) | (random.oneIn(4) ? 1 : 0)));
  if (random.oneIn(4)) add(getCounter(counter));
  for (let left = access === Both ? 2 : 1; left > 0; left--) {
    if (random.oneIn(10)) continue;
    add(setCounter(counter, count(random)));
    if (random.oneIn(6)) add(getCounter(counter));
  }
  readCount(random, counter, add);
}

const count = (random: Random): number => (random.oneIn(3) ? random.pick([0, 1, 2, 3, 0x12, 0xff]) : random.byte());

/** The count, latched or not, in two bytes or one. */
function readCount(random: Random, counter: number, add: Add): void {
  if (random.oneIn(2)) add(control(counter << 6));
  add(getCounter(counter));
  if (!random.oneIn(4)) add(getCounter(counter));
}

/** Counts and statuses of several counters at once, and reads of them. */
function readBack(random: Random, add: Add): void {
  add(control(0xc0 | (random.below(16) << 1) | (random.oneIn(2) ? 0 : random.pick([0x10, 0x20, 0x30]))));
  for (let left = random.below(8); left > 0; left--) add(getCounter(random.below(3)));
}

function gate(random: Random, add: Add): void {
  add(setSystemControl(random.oneIn(2) ? random.below(4) : random.byte()), getSystemControl);
  if (random.oneIn(2)) readCount(random, 2, add);
}

function oddAccess(random: Random, add: Add): void {
  const port = random.pick([0x3f, 0x40, 0x41, 0x42, 0x43, 0x44, 0x61, 0x61]);
  const size = random.pick<Width>([1, 2, 4]);
  add(random.oneIn(2) ? read(port, size) : out(port, size, random.bits()));
}

/** What a driver does, or could have meant. */
export function drive(random: Random, add: Add): void {
  random.weighted([
    [20, () => program(random, add)],
    [10, () => add(setCounter(random.below(3), count(random)))],
    [20, () => readCount(random, random.below(3), add)],
    [15, () => readBack(random, add)],
    [8, () => gate(random, add)],
    [4, () => add(getSystemControl)],
    [2, () => add(control(random.byte()))],
  ]);
}

export const pit: Chip = {
  name: 'pit',
  title: 'i8254 and port 0x61: control words, counts, latches, status and gate; a count is loaded at once',
  dates: ['2024-02-28T21:43:50'],
  devices: [use(I8254)],
  machineOptions: {},
  deviceOptions: () => ({}),
  qemu: {},
  registerNames: () => portOrPlace,
  act(random, add) {
    random.weighted([
      [79, () => drive(random, add)],
      [4, () => oddAccess(random, add)],
      [1, () => add({ kind: 'reset' }, getSystemControl, ...[0, 1, 2].map(getCounter))],
    ]);
  },
};
