import { I8042 } from '../../devices/index.ts';
import { use } from '../../sdk/index.ts';
import type { Random } from '../../sdk/testing/random.ts';
import type { Chip } from './chip.ts';
import { isaLines, type Operation, out, out8, portOrPlace, read, read8, type Width } from './script.ts';

const Data = 0x60;
const Command = 0x64;
const WriteAuxiliary = 0xd4;

type Add = (...operations: Operation[]) => void;

export const command = (value: number): Operation => out8(Command, value);
export const setData = (value: number): Operation => out8(Data, value);
export const getData = read8(Data);
export const getStatus = read8(Command);

/** Commands of the controller that take no parameter. Those that write to a mouse are left out: ours has none. */
const commands = [0x20, 0xa7, 0xa8, 0xa9, 0xaa, 0xab, 0xad, 0xae, 0xc0, 0xd0, 0xdd, 0xdf, 0xff, 0xf1] as const;
const ofKeyboard = [0xed, 0xee, 0xf0, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xff, 0xf7, 0xfa, 0xfe] as const;

/** Reads what has come, now and then less or more. */
function receive(random: Random, add: Add): void {
  for (let left = random.below(5); left > 0; left--) add(getStatus, getData);
  if (random.oneIn(3)) add(isaLines);
}

function commandKeyboard(random: Random, add: Add): void {
  const first = random.oneIn(6) ? random.byte() : random.pick(ofKeyboard);
  add(setData(first));
  if (random.oneIn(2)) receive(random, add);
  if (first === 0xed || first === 0xf0 || first === 0xf3)
    add(setData(random.oneIn(4) ? random.pick(ofKeyboard) : random.below(8)));
  receive(random, add);
}

function commandController(random: Random, add: Add): void {
  add(command(random.pick(commands)));
  receive(random, add);
}

function setMode(random: Random, add: Add): void {
  add(
    command(0x60),
    setData(random.oneIn(3) ? random.byte() : random.pick([0x03, 0x41, 0x45, 0x47, 0x61, 0x74, 0x00])),
  );
  add(getStatus, command(0x20), isaLines);
  receive(random, add);
}

/** Bytes as if from the keyboard and the mouse, and the output port. */
function loop(random: Random, add: Add): void {
  const which = random.pick([0xd2, 0xd3, 0xd1]);
  add(command(which), setData(which === 0xd1 ? random.byte() | 0x01 : random.byte()));
  if (which === 0xd1) add(command(0xd0));
  receive(random, add);
}

/** By the button, or by a pulse of the reset pin. */
const reset = (random: Random): Operation =>
  random.oneIn(2) ? { kind: 'reset' } : { kind: 'reset', written: random.pick([0xfe, 0xfe, 0xf0, 0xfa]), at: Command };

function oddAccess(random: Random, add: Add): void {
  const port = random.pick([0x5f, 0x60, 0x62, 0x63, 0x64, 0x65]);
  add(read(port, random.pick<Width>([1, 2, 4])));
  if (random.oneIn(4)) add(out(0x60, 2, 0xf4f4));
}

export const i8042: Chip = {
  name: 'i8042',
  title:
    'keyboard controller and keyboard: commands, answers, translation, output port, interrupt lines; bytes take no time',
  dates: ['2024-02-28T21:43:50'],
  devices: [use(I8042)],
  machineOptions: {},
  deviceOptions: () => ({}),
  qemu: { lines: true },
  registerNames,
  act(random, add) {
    random.weighted([
      [30, () => commandKeyboard(random, add)],
      [20, () => commandController(random, add)],
      [10, () => setMode(random, add)],
      [10, () => loop(random, add)],
      [10, () => receive(random, add)],
      [4, () => oddAccess(random, add)],
      [1, () => add(reset(random), getStatus, getData, isaLines)],
    ]);
  },
};

/** What is read after a byte was sent to the auxiliary device has a name of its own. */
function registerNames(): (operation: Operation) => string {
  let isCommanded = false;
  let isSent = false;
  return (operation) => {
    const name = portOrPlace(operation);
    if (!('port' in operation)) return name;
    if (operation.kind === 'in') {
      const named = isSent ? `auxiliary device, ${name}` : name;
      if (operation.port === Data) isSent = false;
      return named;
    }
    if (operation.port === Command) isCommanded = operation.value === WriteAuxiliary;
    else if (operation.port === Data) {
      isSent = isCommanded;
      isCommanded = false;
    }
    return name;
  };
}
