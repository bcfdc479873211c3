import { I8259 } from '../../devices/i8259.ts';
import type { Random } from '../../sdk/testing/random.ts';
import type { Chip } from './chip.ts';
import { type Operation, out, out8, portOrPlace, read, read8, type Width } from './script.ts';

interface Pic {
  readonly name: 'master' | 'slave';
  readonly command: number;
  readonly data: number;
  readonly elcr: number;
}

const Pics: readonly Pic[] = [
  { name: 'master', command: 0x20, data: 0x21, elcr: 0x4d0 },
  { name: 'slave', command: 0xa0, data: 0xa1, elcr: 0x4d1 },
];

const Initialize = 0x10;
const Icw4Needed = 0x01;
const Single = 0x02;
const LevelTriggered = 0x08;
const ReadRequests = 0x0a;
const ReadInService = 0x0b;
const Poll = 0x0c;
const SpecialMask = { on: 0x68, off: 0x48 } as const;
const NonSpecificEnd = 0x20;

type Add = (...operations: Operation[]) => void;

const input = (chip: Pic, line: number, level: boolean): Operation => ({ kind: 'input', chip: chip.name, line, level });

/** ICW1 to ICW4, as many as ICW1 announces; now and then broken off or answered by a read in between. */
function initialize(random: Random, pic: Pic, add: Add): void {
  const usual = Icw4Needed | (random.oneIn(4) ? Single : 0) | (random.oneIn(4) ? LevelTriggered : 0);
  const icw1 = Initialize | (random.oneIn(6) ? random.byte() & 0x0f : usual);
  const words = [random.byte(), pic.name === 'master' ? 0x04 : 0x02, random.pick([0x01, 0x01, 0x03, 0x11, 0x13])];
  if (icw1 & Single) words.splice(1, 1);
  if (!(icw1 & Icw4Needed)) words.pop();
  if (random.oneIn(8)) words.pop();
  add(out8(pic.command, icw1));
  for (const word of words) {
    add(out8(pic.data, word));
    if (random.oneIn(10)) add(read8(random.oneIn(2) ? pic.data : pic.command));
  }
  add(out8(pic.data, random.pick([0x00, 0x00, 0xff, random.byte()])));
}

/** As firmware and Linux do it, for both chips. */
function initializeBoth(random: Random, add: Add): void {
  for (const [pic, base] of [[Pics[0], 0x08] as const, [Pics[1], 0x70] as const]) {
    if (!pic) continue;
    const cascade = pic.name === 'master' ? 0x04 : 0x02;
    add(out8(pic.command, 0x11), out8(pic.data, base), out8(pic.data, cascade), out8(pic.data, 0x01));
    add(out8(pic.data, random.pick([0x00, 0xfb, 0xff])));
  }
}

function readAll(pic: Pic, add: Add): void {
  add(out8(pic.command, ReadRequests), read8(pic.command), out8(pic.command, ReadInService), read8(pic.command));
  add(read8(pic.data), read8(pic.elcr));
}

function pulse(random: Random, pic: Pic, add: Add): void {
  const line = random.below(8);
  add(input(pic, line, true));
  if (random.oneIn(2)) add(out8(pic.command, ReadRequests), read8(pic.command));
  add(input(pic, line, false));
}

/** Serves what is pending, as a driver without interrupts would: poll, then end the interrupt. */
function pollAndEnd(random: Random, pic: Pic, add: Add): void {
  add(out8(pic.command, Poll), read8(random.oneIn(6) ? pic.data : pic.command));
  add(out8(pic.command, random.oneIn(3) ? endCommand(random) : NonSpecificEnd));
}

/** OCW2 of every kind: ends of interrupts, rotations, priorities. */
function endCommand(random: Random): number {
  return (random.below(8) << 5) | random.below(8);
}

function oddAccess(random: Random, add: Add): void {
  const port = random.pick([0x1f, 0x20, 0x21, 0x22, 0x9f, 0xa0, 0xa1, 0x4cf, 0x4d0, 0x4d1, 0x4d2]);
  const size = random.pick<Width>([1, 2, 4]);
  add(random.oneIn(2) ? read(port, size) : out(port, size, random.bits()));
}

export const pic: Chip = {
  name: 'pic',
  title: 'i8259 interrupt controllers, master and slave, with ELCR',
  dates: ['2024-02-28T21:43:50'],
  machineOptions: {},
  qemu: {
    chips: { type: 'isa-i8259', names: Pics.map(({ name }) => name) },
    watch: { type: 'isa-i8259', outputs: [0] },
  },
  registerNames: () => portOrPlace,
  // Input 2 of the master has no pin: the slave drives it. QEMU's can be driven.
  setInput: (machine, name, line, level) => {
    const { master, slave } = machine.device(I8259);
    (name === 'master' ? master : slave).setInput(line, level);
  },
  outputs: (machine) => Number(machine.device(I8259).interrupt.level),
  act(random, add) {
    const one = random.pick(Pics);
    random.weighted([
      [3, () => initialize(random, one, add)],
      [1, () => initializeBoth(random, add)],
      [30, () => add(input(one, random.below(8), random.oneIn(2)))],
      [15, () => pulse(random, one, add)],
      [15, () => readAll(one, add)],
      [20, () => pollAndEnd(random, one, add)],
      [10, () => add(out8(one.command, random.oneIn(2) ? NonSpecificEnd : endCommand(random)))],
      [6, () => add(out8(one.data, random.byte()), read8(one.data))],
      [6, () => add(out8(one.elcr, random.byte()), read8(one.elcr))],
      [4, () => add(out8(one.command, random.pick([SpecialMask.on, SpecialMask.off, random.byte() & 0x7f])))],
      [6, () => add(read8(one.command), read8(one.data))],
      [3, () => oddAccess(random, add)],
      [1, () => add({ kind: 'reset' }, read8(one.command))],
    ]);
  },
};
