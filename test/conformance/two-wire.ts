import { Ds1307, Eeprom, Sbcon } from '../../devices/index.ts';
import { sbconRegisters } from '../../devices/sbcon.ts';
import { place, type UsedDevice, use } from '../../sdk/index.ts';
import type { Random } from '../../sdk/testing/random.ts';
import { onVersatile, Versatile } from './boards.ts';
import type { Chip } from './chip.ts';
import { hex, load, type Operation, store } from './script.ts';

const [Clock, Data] = [1, 2];
const Release = Versatile.SerialBus;
const Pull = Versatile.SerialBus + 4;
const [ClockAt, EepromAt] = [0x68, 0x50];
const Ack = { yes: false, no: true } as const;

type Add = (...operations: Operation[]) => void;

/** The operations of a driver that moves the lines, as Linux's does: one register write for each edge. */
export class LineScript {
  constructor(
    private readonly add: Add,
    private readonly looks = true,
  ) {}

  start(): void {
    this.add(store(Pull, 4, Clock), store(Release, 4, Data), store(Release, 4, Clock));
    this.add(store(Pull, 4, Data), store(Pull, 4, Clock));
  }

  stop(): void {
    this.add(store(Pull, 4, Clock), store(Pull, 4, Data), store(Release, 4, Clock), store(Release, 4, Data));
  }

  /** With a look at the lines while the clock is high. */
  bit(level: boolean, looks: boolean): void {
    this.add(store(level ? Release : Pull, 4, Data), store(Release, 4, Clock));
    if (looks && this.looks) this.add(load(Release, 4));
    this.add(store(Pull, 4, Clock));
  }

  write(byte: number): void {
    for (let bit = 7; bit >= 0; bit--) this.bit(((byte >> bit) & 1) === 1, false);
    this.bit(true, true);
  }

  read(acknowledge: boolean): void {
    for (let bit = 0; bit < 8; bit++) this.bit(true, true);
    this.bit(acknowledge ? Ack.yes : Ack.no, true);
  }

  /** Writes, and reads with a repeated start. */
  transfer(address: number, bytes: readonly number[], count = 0): void {
    if (bytes.length > 0 || count === 0) {
      this.start();
      for (const byte of [address << 1, ...bytes]) this.write(byte);
    }
    if (count > 0) {
      this.start();
      this.write((address << 1) | 1);
      for (let left = count; left > 0; left--) this.read(left > 1);
    }
    this.stop();
  }
}

const bytes = (random: Random, most: number): number[] =>
  Array.from({ length: 1 + random.below(most) }, () => random.below(0x100));

/** What no driver does: single edges, bytes that are cut short, addresses without a target. */
function mistreat(random: Random, add: Add): void {
  const lines = new LineScript(add);
  switch (random.below(4)) {
    case 0:
      add(store(random.pick([Release, Pull]), 4, random.below(4)), load(Release, 4));
      break;
    case 1:
      lines.transfer(random.below(0x80), bytes(random, 2), random.below(3));
      break;
    case 2:
      lines.start();
      for (let bits = random.below(9); bits > 0; bits--) lines.bit(random.oneIn(2), true);
      break;
    default:
      lines.start();
      for (const byte of bytes(random, 4)) lines.write(byte);
      if (random.oneIn(2)) lines.stop();
  }
}

const bcd = (value: number): number => (Math.floor(value / 10) << 4) | (value % 10);

/** QEMU counts seconds from the present in 32 bits. */
const Years = 70;

/** A date and a time, byte by byte or as one block, in either form of hours. */
function setClock(random: Random, lines: LineScript): void {
  const hours = random.pick([bcd(random.below(24)), 0x40 | (random.below(2) << 5) | bcd(1 + random.below(12))]);
  const time = [bcd(random.below(60)), bcd(random.below(60)), hours, 1 + random.below(7)];
  const date = [bcd(1 + random.below(28)), bcd(1 + random.below(12)), bcd(random.below(Years))];
  const all = [...time, ...date];
  const first = random.pick([0, 0, 1, 2, 3, 4, 5, 6]);
  lines.transfer(ClockAt, [first, ...all.slice(first, first + 1 + random.below(7))]);
}

function actOnClock(random: Random, add: Add): void {
  const lines = new LineScript(add);
  switch (random.below(8)) {
    case 0:
    case 1:
      setClock(random, lines);
      break;
    case 2:
    case 3:
      lines.transfer(ClockAt, [0], 7 + random.below(3));
      break;
    case 4:
      lines.transfer(ClockAt, [8 + random.below(0x32), ...bytes(random, 6)]);
      break;
    case 5:
      lines.transfer(ClockAt, [random.below(0x40)], 1 + random.below(12));
      break;
    case 6:
      lines.transfer(ClockAt, [], 1 + random.below(4));
      break;
    default:
      mistreat(random, add);
  }
}

function actOnEeprom(random: Random, add: Add): void {
  const lines = new LineScript(add);
  const address = () => [random.below(0x100), random.pick([0x00, 0x3e, 0x3f, 0xff, random.below(0x100)])];
  switch (random.below(6)) {
    case 0:
    case 1:
      lines.transfer(EepromAt, [...address(), ...bytes(random, 8)]);
      break;
    case 2:
    case 3:
      lines.transfer(EepromAt, address(), 1 + random.below(8));
      break;
    case 4:
      lines.transfer(EepromAt, [], 1 + random.below(3));
      break;
    default:
      mistreat(random, add);
  }
}

const registerNames = () => (operation: Operation) =>
  'address' in operation ? `SBCON ${hex(operation.address - Versatile.SerialBus)}` : operation.kind;

const controller = use(Sbcon, { id: 'sbcon', at: [place(sbconRegisters, Versatile.SerialBus)] });
const clock = use(Ds1307, { bus: 'sbcon', addr: '0x68' });

const onSbcon = (name: string, title: string, devices: readonly UsedDevice[], act: Chip['act']): Chip => ({
  ...onVersatile(),
  name,
  title,
  dates: ['2024-02-28T21:43:50', '2027-12-31T23:59:59', '2000-01-01T00:00:00'],
  registerNames,
  devices: [controller, ...devices],
  deviceOptions: (date) => ({ ds1307: { date } }),
  act,
});

/** The clock that the board has, behind the two lines. */
const clockOnSbcon = onSbcon('ds1307', "DS1307 and QEMU's ds1338 behind SBCON", [clock], actOnClock);
export const ds1307: Chip = {
  ...clockOnSbcon,
  qemu: { ...clockOnSbcon.qemu, withinSecond: true },
  scriptLength: 2000,
};

const eepromOfQemu = ['-device', `at24c-eeprom,address=${EepromAt},rom-size=32768,writable=on`];
const plain = onSbcon(
  'eeprom',
  "24C256 and QEMU's at24c behind SBCON",
  [clock, use(Eeprom, { bus: 'sbcon', addr: '0x50' })],
  actOnEeprom,
);
export const eeprom: Chip = { ...plain, qemu: { ...plain.qemu, arguments: eepromOfQemu } };
