import { VirtioRng } from '../../devices/index.ts';
import { use } from '../../sdk/index.ts';
import type { Random } from '../../sdk/testing/random.ts';
import { Common, Feature, Status } from '../bus/virtio/driver.ts';
import type { Chip } from './chip.ts';
import { pciConfig } from './pci-config.ts';
import { load, type Operation, out, read, start, store, type Width } from './script.ts';

type Add = (...operations: Operation[]) => void;

const [Address, Data] = [0xcf8, 0xcfc] as const;
const Slot = 0x8000_3800;
const Ports = 0xc000;
const LegacyNotify = Ports + 0x10;
const Table = 0xe100_0000;
const Pending = Table + 0x800;
const Modern = 0xe000_0000;
const InterruptStatus = Modern + 0x1000;
const MsixControl = Slot + 0x98;
/** Where descriptors, rings, buffers and messages are. */
const Memory = { Descriptors: 0x4000, Available: 0x5000, Used: 0x6000, Buffers: 0x1_0000, Messages: 0x2_0000 } as const;
const QueueSize = 8;
const Vectors = 2;

const config = (register: number, size: Width, value: number): Operation[] => [
  out(Address, 4, Slot + (register & 0xfc)),
  out(Data + (register & 3), size, value),
];
const common = (register: number, size: Width, value: number): Operation => store(Modern + register, size, value);
const look = (register: number, size: Width): Operation => load(Modern + register, size);

/** The ports, the table and the structures in their places, decoded, and the card a bus master. */
const map: readonly Operation[] = [
  ...[...config(0x10, 4, Ports), ...config(0x14, 4, Table), ...config(0x20, 4, Modern), ...config(0x24, 4, 0)],
  ...config(0x04, 2, 0x07),
];

const offered = [2 ** Feature.Indirect, 2 ** Feature.EventIndex, 0] as const;

/** As a driver of virtio 1 begins: it accepts some of what is offered. */
function begin(random: Random): readonly Operation[] {
  const found = Status.Acknowledge | Status.Driver;
  const low = random.pick([0, offered[0], offered[1], offered[0] + offered[1]]);
  return [
    ...map,
    ...[common(Common.Status, 1, 0), look(Common.Status, 1), common(Common.Status, 1, found)],
    ...[common(Common.DeviceFeatureSelect, 4, 0), look(Common.DeviceFeature, 4)],
    ...[common(Common.DeviceFeatureSelect, 4, 1), look(Common.DeviceFeature, 4)],
    ...[common(Common.DriverFeatureSelect, 4, 0), common(Common.DriverFeature, 4, low), look(Common.DriverFeature, 4)],
    ...[common(Common.DriverFeatureSelect, 4, 1), common(Common.DriverFeature, 4, 1), look(Common.DriverFeature, 4)],
    ...[common(Common.Status, 1, found | Status.FeaturesOk), look(Common.Status, 1)],
  ];
}

/** The queue in its place, with a vector or none; what is not yet ready is looked at. */
function placeQueue(random: Random): readonly Operation[] {
  const addresses = [
    [Common.Descriptors, Memory.Descriptors],
    [Common.Driver, Memory.Available],
    [Common.Device, Memory.Used],
  ] as const;
  const clear = [Memory.Available, Memory.Available + 4, Memory.Available + 20, Memory.Used, Memory.Used + 68];
  return [
    ...clear.map((address) => store(address, 4, 0)),
    ...[common(Common.QueueSelect, 2, 0), look(Common.QueueSize, 2), look(Common.QueueEnable, 2)],
    ...[common(Common.QueueVector, 2, random.pick([0, 1, 1, 0xffff, 2])), look(Common.QueueVector, 2)],
    ...[common(Common.ConfigVector, 2, random.pick([0, 1, 0xffff, 9])), look(Common.ConfigVector, 2)],
    ...addresses.flatMap(([register, address]) => [common(register, 4, address), common(register + 4, 4, 0)]),
    ...[common(Common.QueueEnable, 2, 1), look(Common.QueueEnable, 2), look(Common.Descriptors, 4)],
    ...[common(Common.Status, 1, 0x0f), look(Common.Status, 1), look(Common.NotifyOffset, 2)],
  ];
}

/** One buffer, and all that a driver finds after it: the ring, the buffer, the message, what is pending, the interrupt status. */
function request(random: Random, before: number): readonly Operation[] {
  const at = Memory.Descriptors + 16 * (before % QueueSize);
  const buffer = Memory.Buffers + 0x100 * (before % QueueSize);
  const length = random.pick([4, 16, 100]);
  return [
    ...[store(at, 4, buffer), store(at + 4, 4, 0), store(at + 8, 4, length), store(at + 12, 4, 2)],
    store(Memory.Available + 4 + 2 * (before % QueueSize), 2, before % QueueSize),
    ...(random.oneIn(3) ? [store(Memory.Available, 2, random.below(2))] : []),
    ...(random.oneIn(2) ? [store(Memory.Available + 20, 2, before + random.below(2))] : []),
    ...[store(Memory.Available + 2, 2, before + 1), start(LegacyNotify, 2, 0)],
    ...[load(Memory.Used, 4), load(Memory.Used + 4 + 8 * (before % QueueSize), 4), load(Memory.Used + 68, 2)],
    ...lookAtInterrupts(random),
  ];
}

/** The interrupt status is read, and so cleared, now and then. */
function lookAtInterrupts(random: Random): readonly Operation[] {
  const messages = [0, 1].map((vector) => load(Memory.Messages + 4 * vector, 4));
  const forget = [0, 1].map((vector) => store(Memory.Messages + 4 * vector, 4, 0));
  const status = random.oneIn(2) ? [load(InterruptStatus, 1)] : [];
  return [...messages, load(Pending, 4), ...status, ...(random.oneIn(3) ? forget : [])];
}

/** A vector's entry is written and read back, or masked; MSI-X as a whole is enabled and masked. */
function moveVectors(random: Random, add: Add): void {
  const entry = Table + 16 * random.below(Vectors);
  const vector = (entry - Table) / 16;
  random.weighted([
    [4, () => add(store(entry, 4, Memory.Messages + 4 * vector), store(entry + 4, 4, 0), load(entry, 4))],
    [3, () => add(store(entry + 8, 4, random.bits()), load(entry + 8, 4))],
    [5, () => add(store(entry + 12, 4, random.below(2)), load(entry + 12, 4))],
    [1, () => add(store(entry + 1, 1, 0xff), store(entry + 2, 2, 0xffff), load(entry, 4), store(Pending, 4, 3))],
    [4, () => add(...config(MsixControl - Slot + 2, 2, random.pick([0, 0x8000, 0x8000, 0xc000, 0xffff])))],
  ]);
  add(out(Address, 4, MsixControl), read(Data, 4), ...lookAtInterrupts(random));
}

function drive(random: Random, add: Add): void {
  add(...begin(random));
  for (let moves = random.below(6); moves > 0; moves--) moveVectors(random, add);
  add(...placeQueue(random));
  for (let before = 0; before < 4; before++) {
    add(...request(random, before));
    if (random.oneIn(2)) moveVectors(random, add);
  }
  if (random.oneIn(4)) add(common(Common.QueueSelect, 2, random.pick([1, 5, 1023])), look(Common.QueueSize, 2));
}

/** What a driver of virtio 1 does with the structures in memory and with MSI-X. QEMU's random bytes are zeros. */
export const virtioModern: Chip = {
  ...pciConfig,
  name: 'virtio-modern',
  title: 'virtio-rng on virtio-pci, virtio 1: structures in memory, event indexes and MSI-X',
  devices: [use(VirtioRng, { addr: '07.0' })],
  qemu: {
    running: true,
    arguments: [
      ...['-object', 'rng-random,id=zeros,filename=/dev/zero', '-device'],
      'virtio-rng-pci,rng=zeros,addr=07.0,disable-legacy=off,queue_reset=on,ioeventfd=off',
    ],
  },
  act(random, add) {
    random.weighted([
      [30, () => drive(random, add)],
      [1, () => add({ kind: 'reset' })],
    ]);
  },
};
