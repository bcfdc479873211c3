import { Pl011, pl011Registers } from '../../devices/pl011.ts';
import { place, use } from '../../sdk/index.ts';
import type { Random } from '../../sdk/testing/random.ts';
import { onVersatile, Versatile, VersatileInterrupt } from './boards.ts';
import type { Chip } from './chip.ts';
import { hex, load, type Operation, placeOf, store, type Width } from './script.ts';

const Base = Versatile.Serial;
export const Register = {
  ...{ Data: 0x000, ErrorClear: 0x004, Flags: 0x018, LowPower: 0x020, IntegerBaud: 0x024, FractionalBaud: 0x028 },
  ...{ LineControl: 0x02c, Control: 0x030, FifoLevel: 0x034, Mask: 0x038, RawStatus: 0x03c, MaskedStatus: 0x040 },
  ...{ Clear: 0x044, DmaControl: 0x048, Identification: 0xfe0 },
} as const;
/** What each of them holds: QEMU stores bits that the chip has not. */
const writable = [
  [Register.LowPower, 0xff],
  [Register.IntegerBaud, 0xffff],
  [Register.FractionalBaud, 0x3f],
  [Register.FifoLevel, 0x3f],
  [Register.Mask, 0x7ff],
  [Register.DmaControl, 0x7],
] as const;
const Enabled = 0x301;
const FifoEnable = 0x10;
const EightBits = 0x60;
const Depth = 16;

type Add = (...operations: Operation[]) => void;

export const set = (register: number, value: number): Operation => store(Base + register, 4, value);
export const get = (register: number): Operation => load(Base + register, 4);
const status = [get(Register.Flags), get(Register.RawStatus), get(Register.MaskedStatus)];

/** As Linux's driver does: baud rate, line, control, interrupts. Loop-back, which QEMU has not, is left out. */
function configure(random: Random, add: Add): void {
  for (const [register, bits] of writable) add(set(register, random.bits() & bits), get(register));
  add(set(Register.LineControl, (random.byte() & ~FifoEnable) | (random.oneIn(2) ? FifoEnable : 0)));
  add(get(Register.LineControl), set(Register.Control, random.below(0x10000) & 0xff07 & ~0x80), get(Register.Control));
  add(...status);
}

function send(random: Random, add: Add): void {
  for (let left = 1 + random.below(6); left > 0; left--) add(set(Register.Data, random.byte()), ...status);
  add(set(Register.Clear, random.below(0x800)), ...status);
}

/** Bytes come in, never more than there is room for: what QEMU has not taken it would take when it likes. */
function receive(random: Random, add: Add): void {
  const hasFifos = !random.oneIn(4);
  // A change of the enable bit empties the FIFO.
  add(set(Register.LineControl, EightBits | (hasFifos ? 0 : FifoEnable)));
  add(set(Register.LineControl, EightBits | (hasFifos ? FifoEnable : 0)), set(Register.Control, Enabled));
  add(set(Register.Mask, random.below(0x800)));
  let held = 0;
  for (let times = 1 + random.below(4); times > 0; times--) {
    const count = Math.min(1 + random.below(Depth), (hasFifos ? Depth : 1) - held);
    if (count > 0) add({ kind: 'send', bytes: Array.from({ length: count }, () => random.byte()) });
    held += count;
    add(...status);
    for (let taken = random.below(held + 1); taken > 0; taken--, held--) {
      add(get(Register.Data), ...(random.oneIn(3) ? status : []));
    }
    if (random.oneIn(3)) add(set(Register.Clear, random.below(0x800)));
  }
  for (; held > 0; held--) add(get(Register.Data));
  add(get(Register.ErrorClear), ...status);
}

function oddAccess(random: Random, add: Add): void {
  const place = random.pick([0x04, 0x18, 0x24, 0x2c, 0x30, 0x38, 0x40, 0x4c, 0x80, 0x100, 0xfdc]);
  add(load(Base + place, random.pick<Width>([1, 2, 4])));
}

const onBoard = onVersatile([VersatileInterrupt.Serial]);

export const pl011: Chip = {
  ...onBoard,
  name: 'pl011',
  title: 'PL011 UART: registers, FIFO, bytes that come in, and its interrupt; a character takes no time',
  devices: [use(Pl011, { id: 'uart', options: { chardev: 'serial0' }, at: [place(pl011Registers, Base)] })],
  registerNames: () => (operation) =>
    operation.kind === 'load' ? `register ${hex(operation.address - Base, 3)}` : placeOf(operation as never),
  outputs: (machine) => Number(machine.device(Pl011).irq.level),
  qemu: { ...onBoard.qemu, serial: true },
  act(random, add) {
    random.weighted([
      [10, () => configure(random, add)],
      [20, () => send(random, add)],
      [10, () => receive(random, add)],
      [14, () => add(set(Register.Mask, random.below(0x800)), ...status)],
      [10, () => add(set(Register.Clear, random.below(0x800)), ...status)],
      [4, () => add(set(Register.ErrorClear, random.byte()), get(Register.ErrorClear))],
      [4, () => add(get(Register.Identification + 4 * random.below(8)))],
      [4, () => oddAccess(random, add)],
      [1, () => add({ kind: 'reset' }, ...status, get(Register.Control), get(Register.LineControl))],
    ]);
  },
};
