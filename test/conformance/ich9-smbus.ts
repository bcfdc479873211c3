import { Ich9Smbus } from '../../devices/index.ts';
import { q35 } from '../../machines/index.ts';
import { SmbusError } from '../../sdk/i2c.ts';
import { device } from '../../sdk/index.ts';
import type { Random } from '../../sdk/testing/random.ts';
import type { Chip } from './chip.ts';
import { type KnownDifference, standIn } from './known-difference.ts';
import { pciConfig } from './pci-config.ts';
import { q35Routes, route } from './routing.ts';
import { isaLines, type Operation, out, out8, read, read8, type Width } from './script.ts';

type Add = (...operations: Operation[]) => void;

const [Address, Data] = [0xcf8, 0xcfc] as const;
const Smbus = 0x8000_fb00;
const Ports = 0xb000;
const Port = { Status: 0, Control: 2, Command: 3, Address: 4, Data0: 5, Data1: 6, Block: 7, Auxiliary: 0x0d } as const;
const Control = { Interrupt: 0x01, Kill: 0x02, LastByte: 0x20, Start: 0x40 } as const;
const Protocol = { Quick: 0, Byte: 1, ByteData: 2, WordData: 3, Block: 5, I2cRead: 6 } as const;
const ByteDone = 0x80;
const Line = 10;

const select = (register: number): Operation => out(Address, 4, Smbus + register);
const write = (port: number, value: number): Operation => out8(Ports + port, value);
const look = (port: number): Operation => read8(Ports + port);
const everything: readonly Operation[] = [Port.Status, Port.Control, Port.Data0, Port.Data1].map(look);

/** The controller's ports, and its interrupt at an ISA line. */
const open: readonly Operation[] = [
  ...[select(0x20), out(Data, 4, Ports + 1), select(0x04), out(Data, 2, 1), select(0x40), out8(Data, 1)],
  ...route(q35Routes, 0x60, Line),
];

/** A memory module, or where no target is. */
const anyTarget = (random: Random): number =>
  random.oneIn(5) ? random.pick([0x08, 0x30, 0x4f, 0x58, 0x69]) : 0x50 + random.below(8);
/** Beginnings of pages, so that no write leaves its page. */
const anyPlace = (random: Random): number => 8 * random.below(32) + random.below(7);

function begin(random: Random, protocol: number, target: number, reads: boolean, add: Add): void {
  const interrupt = random.oneIn(2) ? Control.Interrupt : 0;
  add(write(Port.Status, 0xfe), isaLines, write(Port.Address, (target << 1) | (reads ? 1 : 0)));
  add(write(Port.Control, (protocol << 2) | interrupt | Control.Start), isaLines);
  // The first look shows that it is busy, unless interrupts are enabled.
  add(look(Port.Status), look(Port.Status), isaLines);
}

function shortTransfer(random: Random, add: Add): void {
  const protocol = random.pick([
    Protocol.Quick,
    Protocol.Byte,
    Protocol.ByteData,
    Protocol.ByteData,
    Protocol.WordData,
  ]);
  const [target, reads] = [anyTarget(random), random.oneIn(2)];
  add(write(Port.Command, anyPlace(random)), write(Port.Data0, random.byte()), write(Port.Data1, random.byte()));
  // A byte without a command comes from where the one before left off: that is said anew.
  if (protocol === Protocol.Byte && reads) begin(random, protocol, target, false, add);
  begin(random, protocol, target, reads, add);
  add(...everything);
}

/** Its length, and its bytes, into one page. */
function writeBlock(random: Random, length: number, target: number, usesBuffer: boolean, add: Add): void {
  add(
    write(Port.Auxiliary, usesBuffer ? 2 : 0),
    look(Port.Control),
    write(Port.Data0, length),
    write(Port.Block, random.byte()),
  );
  if (usesBuffer) for (let more = 1; more < length; more++) add(write(Port.Block, random.byte()));
  begin(random, Protocol.Block, target, false, add);
  for (let more = 0; !usesBuffer && more < length; more++) {
    add(write(Port.Block, random.byte()), write(Port.Status, ByteDone), look(Port.Status), isaLines);
  }
}

function block(random: Random, add: Add): void {
  const length = 1 + random.below(7);
  const target = 0x50 + random.below(8);
  const usesBuffer = random.oneIn(2);
  add(write(Port.Command, 8 * random.below(32)));
  writeBlock(random, length, target, random.oneIn(2), add);
  add(...everything, write(Port.Auxiliary, usesBuffer ? 2 : 0), look(Port.Control));
  begin(random, Protocol.Block, target, true, add);
  add(look(Port.Data0));
  if (usesBuffer) for (let taken = 0; taken < length; taken++) add(look(Port.Block));
  else takeBytes(length, Protocol.Block, add);
  add(write(Port.Auxiliary, 0), ...everything);
}

function takeBytes(length: number, protocol: number, add: Add): void {
  for (let taken = 1; taken <= length; taken++) {
    const isLast = taken >= length - 1;
    add(look(Port.Block), write(Port.Control, (protocol << 2) | (isLast ? Control.LastByte : 0)), isaLines);
    if (taken < length || length === 1) add(write(Port.Status, ByteDone), look(Port.Status), isaLines);
  }
}

function i2cRead(random: Random, add: Add): void {
  add(write(Port.Data1, random.byte()));
  begin(random, Protocol.I2cRead, 0x50 + random.below(8), random.oneIn(2), add);
  takeBytes(2 + random.below(20), Protocol.I2cRead, add);
}

/** What only holds a value, in any width. */
function store(random: Random, add: Add): void {
  const size = random.pick<Width>([1, 2, 4]);
  const port = random.pick([Port.Command, Port.Address, Port.Data0]);
  if (size < 4) add(out(Ports + port, size, random.bits()));
  add(read(Ports + port, size === 4 ? 2 : size), ...everything);
}

function kill(random: Random, add: Add): void {
  add(write(Port.Control, Control.Kill | (random.oneIn(2) ? Control.Interrupt : 0)), look(Port.Status), isaLines);
  add(write(Port.Control, 0), ...everything, write(Port.Status, 0xfe));
}

/** The ports do not answer, and then they do again. */
function configure(random: Random, add: Add): void {
  add(
    select(0x40),
    out8(Data, random.pick([0x00, 0x02])),
    read(Data, 4),
    look(Port.Command),
    out8(Data, 1),
    look(Port.Command),
  );
}

const smbusNames = (): ((operation: Operation) => string) => (operation) =>
  'port' in operation ? `00:1f.3 or port ${operation.port.toString(16)}` : operation.kind;

function answersAtOnce(base: typeof Ich9Smbus): typeof Ich9Smbus {
  @device({ type: 'ICH9-SMB', description: 'SMBus controller whose ports answer before they are enabled' })
  class SmbusThatAnswersAtOnce extends base {
    override reset(): void {
      super.reset();
      this.showPorts(true);
    }
  }
  return SmbusThatAnswersAtOnce;
}

function takesAnyLength(base: typeof Ich9Smbus): typeof Ich9Smbus {
  @device({ type: 'ICH9-SMB', description: 'SMBus controller that takes a block of any length for one of none' })
  class SmbusThatTakesAnyLength extends base {
    override lengthOf(answer: number): number {
      return answer === SmbusError.BlockCount ? 0 : answer;
    }
  }
  return SmbusThatTakesAnyLength;
}

function endsWithLastByte(base: typeof Ich9Smbus): typeof Ich9Smbus {
  @device({ type: 'ICH9-SMB', description: 'SMBus controller whose transfer ends with its last byte' })
  class SmbusThatEndsWithLastByte extends base {
    override readonly lastByteWaits = false;
  }
  return SmbusThatEndsWithLastByte;
}

export const smbusDifferences: readonly KnownDifference[] = [
  {
    register: '00:1f.3 HOSTC, ports',
    condition: 'HST_EN was never written',
    reason:
      'HST_EN is clear after a reset, and then the ports do not answer (Intel ICH9 Family datasheet, HOSTC). QEMU looks at it when it is ' +
      'written, and not before.',
    there: {
      operations: [...open.slice(0, 4), look(Port.Status), select(0x40), out8(Data, 0), look(Port.Status)],
      ours: [0xff, 0xff],
      qemu: [0, 0xff],
    },
    standIn: standIn(Ich9Smbus, answersAtOnce),
  },
  {
    register: '00:1f.3 HST_STS, HST_D0',
    condition: 'a target announces a block of 0 bytes, or of more than 32',
    reason:
      'A block has 1 to 32 bytes (SMBus 2.0, 5.5.7 "Block Write/Read"), so that this is an error. QEMU takes it for a block of none.',
    there: {
      operations: [
        ...open,
        write(Port.Address, 0xa1),
        write(Port.Control, (Protocol.Block << 2) | Control.Start),
        look(Port.Status),
        look(Port.Status),
      ],
      ours: [0x00, 0x01, 0x04],
      qemu: [0x00, 0x01, 0x81],
    },
    standIn: standIn(Ich9Smbus, takesAnyLength),
  },
  {
    register: '00:1f.3 HST_STS',
    condition: 'the last byte of a block has come, byte by byte',
    reason:
      'BYTE_DONE is set for the last byte too, and INTR when the guest has cleared that (Intel Pentium and Celeron J1850 datasheet, 22.8.1). QEMU sets ' +
      'INTR alone, and then Linux does not take the byte.',
    there: {
      operations: [
        ...[...open, write(Port.Address, 0xa0), write(Port.Control, (Protocol.I2cRead << 2) | Control.Start)],
        ...[look(Port.Status), look(Port.Status), write(Port.Control, (Protocol.I2cRead << 2) | Control.LastByte)],
        ...[write(Port.Status, ByteDone), look(Port.Status), write(Port.Status, ByteDone), look(Port.Status)],
      ],
      ours: [0x00, 0x01, 0x81, 0x81, 0x02],
      qemu: [0x00, 0x01, 0x81, 0x02, 0x02],
    },
    standIn: standIn(Ich9Smbus, endsWithLastByte),
  },
];

export const ich9Smbus: Chip = {
  ...pciConfig,
  name: 'q35-smbus',
  title: "ICH9's SMBus on q35, with the EEPROMs of eight memory modules",
  machine: q35,
  machineOptions: {},
  deviceOptions: () => ({ eeprom: { writeTime: 0 } }),
  qemu: { machine: 'q35', lines: true },
  registerNames: smbusNames,
  act(random, add) {
    random.weighted([
      [2, () => add(...open)],
      [40, () => shortTransfer(random, add)],
      [20, () => block(random, add)],
      [8, () => i2cRead(random, add)],
      [10, () => store(random, add)],
      [4, () => kill(random, add)],
      [2, () => configure(random, add)],
    ]);
  },
};
