import type { Random } from '../../sdk/testing/random.ts';
import type { Chip } from './chip.ts';
import { hex, type Operation, out, out8, placeOf, read, read8, type Width } from './script.ts';

const Index = 0x70;
const Data = 0x71;
const Seconds = 0x00;
const StatusA = 0x0a;
const StatusB = 0x0b;
const Century = 0x32;
const CenturyAlias = 0x37;

const TimeRegisters = [0x00, 0x02, 0x04, 0x06, 0x07, 0x08, 0x09, Century] as const;
const AlarmRegisters = [0x01, 0x03, 0x05] as const;
const StatusRegisters = [StatusA, StatusB, 0x0c, 0x0d] as const;

const SetClock = 0x80;
const DividersHeld = 0x70;

type Add = (...operations: Operation[]) => void;

const select = (register: number): Operation => out8(Index, register);
const readRegister = (register: number): Operation[] => [select(register), read8(Data)];
const writeRegister = (register: number, value: number): Operation[] => [select(register), out8(Data, value)];

function anyRegister(random: Random): number {
  const groups = [TimeRegisters, TimeRegisters, AlarmRegisters, StatusRegisters, [CenturyAlias]];
  return random.oneIn(3) ? random.below(128) : random.pick(random.pick(groups));
}

/** What a driver would write to a register; now and then any byte at all. */
function sensibleValue(random: Random, register: number): number {
  if (register === StatusA) return random.pick([0x20, 0x26, 0x2a, 0x06, 0x10, 0x60, 0x70, 0x76, 0x46, 0xa6]);
  if (register === StatusB) return random.pick([0x00, 0x02, 0x04, 0x06, 0x12, 0x42, 0x72, 0x80, 0x82, 0x86, 0x8a]);
  if (random.oneIn(4)) return random.byte();
  const limit = { 4: 24, 5: 24, 6: 8, 7: 32, 8: 13, 9: 100, 50: 22 }[register] ?? 60;
  const number = random.below(limit);
  const bcd = (Math.floor(number / 10) << 4) | (number % 10);
  const afternoon = (register === 0x04 || register === 0x05) && random.oneIn(4) ? 0x80 : 0;
  return (random.oneIn(3) ? number : bcd) | afternoon;
}

/** As drivers set the clock: stop it, hold the dividers, write every field, let go in either order. */
function setClock(random: Random, add: Add): void {
  const format = random.pick([0x00, 0x02, 0x04, 0x06]);
  add(...writeRegister(StatusB, SetClock | format), ...writeRegister(StatusA, DividersHeld | 0x06));
  for (const register of TimeRegisters) add(...writeRegister(register, sensibleValue(random, register)));
  const letGo = [writeRegister(StatusB, format), writeRegister(StatusA, 0x26)];
  for (const step of random.oneIn(2) ? letGo : letGo.reverse()) add(...step);
  readClock(add);
}

function readClock(add: Add): void {
  for (const register of [StatusA, StatusB, ...TimeRegisters]) add(...readRegister(register));
}

/** Accesses of widths and places that no driver uses, and that every machine answers somehow. */
function oddAccess(random: Random, add: Add): void {
  const port = random.pick([Index - 1, Index, Index, Data, Data, Data + 1]);
  const size = random.pick<Width>([1, 2, 2, 4]);
  if (random.oneIn(2)) add(read(port, size));
  else add(out(port, size, random.bits() & 0x7f7f_7f7f));
}

export const rtc: Chip = {
  name: 'rtc',
  title: 'MC146818 real-time clock and CMOS RAM',
  dates: ['2024-02-28T21:43:50', '1999-12-31T23:59:59', '2000-02-29T12:00:00', '2038-01-19T03:14:08'],
  machineOptions: {},
  // The empty floppy drive that every pc has, and that its CMOS tells of.
  qemu: { arguments: ['-drive', 'if=floppy'] },
  registerNames: rtcRegisterNames,
  act(random, add) {
    random.weighted([
      [60, () => add(...readRegister(anyRegister(random) | (random.oneIn(8) ? 0x80 : 0)))],
      [
        40,
        () => {
          const register = anyRegister(random);
          add(...writeRegister(register, sensibleValue(random, register)), read8(Data));
        },
      ],
      [10, () => add(...writeRegister(random.pick(StatusRegisters), random.byte()))],
      [10, () => add(read8(Data), out8(Data, random.byte()), read8(Data))],
      [6, () => add(read8(Index))],
      [6, () => readClock(add)],
      [2, () => setClock(random, add)],
      [12, () => oddAccess(random, add)],
      [1, () => add({ kind: 'reset' }, ...readRegister(random.pick(StatusRegisters)))],
    ]);
  },
};

function rtcRegisterNames(): (operation: Operation) => string {
  let index = Seconds;
  return (operation) => {
    if (operation.kind === 'out') {
      for (let lane = 0; lane < operation.size; lane++) {
        const selects = operation.port + lane >= Index && ((operation.port + lane) & 1) === 0;
        if (selects && owns(operation.port)) index = (operation.value >>> (8 * lane)) & 0x7f;
      }
    }
    if (!('port' in operation)) return placeOf(operation);
    if (operation.port === Data) return `CMOS ${hex(index === CenturyAlias ? Century : index)}`;
    return `port ${hex(operation.port)}`;
  };
}

/** Whoever owns the first byte of an access takes all of it. */
function owns(port: number): boolean {
  return port === Index || port === Data;
}
