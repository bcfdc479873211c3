import type { Random } from '../../sdk/testing/random.ts';
import type { Chip } from './chip.ts';
import { hex, type Operation, out, out8, placeOf, ResetRegister, read, read8, type Width } from './script.ts';

const Address = 0xcf8;
const Data = 0xcfc;
const Enable = 0x8000_0000;
const ResetNow = 0x04;
/** The same in every byte lane: no access but a reset may write it. */
const ResetBits = 0x0404_0404;

type Add = (...operations: Operation[]) => void;

interface Register {
  readonly device: number;
  readonly fn: number;
  readonly register: number;
}

const addressOf = ({ device, fn, register }: Register): number => Enable + (device << 11) + (fn << 8) + register;

/** Registers that mean something: identification, command and status, latency, PAM, SMRAM, routing. */
const HostBridgeRegisters = [0x00, 0x04, 0x08, 0x0c, 0x2c, 0x3c, 0x50, 0x54, 0x58, 0x5c, 0x60, 0x70, 0x90] as const;
const IsaBridgeRegisters = [
  0x00, 0x04, 0x08, 0x0c, 0x2c, 0x3c, 0x4c, 0x60, 0x64, 0x68, 0x6c, 0x70, 0x74, 0x78,
] as const;

function modelledRegister(random: Random): Register {
  const device = random.below(2);
  const usual = device === 0 ? HostBridgeRegisters : IsaBridgeRegisters;
  return { device, fn: 0, register: random.oneIn(4) ? random.byte() & 0xfc : random.pick(usual) };
}

/** Where no machine has anything: other slots, other functions of the host bridge. */
function absentRegister(random: Random): Register {
  const inHostBridge = random.oneIn(3);
  const device = inHostBridge ? 0 : 2 + random.below(30);
  return { device, fn: inHostBridge ? 1 + random.below(7) : random.below(8), register: random.byte() & 0xfc };
}

/** A width that fits the lane, as drivers use it. */
function alignedPart(random: Random): { lane: number; size: Width } {
  const size = random.pick<Width>([1, 2, 4, 4]);
  return { lane: size * random.below(4 / size), size };
}

function readPart(random: Random, register: Register, add: Add): void {
  const { lane, size } = alignedPart(random);
  add(out(Address, 4, addressOf(register)), read(Data + lane, size));
}

function writePart(random: Random, register: Register, add: Add): void {
  const { lane, size } = alignedPart(random);
  add(out(Address, 4, addressOf(register)), out(Data + lane, size, random.bits()), read(Data + lane, size));
  if (random.oneIn(3)) add(read(Data, 4));
}

/** As firmware and Linux look for devices: vendor of function 0 in every slot, then class and header type. */
function scanBus(add: Add): void {
  for (const device of [0, 1, 2, 3, 31]) {
    add(out(Address, 4, addressOf({ device, fn: 0, register: 0 })), read(Data, 4), read(Data, 2));
    add(out(Address, 4, addressOf({ device, fn: 0, register: 0x08 })), read(Data, 4));
    add(out(Address, 4, addressOf({ device, fn: 0, register: 0x0c })), read8(Data + 2));
  }
}

/** As Linux proves that mechanism #1 is there. */
function probeMechanism(add: Add): void {
  add(out8(0xcfb, 0x01), read(Address, 4), out(Address, 4, Enable), read(Address, 4));
}

/** What a reset leaves, and what it does not. */
function reset(random: Random, add: Add): void {
  add(random.oneIn(2) ? { kind: 'reset' } : { kind: 'reset', written: random.byte() | ResetNow });
  add(read(Address, 4), read8(ResetRegister));
  readPart(random, modelledRegister(random), add);
}

/** Addresses with bits that select nothing, or without the one that enables. */
function oddAddress(random: Random, add: Add): void {
  const register = addressOf(modelledRegister(random)) + random.below(4);
  const address = random.pick([
    register - Enable,
    register + 0x7f00_0000,
    register + 0x0001_0000,
    random.bits() & 0x7fff_ffff,
  ]);
  add(out(Address, 4, address), read(Address, 4), read(Data + random.below(4), random.pick<Width>([1, 2, 4])));
}

/** Narrow and straddling accesses around the address port, the reset register and the end of the data port. */
export function oddAccess(random: Random, add: Add): void {
  const port = random.pick([
    0xcf5,
    0xcf6,
    0xcf7,
    Address,
    Address,
    ResetRegister,
    ResetRegister,
    0xcfa,
    0xcfb,
    Data,
    0xcfd,
    0xcfe,
    0xcff,
    0xd00,
  ]);
  const size = random.pick<Width>([1, 1, 2, 4]);
  if (random.oneIn(2)) add(read(port, size));
  else if (port >= Data) add(out(Address, 4, addressOf(modelledRegister(random))), out(port, size, random.bits()));
  else add(out(port, size, random.bits() & ~ResetBits), read(Address, 4), read8(ResetRegister));
}

export const pciConfig: Chip = {
  name: 'pci-config',
  title: 'PCI configuration: i440FX host bridge and PIIX3, with the reset register laid over, as in QEMU',
  dates: ['2024-02-28T21:43:50'],
  machineOptions: { resetControl: 'overlay' },
  qemu: {},
  registerNames: pciRegisterNames,
  act(random, add) {
    random.weighted([
      [40, () => readPart(random, modelledRegister(random), add)],
      [40, () => writePart(random, modelledRegister(random), add)],
      [10, () => readPart(random, absentRegister(random), add)],
      [5, () => writePart(random, absentRegister(random), add)],
      [8, () => add(read(Data + random.below(4), random.pick<Width>([1, 2, 4])))],
      [12, () => oddAccess(random, add)],
      [8, () => oddAddress(random, add)],
      [2, () => scanBus(add)],
      [2, () => probeMechanism(add)],
      [1, () => readPart(random, { device: 1, fn: random.pick([1, 3]), register: random.byte() & 0xfc }, add)],
      [1, () => reset(random, add)],
      [1, () => add(out8(ResetRegister, random.byte() & ~0x04), read8(ResetRegister))],
    ]);
  },
};

/** The same in our machine as it is by default. */
export const pciConfigBehind: Chip = {
  ...pciConfig,
  name: 'pci-config-behind',
  title: 'PCI configuration: i440FX host bridge and PIIX3, with the reset register on the bus behind the bridge',
  machineOptions: { resetControl: 'behind' },
};

function pciRegisterNames(): (operation: Operation) => string {
  let address = 0;
  return (operation) => {
    if (!('port' in operation)) return placeOf(operation);
    const { port, size } = operation;
    if (operation.kind === 'out' && port === Address && size === 4) address = operation.value;
    if (port >= Data && port < Data + 4) return configRegister(address, port - Data);
    const runsOver = port > ResetRegister && port < Data && port + size > Data;
    return `port ${hex(port)}${runsOver ? `, then ${configRegister(address, 0)}` : ''}`;
  };
}

function configRegister(address: number, lane: number): string {
  const text = (value: number) => value.toString(16).padStart(2, '0');
  const place = `${text((address >>> 16) & 0xff)}:${text((address >>> 11) & 31)}.${(address >>> 8) & 7}`;
  return `${place} ${hex((address & 0xff) | lane)}${address >= Enable ? '' : ' (disabled)'}`;
}
