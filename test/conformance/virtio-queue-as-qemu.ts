import { VirtioRng } from '../../devices/index.ts';
import { type KnownDifference, standIn } from './known-difference.ts';
import { load, type Operation, read } from './script.ts';
import {
  Buffers,
  begin,
  describe,
  describeBuffer,
  Flag,
  makeAvailable,
  Nowhere,
  notify,
  readAnswers,
  Status,
  setCommand,
  setPage,
  setStatus,
  Table,
} from './virtio-queue.ts';
import {
  bouncesOnce,
  bringsZeros,
  countsFirst,
  fillsAllBuffers,
  followsTables,
  isOffWithoutMaster,
  losesBytes,
  queueOf,
  readsZeros,
  setsIsrWhenBroken,
  waitsForRoom,
} from './virtio-queue-stand-ins.ts';

/** Of seed 1. */
const FirstWord = 0x5e2d_1772;

const plain = { address: Buffers, length: 4 };
const elsewhere = { address: Buffers + 0x100, length: 4 };
/** What a driver does to be given random bytes, and what it reads then: the ring of answers, and the cause of the interrupt. */
const ask = (before: number, ...heads: readonly number[]): Operation[] => {
  return [...makeAvailable(before, heads), notify, ...readAnswers];
};

/** The number of answers is in the upper half of the first word. */
const answered = (count: number): number => count * 0x1_0000;

/** The bytes themselves. */
export const randomBytes: KnownDifference = {
  register: 'random bytes',
  condition: 'a request',
  reason: 'Ours depend on a seed, so that a run can be repeated, and those of QEMU come from its host: zeros, here.',
  there: {
    operations: [...begin, ...describe(0, plain), ...ask(0, 0), load(Buffers, 4)],
    ours: [answered(1), 1, FirstWord],
    qemu: [answered(1), 1, 0],
  },
  standIn: standIn(VirtioRng, bringsZeros),
};

/** In the order in which stand-ins are laid: those that look ahead come last. */
export const queueDifferences: readonly KnownDifference[] = [
  randomBytes,
  {
    register: 'the status of virtio-rng',
    condition: 'the command register makes the card no bus master any more',
    reason:
      'The status is what the driver says, and a queue that a card cannot reach is one outside RAM. QEMU takes driver-ok from the ' +
      'status, and serves nothing until the card is master again.',
    there: {
      operations: [
        ...[...begin, ...describe(0, plain), ...setCommand(0x03), ...ask(0, 0), read(0xc012, 1)],
        ...[...setCommand(0x07), setStatus(Status.Ready), ...readAnswers],
      ],
      ours: [0, 0, 7, answered(1), 1],
      qemu: [0, 0, 3, answered(1), 1],
    },
    standIn: standIn(VirtioRng, isOffWithoutMaster),
  },
  {
    register: 'the answer to a request',
    condition: 'buffers of more than 64 KiB, and of more than 4 KiB before a chain that cannot be',
    reason:
      'A request of ours gets 64 KiB at most, in turns of 4 KiB, so that its cost is bounded. QEMU fills what there is at once.',
    there: {
      operations: [...begin, ...describe(0, { ...plain, length: 0x1_0010 }), ...ask(0, 0), load(0x5008, 4)],
      ours: [answered(1), 1, 0x1_0000],
      qemu: [answered(1), 1, 0x1_0010],
    },
    standIn: standIn(VirtioRng, fillsAllBuffers),
  },
  {
    register: 'requests',
    condition: 'buffers outside RAM',
    reason:
      'A buffer where nothing takes the bytes breaks the queue. QEMU loses them, and breaks the queue at more than one page of such.',
    there: {
      operations: [
        ...[...begin, ...describe(0, { address: Nowhere, length: 64 }), ...ask(0, 0)],
        ...[...describe(1, { address: Nowhere, length: 4097 }), ...ask(1, 1)],
      ],
      ours: [0, 1, 0, 0],
      qemu: [answered(1), 1, answered(1), 1],
    },
    standIn: [queueOf(bouncesOnce), queueOf(losesBytes)],
  },
  {
    register: 'the queue',
    condition: 'it lies outside RAM',
    reason:
      'A queue where there is no memory is broken until a reset. QEMU reads zeros there, and goes on when the queue is moved.',
    there: {
      operations: [...begin, setPage(Nowhere), notify, setPage(0x4000), ...describe(0, plain), ...ask(0, 0)],
      ours: [0, 0],
      qemu: [answered(1), 1],
    },
    standIn: queueOf(readsZeros),
  },
  {
    register: 'ISR',
    condition: 'a chain is found wrong when it is taken',
    reason: 'A queue that is broken says nothing more. QEMU sets ISR once more as if it had answered, without the pin.',
    there: {
      operations: [
        ...[...begin, ...describe(0, { ...plain, flags: Flag.Write + Flag.Next, next: 1 })],
        ...[...describe(1, { ...elsewhere, flags: 0 }), ...ask(0, 0)],
      ],
      ours: [0, 0],
      qemu: [0, 1],
    },
    standIn: standIn(VirtioRng, setsIsrWhenBroken),
  },
  {
    register: 'requests',
    condition: 'an indirect descriptor',
    reason: 'Indirect descriptors were not agreed on, so that one breaks the queue. QEMU follows it.',
    there: {
      operations: [
        ...[
          ...begin,
          ...describeBuffer(Table, plain),
          ...describe(0, { address: Table, length: 16, flags: Flag.Indirect }),
        ],
        ...ask(0, 0),
      ],
      ours: [0, 0],
      qemu: [answered(1), 1],
    },
    standIn: queueOf(followsTables),
  },
  {
    register: 'requests',
    condition: 'a request without a writable byte',
    reason:
      'It is answered with no bytes, or breaks the queue where a buffer has none. QEMU lets it wait for one that has room.',
    there: {
      operations: [...begin, ...describe(0, { ...plain, flags: 0 }), ...describe(1, plain), ...ask(0, 0), ...ask(1, 1)],
      ours: [answered(1), 1, answered(2), 1],
      qemu: [0, 0, answered(2), 1],
    },
    standIn: queueOf(waitsForRoom),
  },
  {
    register: 'requests',
    condition: 'a chain that cannot be, behind others; or more descriptors in all than the queue has',
    reason:
      'Requests are served one by one, up to the one that cannot be. QEMU counts what all of them have room for first, and serves none.',
    there: {
      operations: [...begin, ...describe(0, plain), ...ask(0, 0, 9)],
      ours: [answered(1), 0],
      qemu: [0, 0],
    },
    standIn: queueOf(countsFirst),
  },
];
