import { Pl022, pl022Registers } from '../../devices/pl022.ts';
import { place, use } from '../../sdk/index.ts';
import type { Random } from '../../sdk/testing/random.ts';
import { Highbank, onHighbank } from './boards.ts';
import type { Chip } from './chip.ts';
import { hex, load, type Operation, placeOf, store, type Width } from './script.ts';

const Base = Highbank.Ssp;
const Register = {
  Control0: 0x00,
  Control1: 0x04,
  Data: 0x08,
  Status: 0x0c,
  Prescale: 0x10,
  Mask: 0x14,
  RawStatus: 0x18,
  MaskedStatus: 0x1c,
  Clear: 0x20,
  Dma: 0x24,
  Identification: 0xfe0,
} as const;
const Control1 = { LoopBack: 1, Enable: 2 } as const;

type Add = (...operations: Operation[]) => void;

const set = (register: number, value: number): Operation => store(Base + register, 4, value);
const get = (register: number): Operation => load(Base + register, 4);

/** A frame has 4 to 16 bits. What the size 0 of a reset means is not defined. */
const frameSize = (random: Random): Operation => set(Register.Control0, random.oneIn(3) ? 3 + random.below(13) : 7);

/** As Linux does: disable, clock, format, enable. */
function configure(random: Random, add: Add): void {
  const size = random.oneIn(3) ? 3 + random.below(13) : 7;
  add(set(Register.Control1, 0), set(Register.Prescale, 2 * (1 + random.below(127))));
  add(set(Register.Control0, (random.below(256) << 8) | (random.below(4) << 6) | size));
  add(set(Register.Control1, Control1.Enable | (random.oneIn(3) ? 0 : Control1.LoopBack)));
}

function exchange(random: Random, add: Add): void {
  const frames = 1 + random.below(10);
  add(frameSize(random));
  for (let sent = 0; sent < frames; sent++) add(set(Register.Data, random.bits() & 0xffff));
  add(get(Register.Status), get(Register.RawStatus));
  for (let got = random.below(frames + 2); got > 0; got--) add(get(Register.Data));
  add(get(Register.Status));
}

/** The port is disabled while its FIFO is filled. */
function fill(random: Random, add: Add): void {
  add(frameSize(random), set(Register.Control1, random.oneIn(2) ? Control1.LoopBack : 0));
  for (let sent = random.below(12); sent > 0; sent--) add(set(Register.Data, random.bits() & 0xffff));
  add(get(Register.Status), get(Register.MaskedStatus), set(Register.Control1, Control1.Enable | random.below(2)));
  add(get(Register.Status), get(Register.RawStatus));
}

function oddAccess(random: Random, add: Add): void {
  const place = random.pick([0x00, 0x04, 0x0c, 0x10, 0x14, 0x18, 0x1c, 0x28, 0x40, 0x100, 0xfdc]);
  const size = random.pick<Width>([1, 2, 4]);
  const writable = random.pick([Register.Control0, Register.Prescale, Register.Mask]);
  if (random.oneIn(2)) add(load(Base + place, size));
  // QEMU stores bits of the mask that no interrupt has.
  else add(set(writable, random.bits() & (writable === Register.Mask ? 0xf : 0xffff)), get(writable));
}

export const pl022: Chip = {
  ...onHighbank,
  name: 'pl022',
  title: 'PL022 SSP: registers, FIFOs, loop-back, interrupts; a frame takes no time',
  devices: [use(Pl022, { id: 'ssp', options: { frequency: 0 }, at: [place(pl022Registers, Base)] })],
  registerNames: () => (operation) =>
    operation.kind === 'load' ? `register ${hex(operation.address - Base, 3)}` : placeOf(operation as never),
  outputs: (machine) => Number(machine.device(Pl022).irq.level),
  act(random, add) {
    random.weighted([
      [6, () => configure(random, add)],
      [30, () => exchange(random, add)],
      [8, () => fill(random, add)],
      [10, () => add(set(Register.Mask, random.below(16)), get(Register.MaskedStatus))],
      [6, () => add(set(Register.Clear, random.below(16)), get(Register.RawStatus))],
      [6, () => add(get(Register.Data), get(Register.Status))],
      [3, () => add(set(Register.Control1, random.below(4)), get(Register.Control1))],
      [3, () => add(get(Register.Identification + 4 * random.below(8)))],
      [4, () => oddAccess(random, add)],
      [1, () => add({ kind: 'reset' }, set(Register.Mask, 0), get(Register.Status), get(Register.RawStatus))],
    ]);
  },
};
