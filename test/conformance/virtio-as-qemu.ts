import { VirtioRng } from '../../devices/index.ts';
import { deviceFeatures } from '../../devices/virtio-rng/registers.ts';
import {
  DescriptorFlag,
  MalformedQueue,
  type VirtioBuffer,
  type Virtqueue,
} from '../../devices/virtio-rng/virtqueue.ts';
import { device, KiB, MiB, PciCommand, PciRegister } from '../../sdk/index.ts';
import { type KnownDifference, type StandIn, standIn } from './known-difference.ts';
import { load, type Operation, out, RamMebibytes, read } from './script.ts';
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

const [Address, Data] = [0xcf8, 0xcfc] as const;
const Slot = 0x8000_3800;
const Ports = 0xc000;

/** As firmware and a driver begin: the ports in their place, decoded, and the card a bus master. */
const map = [
  ...[out(Address, 4, Slot + 0x10), out(Data, 4, Ports)],
  ...[out(Address, 4, Slot + 0x04), out(Data, 2, 0x05)],
];

/** Of seed 1. */
const FirstWord = 0x5e2d_1772;

const BadFeature = 0x4000_0000;

function offersBadFeature(base: typeof VirtioRng): typeof VirtioRng {
  @device({ type: 'virtio-rng-pci', description: 'virtio-rng that offers a feature which no driver may take' })
  class VirtioRngWithBadFeature extends base {
    @deviceFeatures.onRead()
    offerBadFeature(): number {
      return BadFeature;
    }
  }
  return VirtioRngWithBadFeature;
}

export const badFeature: KnownDifference = {
  register: 'the features that virtio-rng offers',
  condition: 'read',
  reason:
    'QEMU offers a feature that no driver may take (bit 30), to find drivers that take everything. Ours offers none, so that it ' +
    'need not handle one.',
  there: { operations: [...map, read(Ports, 4)], ours: [0], qemu: [BadFeature] },
  standIn: standIn(VirtioRng, offersBadFeature),
};

type RngClass = typeof VirtioRng;
type QueueClass = typeof Virtqueue;

/** The card with a queue of another class. */
function queueOf(over: (base: QueueClass) => QueueClass): StandIn {
  return standIn(VirtioRng, (base) => {
    @device({ type: 'virtio-rng-pci', description: 'virtio-rng whose queue is in one point as QEMU has it' })
    class VirtioRngWithQueue extends base {
      protected override queueClass(): QueueClass {
        return over(super.queueClass());
      }
    }
    return VirtioRngWithQueue;
  });
}

/** The bytes of a seed depend on nothing else; those of QEMU come from the host: here both are zeros. */
function bringsZeros(base: RngClass): RngClass {
  @device({ type: 'virtio-rng-pci', description: 'virtio-rng whose bytes are zeros' })
  class VirtioRngOfZeros extends base {
    override reset(): void {
      super.reset();
      this.random.fill = (target) => void target.fill(0);
    }
  }
  return VirtioRngOfZeros;
}

/** A card that is told to be no bus master loses its driver, and is off until it is master again or reset. */
function isOffWithoutMaster(base: RngClass): RngClass {
  @device({ type: 'virtio-rng-pci', description: 'virtio-rng that its command register switches off' })
  class VirtioRngSwitchedOff extends base {
    private isOff = false;
    private isOwnWrite = false;

    override writeConfig(offset: number, value: number, size: number): void {
      super.writeConfig(offset, value, size);
      if (this.isOwnWrite || offset > PciRegister.Command || offset + size <= PciRegister.Command) return;
      this.isOff = (this.config.get(PciRegister.Command, 1) & PciCommand.Master) === 0;
      if (this.isOff) this.deviceStatus &= ~0x04;
    }

    override writeStatus(status: number): void {
      this.isOwnWrite = true;
      super.writeStatus(status);
      this.isOwnWrite = false;
      if (status === 0) this.isOff = false;
    }

    override writeQueuePage(page: number, previous: number): void {
      super.writeQueuePage(page, previous);
      if (page === 0) this.isOff = false;
    }

    override reset(): void {
      super.reset();
      this.isOff = false;
    }

    protected override processQueue(): void {
      if (!this.isOff) super.processQueue();
    }
  }
  return VirtioRngSwitchedOff;
}

/** A request gets all that it has room for, and all of it at once. */
function fillsAllBuffers(base: RngClass): RngClass {
  @device({ type: 'virtio-rng-pci', description: 'virtio-rng without a limit' })
  class VirtioRngWithoutLimit extends base {
    protected override readonly mostBytes = Number.POSITIVE_INFINITY;
    protected override readonly bytesOfTurn = Number.POSITIVE_INFINITY;
  }
  return VirtioRngWithoutLimit;
}

/** What shows when a request is taken, not when it is counted. */
const foundWhenTaken = /no bytes|behind one to write|where the device cannot write/;

/** A chain that is found wrong when it is taken sets ISR like one that is answered. The pin stays as it is. */
function setsIsrWhenBroken(base: RngClass): RngClass {
  @device({ type: 'virtio-rng-pci', description: 'virtio-rng that sets ISR when its queue is broken' })
  class VirtioRngThatSetsIsr extends base {
    protected override stopWorking(why: string): void {
      super.stopWorking(why);
      if (foundWhenTaken.test(why) && this.queue.wantsInterrupt(this.queuePage * 4096)) this.interruptStatus |= 1;
    }
  }
  return VirtioRngThatSetsIsr;
}

/** Looks at requests without taking them, and at their chains without what shows when they are taken. */
const looksAhead = (base: QueueClass) =>
  class extends base {
    private isLooking = false;

    protected lookAt(queue: number, request: number): readonly VirtioBuffer[] {
      this.isLooking = true;
      try {
        return this.chain(queue, this.headOf(queue, this.nextRequest + request));
      } finally {
        this.isLooking = false;
      }
    }

    protected override checkBuffer(buffer: VirtioBuffer, previous: VirtioBuffer | undefined): void {
      if (!this.isLooking) super.checkBuffer(buffer, previous);
    }
  };

/** Random bytes are asked for as many as the requests have room for: without room none are served, nor those behind the last. */
const waitsForRoom = (base: QueueClass): QueueClass =>
  class extends looksAhead(base) {
    protected override waiting(queue: number): number {
      const waiting = super.waiting(queue);
      let served = 0;
      for (let request = 0; request < waiting; request++) if (this.hasRoom(queue, request)) served = request + 1;
      return served;
    }

    private hasRoom(queue: number, request: number): boolean {
      try {
        return this.lookAt(queue, request).some(({ length, writable }) => writable && length > 0);
      } catch (error) {
        if (error instanceof MalformedQueue) return true;
        throw error;
      }
    }
  };

/** All chains are counted before the first is served: one that is wrong stops all, and so do more descriptors than there are. */
const countsFirst = (base: QueueClass): QueueClass =>
  class extends looksAhead(base) {
    protected override waiting(queue: number): number {
      const pending = (this.load16(queue + 16 * this.size + 2) - this.nextRequest) & 0xffff;
      let descriptors = 0;
      for (let request = 0; request < pending && pending <= this.size; request++) {
        const buffers = this.lookAt(queue, request);
        descriptors += this.isTable(queue, request) ? 1 : buffers.length;
        if (descriptors > this.size) throw new MalformedQueue(`chains of more than ${this.size} descriptors`);
      }
      return super.waiting(queue);
    }

    private isTable(queue: number, request: number): boolean {
      this.load(queue + 16 * this.headOf(queue, this.nextRequest + request), 16);
      return (this.view.getUint16(12, true) & DescriptorFlag.Indirect) !== 0;
    }
  };

/** A head that is indirect leads to a table; any other descriptor is a buffer, whatever it says. */
const followsTables = (base: QueueClass): QueueClass =>
  class extends base {
    protected override chain(queue: number, head: number): readonly VirtioBuffer[] {
      if (head >= this.size) return super.chain(queue, head);
      this.load(queue + 16 * head, 16);
      if ((this.view.getUint16(12, true) & DescriptorFlag.Indirect) === 0) return super.chain(queue, head);
      const size = this.view.getUint32(8, true);
      if (size === 0 || size % 16 !== 0) throw new MalformedQueue(`a table of ${size} bytes`);
      return this.walk(Number(this.view.getBigUint64(0, true)), 0, size / 16);
    }

    protected override refuseIndirect(): void {}
  };

const RamEnd = RamMebibytes * MiB;
const BounceSize = 4 * KiB;

/** What is no RAM goes through one page of QEMU's own, and only one such piece fits into a request. */
const bouncesOnce = (base: QueueClass): QueueClass =>
  class extends base {
    private bounces = 0;

    protected override walk(table: number, first: number, size: number): readonly VirtioBuffer[] {
      this.bounces = 0;
      return super.walk(table, first, size);
    }

    protected override checkBuffer(buffer: VirtioBuffer, previous: VirtioBuffer | undefined): void {
      super.checkBuffer(buffer, previous);
      const inRam = Math.max(0, Math.min(buffer.length, RamEnd - Number(buffer.address)));
      this.bounces += Math.ceil((buffer.length - inRam) / BounceSize);
      if (this.bounces > 1) throw new MalformedQueue('a second buffer where the device cannot write');
    }
  };

function losesBytes(base: RngClass): RngClass {
  @device({ type: 'virtio-rng-pci', description: 'virtio-rng that does not mind where its bytes go' })
  class VirtioRngThatLosesBytes extends base {
    protected override store(address: bigint, bytes: Uint8Array): void {
      this.busMaster.write(address, bytes);
    }
  }
  return VirtioRngThatLosesBytes;
}

/** Where there is no memory a queue reads zeros, so that nothing waits in it. */
const readsZeros = (base: QueueClass): QueueClass =>
  class extends base {
    protected override load(address: number, size: number): void {
      try {
        super.load(address, size);
      } catch (error) {
        if (!(error instanceof MalformedQueue)) throw error;
      }
    }
  };

const plain = { address: Buffers, length: 4 };
const elsewhere = { address: Buffers + 0x100, length: 4 };
/** What a driver does to be given random bytes, and what it reads then: the ring of answers, and the cause of the interrupt. */
const ask = (before: number, ...heads: readonly number[]): Operation[] => {
  return [...makeAvailable(before, heads), notify, ...readAnswers];
};

/** The number of answers is in the upper half of the first word. */
const answered = (count: number): number => count * 0x1_0000;

/** In the order in which stand-ins are laid: those that look ahead come last. */
export const queueDifferences: readonly KnownDifference[] = [
  {
    register: 'random bytes',
    condition: 'a request',
    reason: 'Ours depend on a seed, so that a run can be repeated, and those of QEMU come from its host: zeros, here.',
    there: {
      operations: [...begin, ...describe(0, plain), ...ask(0, 0), load(Buffers, 4)],
      ours: [answered(1), 1, FirstWord],
      qemu: [answered(1), 1, 0],
    },
    standIn: standIn(VirtioRng, bringsZeros),
  },
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
    standIn: [queueOf(bouncesOnce), standIn(VirtioRng, losesBytes)],
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
