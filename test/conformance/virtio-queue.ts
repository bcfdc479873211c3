import { VirtioRng } from '../../devices/index.ts';
import { KiB, MiB, use } from '../../sdk/index.ts';
import type { Random } from '../../sdk/testing/random.ts';
import type { Chip } from './chip.ts';
import { pciConfig } from './pci-config.ts';
import { load, type Operation, out, RamMebibytes, read, read8, start, store } from './script.ts';

type Add = (...operations: Operation[]) => void;

const [Address, Data] = [0xcf8, 0xcfc] as const;
const Slot = 0x8000_3800;
const Ports = 0xc000;
const Port = { QueuePage: 0x08, QueueSelect: 0x0e, QueueNotify: 0x10, Status: 0x12, Isr: 0x13 } as const;
export const Status = { DriverFound: 0x03, Ready: 0x07 } as const;
export const Flag = { Next: 1, Write: 2, Indirect: 4 } as const;
const QueueSize = 8;

/** Where the queue, tables of indirect descriptors and buffers are. */
const Queue = 0x4000;
const Available = Queue + 16 * QueueSize;
const Used = Queue + 4 * KiB;
export const Table = 0x9000;
export const Buffers = 0x1_0000;
const BufferSpace = 0x4_0000;
export const Nowhere = 0x1000_0000;
const RamEnd = RamMebibytes * MiB;
const Untouched = 0xffff_ffff;

export interface Descriptor {
  readonly address: number;
  readonly length: number;
  readonly flags?: number;
  readonly next?: number;
}

export const describeBuffer = (
  at: number,
  { address, length, flags = Flag.Write, next = 0 }: Descriptor,
): Operation[] => [
  ...[store(at, 4, address), store(at + 4, 4, 0), store(at + 8, 4, length), store(at + 12, 4, flags + 0x1_0000 * next)],
];

export const describe = (index: number, descriptor: Descriptor) => describeBuffer(Queue + 16 * index, descriptor);

export const setCommand = (value: number): Operation[] => [out(Address, 4, Slot + 4), out(Data, 2, value)];

/** Driver-ok may start what waits in the queue. */
export const setStatus = (value: number): Operation => start(Ports + Port.Status, 1, value);

/** The card mapped, reset and given an empty queue, as a driver does. */
export const begin: readonly Operation[] = [
  ...[out(Address, 4, Slot + 0x10), out(Data, 4, Ports), ...setCommand(0x07), setStatus(0)],
  ...[store(Available, 4, 0), store(Used, 4, 0), setStatus(Status.DriverFound)],
  ...[out(Ports + Port.QueueSelect, 2, 0), out(Ports + Port.QueuePage, 4, Queue / 4096)],
  setStatus(Status.Ready),
];

export const setPage = (address: number): Operation => out(Ports + Port.QueuePage, 4, address / 4096);

/** Puts heads into the ring of what is available, of which `before` have been put since the queue is there. */
export function makeAvailable(before: number, heads: readonly number[]): Operation[] {
  const entries = heads.map((head, at) => store(Available + 4 + 2 * ((before + at) % QueueSize), 2, head));
  return [...entries, store(Available + 2, 2, before + heads.length)];
}

export const notify = start(Ports + Port.QueueNotify, 2, 0);
export const readAnswers: readonly Operation[] = [load(Used, 4), read8(Ports + Port.Isr)];

/** The ring of answers, the interrupt on the card's side and the bus's, and how far the driver is. */
const look: readonly Operation[] = [
  ...[load(Used, 4), load(Used + 4, 4), load(Used + 8, 4), load(Used + 12, 4), load(Used + 16, 4)],
  ...[load(Used + 4 + 8 * 7, 4), load(Used + 8 + 8 * 7, 4), out(Address, 4, Slot + 4), read(Data, 4)],
  ...[read8(Ports + Port.Isr), read8(Ports + Port.Isr), read8(Ports + Port.Status), read(Ports + Port.QueuePage, 4)],
];

const lengths = [1, 4, 7, 64, 1000, 4 * KiB, 5000, 64 * KiB] as const;

/** Mostly what drivers do, and each way to do it wrong. */
function anyBuffer(random: Random): Descriptor {
  const address = Buffers + 4 * random.below(BufferSpace / 4);
  const length = random.oneIn(40) ? random.pick([65 * KiB, 150 * KiB]) : random.pick(lengths);
  const kind = random.below(48);
  if (kind < 40) return { address, length };
  if (kind < 44) return { address, length, flags: 0 };
  if (kind < 45) return { address, length: 0 };
  if (kind < 47) return { address: random.pick([Nowhere, RamEnd - 4]), length: random.pick([8, 64, 4 * KiB, 5000]) };
  return { address: Table, length: random.pick([16, 32, 32, 15]), flags: Flag.Indirect + Flag.Write };
}

/** Every descriptor, each leading to one further on, or where it should not. */
function fillTable(random: Random, at: number, size: number, add: Add): void {
  for (let index = 0; index < size; index++) {
    const buffer = anyBuffer(random);
    const leadsOn = index + 1 < size && random.oneIn(3);
    const next = random.oneIn(25) ? random.below(size + 2) : index + 1;
    const flags = (buffer.flags ?? Flag.Write) + (leadsOn ? Flag.Next : 0);
    add(...describeBuffer(at + 16 * index, { ...buffer, flags, next: leadsOn ? next : 0 }));
    if (buffer.address >= Buffers && buffer.address < Buffers + BufferSpace) add(store(buffer.address, 4, Untouched));
  }
}

/** One driver's life: a queue, requests a few at a time, and what comes of them. */
function drive(random: Random, add: Add): void {
  add(...begin);
  fillTable(random, Table, 2, add);
  let before = 0;
  if (random.oneIn(10)) add(...setCommand(0x03), notify, ...look, ...setCommand(0x07), setStatus(Status.Ready));
  for (let rounds = 1 + random.below(4); rounds > 0; rounds--) {
    fillTable(random, Queue, QueueSize, add);
    const heads = Array.from({ length: 1 + random.below(3) }, () => (random.oneIn(40) ? 9 : random.below(QueueSize)));
    add(...makeAvailable(before, heads));
    before += heads.length;
    if (random.oneIn(60)) add(store(Available + 2, 2, before + QueueSize));
    if (random.oneIn(3)) add(store(Available, 2, random.below(2)));
    if (random.oneIn(30)) add(setPage(Nowhere), notify, setPage(Queue));
    random.weighted([
      [6, () => add(notify)],
      [1, () => add(start(Ports + Port.QueueNotify, 4, 0))],
      [1, () => add(start(Ports + Port.QueueNotify, 2, random.pick([1, 0xffff])))],
    ]);
    add(...look);
    for (let times = 3; times > 0; times--) add(load(Buffers + 4 * random.below(BufferSpace / 4), 4));
  }
}

/** Requests and answers in memory. QEMU's random bytes are zeros, and its processor runs. */
export const virtioQueue: Chip = {
  ...pciConfig,
  name: 'virtio-queue',
  title: 'virtio-rng on virtio-pci, legacy layout: what is made of a queue',
  devices: [use(VirtioRng, { addr: '07.0' })],
  qemu: {
    running: true,
    arguments: [
      ...['-object', 'rng-random,id=zeros,filename=/dev/zero', '-device'],
      'virtio-rng-pci,rng=zeros,addr=07.0,disable-legacy=off,indirect_desc=off,event_idx=off,any_layout=off,' +
        'notify_on_empty=off,ioeventfd=off',
    ],
  },
  act(random, add) {
    random.weighted([
      [30, () => drive(random, add)],
      [1, () => add({ kind: 'reset' })],
    ]);
  },
};
