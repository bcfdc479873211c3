import type { ScriptStep } from '../../../sdk/testing/conformance/script.ts';
import type { ConformanceSettings } from '../../../sdk/testing/index.ts';
import type { Random } from '../../../sdk/testing/random.ts';
import { rtc } from '../../conformance/rtc.ts';

const NoParity = 'back ends carry characters, no bits of frames';
const ofSerialPort = { 'lineControl.parity': NoParity } as const;

const toItself = 'a note of the driver to itself';
/** What the driver says in the status and no device depends on. */
const driverNotes = {
  ...{ 'deviceStatus.acknowledge': toItself, 'deviceStatus.driver': toItself },
  ...{ 'deviceStatus.unused': toItself, 'deviceStatus.failed': toItself },
};
const ofClass = 'every object of the class has the same';
/** Of the base class: what no device of ours comes to, and what a modern driver alone writes. */
const ofVirtio = {
  ...driverNotes,
  ...{ queueCount: ofClass, legacyDeviceFeatures: ofClass },
  ...{
    configurationGeneration: 'their configuration never changes',
    'interruptStatus.configuration': 'nor tells of it',
  },
  configurationVector: 'no message tells of the configuration',
  'deviceStatus.featuresOk': 'the drivers of the idioms are legacy ones',
};
/** Of a disk and a console. */
const ofIdioms = {
  turn: 'the requests of the idioms fit in one turn',
  legacyNotify: 'the requests of the idioms are there at DRIVER_OK, and are served then',
};

const OfSmbus = 'INTA is for the SMBus, which is not modelled';

/** By class name: what the declarations of our devices do not say, and what drivers do to them. */
export const deviceProfiles: Readonly<Record<string, ConformanceSettings>> = {
  Edu: {
    values: [0x40000, 0x40010, 16, 1, 3, 5, 7, 0x80, 0x100],
    idioms: eduTransfers,
  },
  Eeprom: { images: { drive: 32 * 1024 }, idioms: eepromTransfers },
  FwCfg: { ram: 0x4_0000, idioms: configurationTransfers },
  I8042: { values: [0x20, 0x60, 0x61, 0xd1, 0xd3, 0xd4, 0xed, 0xf0, 0xff], idioms: keyboardCommands },
  I8259: {
    notExercised: {
      'master.allLevelTriggered': 'an option of other boards',
      'slave.allLevelTriggered': 'an option of other boards',
    },
  },
  Ich9Smbus: {
    options: { enabled: true },
    notExercised: {
      released: "the suite's targets do not hold the clock",
      outcome: "the suite's targets do not hold the clock",
    },
    idioms: smbusMessages,
  },
  IsaParallel: { idioms: printing },
  IsaSerial: { notExercised: ofSerialPort, idioms: isaCharacters },
  Mc146818Rtc: {
    notExercised: {
      'rtc-lost-ticks': "no lost tick is counted with the default policy, 'discard'",
      'periodic.lostTicks': "no lost tick is counted with the default policy, 'discard'",
      'periodic.reinjectedOnAck': "no lost tick is counted with the default policy, 'discard'",
      'index.maskNmi': 'masking the NMI is the work of another chip',
    },
    values: [0x00, 0x0a, 0x0b, 0x0c, 0x26],
    idioms: rtcIdioms,
  },
  Pl011: {
    notExercised: {
      'lineControl.evenParity': NoParity,
      'lineControl.stickParity': NoParity,
      'mask.framingError': NoParity,
      'mask.parityError': NoParity,
    },
    idioms: pl011Characters,
  },
  Pl022: { values: [0, 1, 2, 7], idioms: spiFrames },
  Plic: { idioms: sources },
  Piix4Pm: {
    options: { base: 0x600 },
    notExercised: { interrupt: OfSmbus, interruptOut: OfSmbus },
    values: [0xf0, 0xf1, 1],
  },
  PciTestdev: { idioms: pciTests },
  Q35Mch: { idioms: configurationWindows },
  SerialMm: { notExercised: ofSerialPort, idioms: memoryCharacters },
  SerialPort: {
    notExercised: { 'control.parity': 'there is no line to which a parity bit could go' },
    values: [0x43, 0xc3],
    idioms: serialLoopback,
  },
  Sp804: { idioms: timerRuns },
  SpiFlash: { images: { drive: 256 * 1024 }, idioms: flashCommands },
  Vga: { idioms: videoModes },
  VirtioBlk: { notExercised: { ...ofVirtio, ...ofIdioms }, values: [1, 2, 3, 4, 7, 0x200], idioms: diskRequests },
  VirtioConsole: { notExercised: { ...ofVirtio, ...ofIdioms }, values: [1, 2, 3, 4, 7], idioms: consoleRequests },
  VirtioRng: { notExercised: ofVirtio, values: [1, 2, 3, 4, 7], idioms: virtioRequests },
};

const Second = 1_000_000_000;

function write(space: 'ports' | 'memory', address: number, size: 1 | 4, value: number): ScriptStep {
  return { kind: 'write', space, address, size, value };
}

const transfer = (bytes: readonly number[], count = 0): ScriptStep => ({ kind: 'transfer', bytes, count });
const someBytes = (random: Random, most: number): number[] =>
  Array.from({ length: 1 + random.below(most) }, () => random.byte());

/** A driver writes the command byte or the output port, or commands the keyboard, whose terminal sends keys. */
function keyboardCommands(random: Random): readonly ScriptStep[] {
  const controller = (...[command, ...parameters]: readonly number[]): readonly ScriptStep[] => [
    write('ports', 0x64, 1, command as number),
    ...parameters.map((parameter) => write('ports', 0x60, 1, parameter)),
  ];
  const keyboard = (...bytes: readonly number[]): readonly ScriptStep[] =>
    bytes.flatMap((byte) => [write('ports', 0x60, 1, byte), wait, read]);
  const wait: ScriptStep = { kind: 'wait', nanoseconds: random.pick([1_000_000, 2_000_000, Second]) };
  const read: ScriptStep = { kind: 'read', space: 'ports', address: 0x60, size: 1 };
  const text = random.pick(['a', 'B', '\x1b[A', '\x1bOP', '\x1b[3~', '\x1b[3', '\x1b', '~']);
  const typed: ScriptStep = { kind: 'receive', backend: 'chardev', bytes: [...text].map((one) => one.charCodeAt(0)) };
  return random.pick([
    controller(0x60, random.pick([0x03, 0x41, 0x45, 0x00, 0x10, 0x43])),
    [...controller(0xd1, random.pick([0xdd, 0xdf, 0xcd])), ...controller(0xd0), read],
    [...keyboard(0xf0, random.below(4)), ...keyboard(0xf0, 0), wait, read],
    keyboard(random.pick([0xed, 0xee, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xfe, 0xff]), random.below(8)),
    [typed, wait, read, wait, read, wait, read, wait, read],
    [...controller(0x60, 0x41), typed, wait, read, wait, read, wait, read],
  ]);
}

/** A page is written at an address that may be near the end of the page or of the chip, and read before and after the write cycle. */
function eepromTransfers(random: Random): readonly ScriptStep[] {
  const at = random.pick([
    [0x00, 0x3e],
    [0x7f, 0xfe],
    [random.below(0x80), random.byte()],
  ]);
  const read = transfer(at, 4);
  const pause = { kind: 'wait', nanoseconds: random.pick([1000, Second / 1000, Second / 100]) } as const;
  // A transfer without a stop: the next start gives the page up.
  const write = { ...transfer([...at, ...someBytes(random, 8)]), isOpen: random.oneIn(4) };
  return [write, read, pause, read, transfer([], 3)];
}

/** Memory to the card, and back to another place; now and then as much as the card holds, or one byte less or more. */
function eduTransfers(random: Random): readonly ScriptStep[] {
  const bar = 0xe000_0000;
  const count = random.pick([4, 64, random.below(0x1000), 0xfff, 0x1000, 0x1001]);
  const start = 0x4_0000 + random.pick([0, 0, random.below(0x1001)]);
  const transfer = (from: number, to: number, command: number): ScriptStep[] => [
    write('memory', bar + 0x80, 4, from),
    write('memory', bar + 0x88, 4, to),
    write('memory', bar + 0x90, 4, count),
    write('memory', bar + 0x98, 4, command | (random.oneIn(2) ? 4 : 0)),
    { kind: 'wait', nanoseconds: random.pick([Second / 10, Second]) },
    { kind: 'read', space: 'memory', address: bar + 0x24, size: 4 },
  ];
  const ram = random.below(0x800);
  const there = transfer(ram, start, 1);
  const back = transfer(start, 0x2000 + random.below(0x800), 3);
  return random.pick([there, back, [...there, ...back]]);
}

/** An item is read, skipped or copied into memory by DMA; now and then more of it than one access copies. */
function configurationTransfers(random: Random): readonly ScriptStep[] {
  const inMemory = (value: number) => new DataView(Uint32Array.of(value).buffer).getUint32(0);
  const at = 0x1000 + 16 * random.below(4);
  const key = random.pick([0x00, 0x01, 0x19, 0x20]);
  const control = ((key << 16) | random.pick([0x02, 0x0a, 0x0a, 0x0c, 0x18])) >>> 0;
  const words = [control, random.pick([0, 4, random.below(0x900), 0x1_8000]), 0, 0x4000 + random.below(0x1000)];
  return [
    { kind: 'write', space: 'ports', address: 0x510, size: 2, value: key },
    { kind: 'read', space: 'ports', address: 0x511, size: 1 },
    ...words.map((value, index) => write('memory', at + 4 * index, 4, inMemory(value))),
    write('ports', 0x514, 4, random.oneIn(8) ? 0x0100_0000 : 0),
    write('ports', 0x518, 4, inMemory(at)),
    { kind: 'wait', nanoseconds: random.pick([0, 1_000, 1_000_000]) },
    { kind: 'read', space: 'ports', address: 0x511, size: 1 },
    { kind: 'read', space: 'memory', address: at, size: 4 },
  ];
}

/** A word with or without a packet error code, and a block byte by byte, as a driver without the buffer moves it. */
function smbusMessages(random: Random): readonly ScriptStep[] {
  const ports = 0xc000;
  const protocol = random.pick([3, 5, 6]);
  const steps: ScriptStep[] = [
    { kind: 'config-write', offset: 4, size: 2, value: 7 },
    write('ports', ports, 1, 0xff),
    write('ports', ports + 0x0d, 1, random.below(2)),
    write('ports', ports + 4, 1, random.pick([0xa0, 0xa1])),
    write('ports', ports + 5, 1, 2 + random.below(4)),
    // HST_CNT: START, the protocol, LAST_BYTE, INTREN and PEC.
    write('ports', ports + 2, 1, 0x40 | (protocol << 2) | random.pick([0, 0, 0x20]) | random.pick([0, 1, 0x80, 0x81])),
  ];
  for (let left = random.below(6); left > 0; left--) {
    steps.push({ kind: 'read', space: 'ports', address: ports, size: 1 });
    steps.push(write('ports', ports + 7, 1, 2 * random.below(0x80)), write('ports', ports, 1, 0x80));
  }
  return steps;
}

/** Characters come back, more of them than the buffer holds. */
function serialLoopback(random: Random): readonly ScriptStep[] {
  const ports = 0x2f0;
  const steps = [write('ports', ports + 3, 1, random.pick([0x43, 0xc3, 0x41])), write('ports', ports + 4, 1, 1)];
  for (let sent = random.below(20); sent > 0; sent--) {
    steps.push(write('ports', ports, 1, random.byte()), { kind: 'wait', nanoseconds: 20_000 });
  }
  for (let got = random.below(20); got > 0; got--)
    steps.push({ kind: 'read', space: 'ports', address: ports, size: 1 });
  return steps;
}

/** What the comparison with QEMU does to the chip: registers by index, the clock set as drivers do, an alarm of any second. */
function rtcIdioms(random: Random): readonly ScriptStep[] {
  if (random.oneIn(4)) return random.oneIn(2) ? lastSundayOfOctober(random) : periodicFlag(random);
  if (random.oneIn(4)) {
    const bytes = [0x01, 0x03, 0x05].flatMap((register) => [
      write('ports', 0x70, 1, register),
      write('ports', 0x71, 1, 0xff),
    ]);
    return [...bytes, { kind: 'wait', nanoseconds: Second }, write('ports', 0x70, 1, 0x0c)];
  }
  const steps: ScriptStep[] = [];
  rtc.act(random, (...operations) => {
    for (const operation of operations) {
      if (operation.kind !== 'in' && operation.kind !== 'out') continue;
      const { port: address, size } = operation;
      if (operation.kind === 'in') steps.push({ kind: 'read', space: 'ports', address, size });
      else steps.push({ kind: 'write', space: 'ports', address, size, value: operation.value });
    }
  });
  return steps;
}

/** The last Sunday of October 2024, at the end of the hour that comes twice in daylight saving, or of one after noon. */
function lastSundayOfOctober(random: Random): readonly ScriptStep[] {
  const bytes = [0x59, 0x59, random.pick([0x01, 0x12]), 0x01, 0x27, 0x10, 0x24];
  const set = bytes.flatMap((value, index) => [
    write('ports', 0x70, 1, [0, 2, 4, 6, 7, 8, 9][index] as number),
    write('ports', 0x71, 1, value),
  ]);
  return [...set, { kind: 'wait', nanoseconds: Second }, ...readByIndex(0x04)];
}

/** Waits for the periodic flag. */
function periodicFlag(random: Random): readonly ScriptStep[] {
  const wait: ScriptStep = { kind: 'wait', nanoseconds: random.pick([1_000_000, 20_000_000, 200_000_000]) };
  return [...readByIndex(0x0c), wait, ...readByIndex(0x0c)];
}

/** A driver of a 16550A sends a few characters, in loop-back or not, and looks at the statuses. */
function characters(
  random: Random,
  at: (register: number) => Pick<ScriptStep & { kind: 'write' }, 'space' | 'address'>,
): readonly ScriptStep[] {
  const set = (register: number, value: number): ScriptStep => ({ kind: 'write', ...at(register), size: 1, value });
  const get = (register: number): ScriptStep => ({ kind: 'read', ...at(register), size: 1 });
  const steps = [
    set(3, 0x80 | random.below(64)),
    ...[set(0, 1 + random.below(3)), set(1, 0), set(3, random.below(32))],
    ...[set(2, random.pick([0, 0x07, 0x47, 0xc1])), set(1, random.below(16)), set(4, random.pick([0x0b, 0x1b, 0x10]))],
  ];
  for (let left = random.below(20); left > 0; left--) {
    steps.push(set(0, random.byte()));
    if (random.oneIn(2)) steps.push({ kind: 'wait', nanoseconds: random.below(200_000) });
  }
  steps.push({ kind: 'wait', nanoseconds: random.pick([1_000, 100_000, 2_000_000]) }, get(2), get(5));
  for (let left = random.below(20); left > 0; left--) steps.push(get(0));
  return [...steps, get(6), get(2)];
}

function isaCharacters(random: Random): readonly ScriptStep[] {
  return characters(random, (register) => ({ space: 'ports', address: 0x3f8 + register }));
}

function memoryCharacters(random: Random): readonly ScriptStep[] {
  return characters(random, (register) => ({ space: 'memory', address: 0xe000_0000 + register }));
}

/** A driver of a PL011 sends in loop-back or not, past the levels of its FIFOs, and clears what it is told of. */
function pl011Characters(random: Random): readonly ScriptStep[] {
  const base = 0xe000_0000;
  const set = (offset: number, value: number) => write('memory', base + offset, 4, value);
  const get = (offset: number): ScriptStep => ({ kind: 'read', space: 'memory', address: base + offset, size: 4 });
  const steps = [
    ...[set(0x24, 1 + random.below(3)), set(0x28, random.below(64)), set(0x2c, random.pick([0x70, 0x60, 0x7a]))],
    ...[set(0x34, random.below(64)), set(0x38, random.below(0x800))],
    set(0x30, random.pick([0x301, 0x381, 0x4381, 0x8301, 0xf381, 0x181]) | (random.below(16) << 10)),
  ];
  for (let left = random.below(20); left > 0; left--) {
    steps.push(set(0, random.byte()));
    if (random.oneIn(3)) steps.push({ kind: 'wait', nanoseconds: random.below(30_000) });
  }
  steps.push({ kind: 'wait', nanoseconds: random.pick([1_000, 50_000, 500_000]) }, get(0x18), get(0x3c));
  for (let left = random.below(20); left > 0; left--) steps.push(get(0));
  if (random.oneIn(4)) steps.push({ kind: 'other-side', backend: 'chardev', does: 'break' }, get(0), get(0x04));
  return [...steps, get(0x04), set(0x04, 0), set(0x44, random.below(0x800)), get(0x40)];
}

/** A driver prints a byte and waits for the acknowledge, or not. */
function printing(random: Random): readonly ScriptStep[] {
  const [port, enable] = [0x378, random.oneIn(2) ? 0x10 : 0];
  return [
    write('ports', port, 1, random.byte()),
    ...[0x0c, 0x0d, 0x0c].map((value) => write('ports', port + 2, 1, value | enable)),
    { kind: 'wait', nanoseconds: random.pick([0, 1_000, 10_000]) },
    { kind: 'read', space: 'ports', address: port + 1, size: 1 },
  ];
}

const readByIndex = (register: number): readonly ScriptStep[] => [
  write('ports', 0x70, 1, register),
  { kind: 'read', space: 'ports', address: 0x71, size: 1 },
];

/** A driver programs, erases and protects, each after a write enable, and waits now and then. */
function flashCommands(random: Random): readonly ScriptStep[] {
  const send = (...bytes: number[]): ScriptStep => ({ kind: 'transfer', bytes, count: random.below(4) });
  const change = (...bytes: number[]): ScriptStep => ({ kind: 'transfer', bytes, count: 0 });
  const address = [random.below(4), random.byte(), random.byte()];
  const command = random.pick([
    [0x02, ...address, random.byte(), random.byte()],
    [0x01, random.below(8) << 2],
    [random.pick([0x20, 0x52, 0xd8]), ...address],
    [0xc7],
  ]);
  const wait: ScriptStep = { kind: 'wait', nanoseconds: random.pick([1_000, 20_000_000, 2 * Second]) };
  return [change(0x06), change(...command), send(0x05), wait, send(0x05), send(0x03, ...address)];
}

/** A driver takes interrupts of a source: priority, enable, claim, completion. */
function sources(random: Random): readonly ScriptStep[] {
  const base = 0xe000_0000;
  const claim = base + 0x20_0004;
  const source = 1 + random.below(4);
  const other = 1 + (source % 4);
  const pin = (at: number, level: boolean): ScriptStep => ({ kind: 'pin', pin: `source[${at}]`, level });
  return [
    write('memory', base + 4 * source, 4, random.below(8)),
    write('memory', base + 4 * other, 4, random.below(8)),
    write('memory', base + 0x2000, 4, random.oneIn(2) ? 0x1e : random.below(32)),
    write('memory', base + 0x20_0000, 4, random.oneIn(2) ? 0 : random.below(8)),
    pin(source, true),
    pin(other, true),
    { kind: 'read', space: 'memory', address: claim, size: 4 },
    pin(source, random.oneIn(2)),
    pin(other, random.oneIn(2)),
    write('memory', claim, 4, source),
    { kind: 'read', space: 'memory', address: base + 0x1000, size: 4 },
  ];
}

/** A driver sends more frames than the FIFOs hold, in loop-back or to the bus, and clears what it is told of. */
function spiFrames(random: Random): readonly ScriptStep[] {
  const base = 0xe000_0000;
  const steps = [
    write('memory', base + 0x10, 4, 2),
    write('memory', base, 4, 7),
    write('memory', base + 0x04, 4, random.pick([2, 3])),
    write('memory', base + 0x14, 4, random.below(16)),
  ];
  for (let frame = random.below(14); frame > 0; frame--) {
    steps.push(write('memory', base + 0x08, 4, random.byte()));
    if (random.oneIn(2)) steps.push({ kind: 'wait', nanoseconds: 2_000 });
  }
  steps.push(
    { kind: 'wait', nanoseconds: random.pick([1_000, 100_000]) },
    write('memory', base + 0x20, 4, random.below(4)),
  );
  return [...steps, { kind: 'read', space: 'memory', address: base + 0x08, size: 4 }];
}

/** The window of the configuration space is placed, as firmware does it: high half first. */
function configurationWindows(random: Random): readonly ScriptStep[] {
  const low = random.pick([0xb000_0000, 0xe000_0000, 0xc000_0000]) | (random.below(3) << 1) | random.below(2);
  return [
    { kind: 'config-write', offset: 0x64, size: 4, value: random.below(3) },
    { kind: 'config-write', offset: 0x60, size: 4, value: low >>> 0 },
    { kind: 'config-read', offset: 0x60, size: 4 },
  ];
}

/** A test is selected, and its byte is written. */
function pciTests(random: Random): readonly ScriptStep[] {
  const { space, start, size } = random.pick([
    { space: 'memory', start: 0xe000_0000, size: 0x1000 },
    { space: 'ports', start: 0xc000, size: 0x100 },
  ] as const);
  const steps = [write(space, start, 1, random.below(4))];
  for (let times = 1 + random.below(6); times > 0; times--) {
    steps.push(write(space, start + size / 2 + random.below(6), 1, random.pick([0, 0xfa, 0xfe, 0xff])));
  }
  return [...steps, { kind: 'read', space, address: start + 12, size: 1 }];
}

const VirtioPorts = 0xc000;
/** A word of guest memory. */
export const word = (address: number, value: number): ScriptStep => write('memory', address, 4, value);
const port16 = (port: number, value: number): ScriptStep => {
  return { kind: 'write', space: 'ports', address: VirtioPorts + port, size: 2, value };
};
/** A descriptor of a split queue. */
export const descriptor = (
  at: number,
  address: number,
  length: number,
  flags: number,
  next = 0,
): readonly ScriptStep[] => {
  return [word(at, address), word(at + 4, 0), word(at + 8, length), word(at + 12, flags | (next << 16))];
};

/** A driver of the legacy interface begins, with its queue in the guest's memory. */
const placeQueue = (index: number, page: number, status: number): readonly ScriptStep[] => [
  { kind: 'config-write', offset: 4, size: 2, value: 7 },
  write('ports', VirtioPorts + 0x12, 1, status),
  port16(0x0e, index),
  write('ports', VirtioPorts + 0x08, 4, page),
];

/** It says that so many requests are there, notifies, and looks at the cause of the interrupt. */
const notifyQueue = (index: number, available: number, requests: number, flags: number): readonly ScriptStep[] => [
  word(available, (requests << 16) | flags),
  write('ports', VirtioPorts + 0x12, 1, 7),
  port16(0x10, index),
  { kind: 'read', space: 'ports', address: VirtioPorts + 0x13, size: 1 },
];

/** A queue with a request or two, in the guest's memory; now and then one that cannot be. */
function virtioRequests(random: Random): readonly ScriptStep[] {
  const page = random.pick([2, 2, 4, 0x10]);
  const queue = page * 0x1000;
  const steps = [...placeQueue(0, page, random.pick([3, 3, 7]))];
  for (const at of [queue, queue + 16]) {
    const length = random.pick([1, 16, random.below(0x40), 0x1400]);
    steps.push(...descriptor(at, 0x6000 + random.below(0x1000), length, random.pick([2, 2, 2, random.below(8)])));
  }
  for (let pair = 0; pair < 4; pair++) steps.push(word(queue + 0x84 + 4 * pair, random.pick([0, 1, 0x1_0000])));
  return [...steps, ...notifyQueue(0, queue + 0x80, 1 + random.below(8), random.oneIn(8) ? 1 : 0)];
}

/** Reads, writes, flushes and ids of a disk: header, data and status. */
function diskRequests(random: Random): readonly ScriptStep[] {
  const [queue, available] = [0x4000, 0x5000];
  const type = random.pick([0, 0, 1, 1, 4, 8, 11]);
  const writes = type === 1 ? 0 : 2;
  return [
    ...placeQueue(0, 4, 3),
    ...[word(0x9000, type), word(0x9004, 0), word(0x9008, random.pick([0, 1, 126, 127, 200])), word(0x900c, 0)],
    ...descriptor(queue, 0x9000, random.pick([16, 16, 16, 8]), 1, 1),
    ...descriptor(queue + 16, 0xa000 + random.below(0x400), random.pick([512, 512, 1024, 20, 100]), 1 | writes, 2),
    ...descriptor(queue + 32, 0xb000, 1, 2),
    ...[word(available + 4, 0), ...notifyQueue(0, available, 1 + random.below(2), 0)],
  ];
}

/** Buffers to be filled, and texts that are sent. */
function consoleRequests(random: Random): readonly ScriptStep[] {
  const index = random.below(2);
  const page = index === 0 ? 4 : 8;
  const [queue, available] = [page * 0x1000, page * 0x1000 + 0x800];
  const flags = index === 0 ? 2 : 0;
  return [
    ...placeQueue(index, page, 3),
    ...descriptor(queue, 0xc000, 1 + random.below(12), flags),
    ...descriptor(queue + 16, 0xc100, 1 + random.below(12), flags),
    ...[word(0xc000, 0x6463_6261), word(0xc100, 0x6867_6665), word(available + 4, 0x1_0000)],
    ...notifyQueue(index, available, 1 + random.below(2), random.oneIn(8) ? 1 : 0),
  ];
}

/** A mode of a VGA is set, as far as the window depends on it, and the window, the palette, the retrace and a bank are used. */
function videoModes(random: Random): readonly ScriptStep[] {
  const port = (address: number, value: number) => write('ports', address, 1, value);
  const pair = (address: number, index: number, value: number): ScriptStep[] => [
    port(address, index),
    port(address + 1, value),
  ];
  const wide = (address: number, value: number): ScriptStep => {
    return { kind: 'write', space: 'ports', address, size: 2, value };
  };
  const look = (address: number): ScriptStep => ({ kind: 'read', space: 'ports', address, size: 1 });
  const [map, start] = random.pick([
    [0, 0xa_0000],
    [4, 0xa_0000],
    [8, 0xb_0000],
    [12, 0xb_8000],
  ] as const);
  const cell = start + random.below(64);
  const inWindow: ScriptStep[] = [
    port(0x3c2, random.pick([0x67, 0x63, 0x02, 0x03])),
    ...pair(0x3c4, 2, random.pick([3, 15, random.below(16)])),
    // What was chosen before has its effect too.
    ...(random.oneIn(2) ? pair(0x3c4, 4, random.pick([2, 6, 14])) : []),
    ...[...pair(0x3ce, 5, random.pick([0x00, 0x10, 1, 2, 3, 8])), ...pair(0x3ce, 6, map | random.below(4))],
    ...pair(0x3ce, 8, random.pick([0xff, random.byte()])),
    random.oneIn(2) ? write('memory', cell, 4, random.bits()) : write('memory', cell, 1, random.byte()),
    { kind: 'read', space: 'memory', address: cell, size: 1 },
    write('memory', start + random.below(64), 1, random.byte()),
  ];
  const colour = random.byte();
  const inPalette = [
    ...[port(0x3c8, colour), port(0x3c9, random.byte()), port(0x3c9, random.byte()), port(0x3c9, random.byte())],
    ...[port(0x3c7, colour), look(0x3c9), look(0x3c9), look(0x3c9), look(0x3c8)],
  ];
  const inFrame: ScriptStep[] = [
    port(0x3c2, random.pick([0x67, 0x63])),
    ...(random.oneIn(2) ? pair(0x3c4, 1, random.pick([0, 1, 9])) : []),
    // Totals and display ends of the text mode, unlocked.
    ...[pair(0x3d4, 0x11, 0x0e), pair(0x3d4, 0x00, 0x5f), pair(0x3d4, 0x01, 0x4f)].flat(),
    ...[pair(0x3d4, 0x06, 0xbf), pair(0x3d4, 0x07, 0x1f), pair(0x3d4, 0x12, 0x8f)].flat(),
    { kind: 'wait', nanoseconds: random.below(20_000_000) },
    look(0x3da),
  ];
  const inBank = [
    ...[wide(0x1ce, 1), wide(0x1cf, 64), wide(0x1ce, 2), wide(0x1cf, 48), wide(0x1ce, 3), wide(0x1cf, 8)],
    ...[wide(0x1ce, 4), wide(0x1cf, random.pick([0, 0x41, 0xc1, 0x61])), wide(0x1ce, 5), wide(0x1cf, random.below(4))],
    ...[wide(0x1ce, random.pick([6, 8, 9])), wide(0x1cf, random.below(256))],
    ...[write('memory', 0xa_0000 + random.below(64), 1, random.byte()), ...inPalette],
  ];
  return random.pick([inWindow, inWindow, inPalette, inFrame, inBank]);
}

/** A run of a timer of an SP804 to its end and a little further, under the control that it has or another. */
function timerRuns(random: Random): readonly ScriptStep[] {
  const [base, run] = [0xe000_0000 + random.pick([0, 0x20]), random.pick([0, 1, 2, 3, 10])];
  const tick = 1000 * random.pick([1, 1, 16, 256]);
  return [
    ...(random.oneIn(2) ? [write('memory', base + 8, 4, 0x80 | random.byte())] : []),
    write('memory', base, 4, run),
    { kind: 'wait', nanoseconds: run * tick + random.below(3 * tick) },
    ...[4, random.pick([0x10, 0x14])].map(
      (offset): ScriptStep => ({ kind: 'read', space: 'memory', address: base + offset, size: 4 }),
    ),
  ];
}
