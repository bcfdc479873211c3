import { Edu, PcTestdev } from '../../devices/index.ts';
import { q35 } from '../../machines/index.ts';
import { use } from '../../sdk/index.ts';
import type { Random } from '../../sdk/testing/random.ts';
import type { Chip } from './chip.ts';
import { pciConfig } from './pci-config.ts';
import { isaLines, type Operation, out, out8, read, store } from './script.ts';

type Add = (...operations: Operation[]) => void;

const [Address, Data] = [0xcf8, 0xcfc] as const;
/** Slots 2 and 6 share a PIRQ. */
const slots = [2, 3, 4, 5, 6] as const;
const IsaLines = 0x2000;
/** Lines that neither a timer nor a keyboard controller nor a clock of QEMU's board drives. */
const freeLines = [2, 3, 4, 5, 6, 7, 9, 10, 11, 13, 14, 15] as const;

const select = (slot: number, register: number): Operation => {
  return out(Address, 4, 0x8000_0000 + (slot << 11) + (register & 0xfc));
};

const barOf = (slot: number): number => 0xe000_0000 + slot * 0x10_0000;
export const raise = (slot: number): Operation[] => [store(barOf(slot) + 0x60, 4, 1), isaLines];
export const lower = (slot: number): Operation[] => [store(barOf(slot) + 0x64, 4, 0xffff_ffff), isaLines];
export const pullIsaLine = (line: number, level: 0 | 1): Operation[] => [out8(IsaLines + line, level), isaLines];
export const mapCards: readonly Operation[] = slots.flatMap((slot) => [
  ...[select(slot, 0x10), out(Data, 4, barOf(slot)), select(slot, 0x04), out(Data, 2, 0x06)],
]);

/** Where a bridge has its routes: PIRQ A to D, and on q35 E to H. */
export const pcRoutes = { slot: 1, registers: [0x60] } as const;
export const q35Routes = { slot: 0x1f, registers: [0x60, 0x68] } as const;
type Routes = typeof pcRoutes | typeof q35Routes;

export const route = ({ slot }: Routes, register: number, value: number): Operation[] => {
  return [select(slot, register), out8(Data + (register & 3), value), isaLines];
};

/** A line, one that several share, no line, and what is no route. */
const anyRoute = (random: Random): number => {
  const line = random.pick(freeLines);
  return random.pick([line, line, 11, 11, 0x80, 0x80 + line, 0x10 + line, 0x10 * random.below(16) + line]);
};

function writeRoute(random: Random, routes: Routes, add: Add): void {
  const register = random.pick<number>(routes.registers) + random.below(4);
  if (!random.oneIn(4)) add(...route(routes, register, anyRoute(random)));
  else {
    const four = [0, 8, 16, 24].reduce((value, shift) => value | (anyRoute(random) << shift), 0);
    add(select(routes.slot, register), out(Data, 4, four), isaLines);
  }
  if (random.oneIn(3)) add(read(Data, 4));
}

/** Everything low before: what QEMU keeps over a reset is on the list, and has a script of its own. */
function reset(add: Add): void {
  add(...slots.flatMap(lower), ...freeLines.flatMap((line) => pullIsaLine(line, 0)), { kind: 'reset' }, isaLines);
  add(...mapCards);
}

const chipOf = (routes: Routes): Chip => ({
  ...pciConfig,
  name: 'pirq',
  title: 'PIRQ routing of the PIIX3: five cards on four interrupts, and an ISA device on the same lines',
  machineOptions: { resetControl: 'behind' },
  devices: [...slots.map((slot) => use(Edu, { id: `edu${slot}`, addr: `0${slot}.0` })), use(PcTestdev)],
  qemu: {
    arguments: [...slots.flatMap((slot) => ['-device', `edu,addr=0${slot}.0`]), '-device', 'pc-testdev'],
    lines: true,
  },
  act(random, add) {
    const slot = random.pick(slots);
    random.weighted([
      [3, () => add(...mapCards)],
      [40, () => add(...(random.oneIn(2) ? raise(slot) : lower(slot)))],
      [20, () => writeRoute(random, routes, add)],
      [15, () => add(...pullIsaLine(random.pick(freeLines), random.oneIn(2) ? 1 : 0))],
      [5, () => add(select(slot, 0x04), out(Data, 2, random.pick([0x06, 0x06, 0x406])), isaLines)],
      [1, () => reset(add)],
    ]);
  },
});

export const pcRouting: Chip = chipOf(pcRoutes);

export const q35Routing: Chip = {
  ...chipOf(q35Routes),
  name: 'q35-pirq',
  title: 'PIRQ routing of ICH9: five cards on four of its eight interrupts, and an ISA device on the same lines',
  machine: q35,
  machineOptions: {},
  qemu: { ...chipOf(q35Routes).qemu, machine: 'q35' },
};
