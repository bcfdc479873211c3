import { IsaBus } from '../../sdk/index.ts';
import type { Random } from '../../sdk/testing/random.ts';
import type { Chip } from './chip.ts';
import { type Operation, out, out8, portOrPlace, read, read8, type Width } from './script.ts';

const Base = 0x3f8;
const Irq = 4;
const Port = {
  Data: 0,
  InterruptEnable: 1,
  Fifo: 2,
  Line: 3,
  Modem: 4,
  LineStatus: 5,
  ModemStatus: 6,
  Scratch: 7,
} as const;
const Loop = 0x10;
/** Without FIFOs, and by the trigger field. */
const triggers = [1, 1, 4, 8, 14] as const;

type Add = (...operations: Operation[]) => void;

export const setPort = (port: number, value: number): Operation => out8(Base + port, value);
export const getPort = (port: number): Operation => read8(Base + port);
const status = [getPort(Port.LineStatus), getPort(Port.Fifo)];
/** Eight bits, and the registers of the first two places. */
const plain = setPort(Port.Line, 0x03);

/** As Linux's driver does at start: FIFOs, divisor, line, modem, interrupts. */
function configure(random: Random, add: Add): void {
  add(setPort(Port.Fifo, random.pick([0x00, 0x01, 0x07, 0x47, 0x87, 0xc7, 0xc1])));
  add(setPort(Port.Line, 0x80 | random.below(64)), setPort(0, random.byte()), setPort(1, random.byte()));
  add(getPort(0), getPort(1), setPort(Port.Line, random.below(128)), getPort(Port.Line));
  add(setPort(Port.Modem, random.byte()), getPort(Port.Modem), setPort(Port.InterruptEnable, random.byte()));
  add(getPort(Port.InterruptEnable), ...status, getPort(Port.ModemStatus));
}

/** Sends in loop-back more than there is room for now and then, or to the host. */
function send(random: Random, add: Add): void {
  add(setPort(Port.Line, random.oneIn(4) ? random.below(128) : 0x03));
  add(setPort(Port.Modem, (random.oneIn(2) ? Loop : 0) | random.below(16)));
  for (let left = random.below(20); left > 0; left--) {
    add(setPort(Port.Data, random.byte()));
    if (random.oneIn(4)) add(...status);
  }
  add(...status);
  for (let left = random.below(20); left > 0; left--) add(getPort(Port.Data));
  add(...status);
}

/**
 * Bytes come in, never more than QEMU takes, which is the trigger level of the FIFO. What it has not taken it would take when it
 * likes.
 */
function receive(random: Random, add: Add): void {
  const level = random.below(5);
  const most = triggers[level] as number;
  add(plain, setPort(Port.Modem, 0x0b), setPort(Port.Fifo, level === 0 ? 0x00 : 0x07 | ((level - 1) << 6)));
  add(setPort(Port.InterruptEnable, random.below(16)), getPort(Port.Data), getPort(Port.Data));
  let held = 0;
  for (let times = 1 + random.below(4); times > 0; times--) {
    const count = Math.min(1 + random.below(most), most - held);
    if (count > 0) add({ kind: 'send', bytes: Array.from({ length: count }, () => random.byte()) });
    add(...status);
    held += count;
    for (let taken = random.below(held + 2); taken > 0; taken--) {
      add(getPort(Port.Data), ...(random.oneIn(3) ? status : []));
      held = Math.max(0, held - 1);
    }
  }
  for (let left = held; left > 0; left--) add(getPort(Port.Data));
  add(...status);
}

function interrupts(random: Random, add: Add): void {
  add(
    setPort(Port.InterruptEnable, random.below(16)),
    getPort(Port.Fifo),
    setPort(Port.InterruptEnable, random.below(16)),
  );
  add(getPort(Port.Fifo), getPort(Port.Fifo), getPort(Port.LineStatus), getPort(Port.ModemStatus));
}

function oddAccess(random: Random, add: Add): void {
  const size = random.pick<Width>([1, 1, 2, 4]);
  const port = Base + random.below(9 - size);
  if (random.oneIn(2)) add(read(port, size));
  else add(out(port, size, random.bits()), plain, getPort(Port.Modem), getPort(Port.InterruptEnable));
}

export const isaSerial: Chip = {
  name: 'isa-serial',
  title:
    '16550A of a PC: registers, FIFOs, loop-back, bytes that come in, and its interrupt line; a character takes no time',
  dates: ['2024-02-28T21:43:50'],
  machineOptions: {},
  deviceOptions: () => ({}),
  qemu: { serial: true, watch: { type: 'ioapic', inputs: [Irq] } },
  registerNames: () => portOrPlace,
  outputs: (machine) => Number(machine.service(IsaBus)?.line(Irq).level === true),
  act(random, add) {
    random.weighted([
      [10, () => configure(random, add)],
      [24, () => send(random, add)],
      [10, () => receive(random, add)],
      [16, () => interrupts(random, add)],
      [6, () => add(setPort(Port.Fifo, random.byte()), ...status)],
      [4, () => add(setPort(Port.Scratch, random.byte()), getPort(Port.Scratch))],
      [4, () => add(setPort(Port.Line, random.byte()), getPort(0), getPort(1), plain)],
      [4, () => add(setPort(Port.LineStatus, random.byte()), setPort(Port.ModemStatus, random.byte()), ...status)],
      [6, () => oddAccess(random, add)],
      [1, () => add({ kind: 'reset' }, ...Array.from({ length: 8 }, (_, port) => getPort(port)))],
    ]);
  },
};
