import { Plic, plicRegisters } from '../../devices/plic.ts';
import { place, use } from '../../sdk/index.ts';
import type { Random } from '../../sdk/testing/random.ts';
import { driveInput, levelsOf, onVirt, Virt } from './boards.ts';
import type { Chip } from './chip.ts';
import { hex, load, type Operation, placeOf, store } from './script.ts';

const Base = Virt.Plic;
/** QEMU has a priority register for 96 too, and nothing else of it: the scripts leave it out. */
const Sources = 95;
const Contexts = 2;
/** Most of the time a few sources contend, in both words of a pair and at their ends. */
const usual = [1, 2, 10, 31, 32, 33, 64, 95] as const;

type Add = (...operations: Operation[]) => void;

const priority = (source: number): number => Base + 4 * source;
const pending = (source: number): number => Base + 0x1000 + 4 * (source >> 5);
const enable = (context: number, word: number): number => Base + 0x2000 + 0x80 * context + 4 * word;
const threshold = (context: number): number => Base + 0x20_0000 + 0x1000 * context;
const claim = (context: number): number => threshold(context) + 4;
const input = (line: number, level: boolean): Operation => ({ kind: 'input', chip: 'plic', line, level });

const anySource = (random: Random): number => (random.oneIn(4) ? 1 + random.below(Sources) : random.pick(usual));
const anyContext = (random: Random): number => random.below(Contexts);

function configure(random: Random, add: Add): void {
  for (const source of usual) add(store(priority(source), 4, random.below(8)));
  for (let context = 0; context < Contexts; context++) {
    add(store(threshold(context), 4, random.oneIn(2) ? 0 : random.below(8)));
    for (let word = 0; word < 3; word++) add(store(enable(context, word), 4, random.bits() & ~1));
  }
}

function serve(random: Random, add: Add): void {
  const context = anyContext(random);
  add(load(claim(context), 4), load(pending(anySource(random)), 4));
  // What was claimed is not known to the script: one of the usual is completed.
  add(store(claim(random.oneIn(6) ? anyContext(random) : context), 4, anySource(random)), load(claim(context), 4));
}

function completeAll(random: Random, add: Add): void {
  const context = anyContext(random);
  for (const source of usual) add(store(claim(context), 4, source));
  add(load(pending(1), 4), load(pending(32), 4), load(pending(64), 4));
}

function oddAccess(random: Random, add: Add): void {
  const place = random.pick([0, 4 * (Sources + 2), 0x100c, 0x200c, 0x2100, 0x20_0008, 0x20_2000, 0x20_2004]);
  add(random.oneIn(2) ? load(Base + place, 4) : store(Base + place, 4, random.bits()), load(pending(1), 4));
}

const registerNames = () => (operation: Operation) =>
  operation.kind === 'load' ? `register ${hex(operation.address - Base, 6)}` : placeOf(operation as never);

export const plic: Chip = {
  ...onVirt,
  name: 'plic',
  title: 'PLIC: priorities, enables, thresholds, claims and completions of two contexts',
  devices: [use(Plic, { options: { sources: Sources, contexts: Contexts }, at: [place(plicRegisters, Base)] })],
  registerNames,
  setInput: (machine, _chip, line, level) => driveInput(machine.device(Plic), `source[${line}]`, level),
  outputs: (machine) => levelsOf(machine.device(Plic).external),
  act(random, add) {
    random.weighted([
      [4, () => configure(random, add)],
      [30, () => add(input(anySource(random), random.oneIn(2)), load(pending(anySource(random)), 4))],
      [30, () => serve(random, add)],
      [4, () => completeAll(random, add)],
      [8, () => add(store(priority(anySource(random)), 4, random.oneIn(2) ? random.below(8) : random.bits()))],
      [8, () => add(store(enable(anyContext(random), random.below(3)), 4, random.bits()))],
      [8, () => add(store(threshold(anyContext(random)), 4, random.oneIn(2) ? random.below(8) : random.bits()))],
      [6, () => add(load(priority(anySource(random)), 4), load(enable(anyContext(random), random.below(3)), 4))],
      [6, () => add(load(threshold(anyContext(random)), 4))],
      [4, () => oddAccess(random, add)],
      [1, () => add({ kind: 'reset' }, load(pending(1), 4))],
    ]);
  },
};
