import { VirtioRng } from '../../devices/index.ts';
import { MalformedQueue, type VirtioBuffer } from '../../sdk/bus/virtio/request.ts';
import { DescriptorFlag, type SplitQueue } from '../../sdk/bus/virtio/split-queue.ts';
import { type DmaPort, device, KiB, MiB } from '../../sdk/index.ts';
import { PciCommand, PciRegister } from '../../sdk/pci.ts';
import { type StandIn, standIn } from './known-difference.ts';
import { RamMebibytes } from './script.ts';

// virtio-rng and its queue, each function with the behaviour of QEMU's in one point.

type RngClass = typeof VirtioRng;
type QueueClass = typeof SplitQueue;

/** The card with a queue of another class. */
export function queueOf(over: (base: QueueClass) => QueueClass): StandIn {
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
export function bringsZeros(base: RngClass): RngClass {
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
export function isOffWithoutMaster(base: RngClass): RngClass {
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

    override get legacyDeviceStatus(): number {
      return super.legacyDeviceStatus;
    }

    override set legacyDeviceStatus(status: number) {
      this.isOwnWrite = true;
      super.legacyDeviceStatus = status;
      this.isOwnWrite = false;
    }

    protected override resetFunction(): void {
      super.resetFunction();
      this.isOff = false;
    }

    protected override processQueue(index: number): void {
      if (!this.isOff) super.processQueue(index);
    }
  }
  return VirtioRngSwitchedOff;
}

/** A request gets all that it has room for, and all of it at once. */
export function fillsAllBuffers(base: RngClass): RngClass {
  @device({ type: 'virtio-rng-pci', description: 'virtio-rng without a limit' })
  class VirtioRngWithoutLimit extends base {
    protected override readonly mostBytes = Number.POSITIVE_INFINITY;
    protected override readonly bytesOfTurn = Number.POSITIVE_INFINITY;
  }
  return VirtioRngWithoutLimit;
}

/** Mistakes that show when a request is taken, not when it is counted. */
const foundWhenTaken: readonly MalformedQueue['kind'][] = ['buffer', 'unwritable'];

/** A chain that is found wrong when it is taken sets ISR like one that is answered. The pin stays as it is. */
export function setsIsrWhenBroken(base: RngClass): RngClass {
  @device({ type: 'virtio-rng-pci', description: 'virtio-rng that sets ISR when its queue is broken' })
  class VirtioRngThatSetsIsr extends base {
    /** The pin follows ISR, but for the bit that a broken queue sets. */
    private isSetWithoutPin = false;

    protected override onRealize(): void {
      super.onRealize();
      this.interrupt.deriveFrom(() => {
        if (this.interruptStatus === 0) this.isSetWithoutPin = false;
        return this.interruptStatus !== 0 && !this.isSetWithoutPin;
      });
    }

    protected override stopWorking(mistake: MalformedQueue): void {
      super.stopWorking(mistake);
      if (!foundWhenTaken.includes(mistake.kind) || !this.queues[0]?.wantsInterrupt(0)) return;
      this.isSetWithoutPin = this.interruptStatus === 0;
      this.interruptStatus |= 1;
    }
  }
  return VirtioRngThatSetsIsr;
}

/** Looks at requests without taking them, and at their chains without what shows when they are taken. */
const looksAhead = (base: QueueClass) =>
  class extends base {
    private isLooking = false;

    protected lookAt(request: number): readonly VirtioBuffer[] {
      this.isLooking = true;
      try {
        return this.chain(this.headOf(this.nextRequest + request));
      } finally {
        this.isLooking = false;
      }
    }

    protected override checkBuffer(buffer: VirtioBuffer, previous: VirtioBuffer | undefined): void {
      if (!this.isLooking) super.checkBuffer(buffer, previous);
    }
  };

/** Random bytes are asked for as many as the requests have room for: without room none are served, nor those behind the last. */
export const waitsForRoom = (base: QueueClass): QueueClass =>
  class extends looksAhead(base) {
    protected override waiting(): number {
      const waiting = super.waiting();
      let served = 0;
      for (let request = 0; request < waiting; request++) if (this.hasRoom(request)) served = request + 1;
      return served;
    }

    private hasRoom(request: number): boolean {
      try {
        return this.lookAt(request).some(({ length, writable }) => writable && length > 0);
      } catch (error) {
        if (error instanceof MalformedQueue) return true;
        throw error;
      }
    }
  };

/** All chains are counted before the first is served: one that is wrong stops all, and so do more descriptors than there are. */
export const countsFirst = (base: QueueClass): QueueClass =>
  class extends looksAhead(base) {
    protected override waiting(): number {
      const pending = (this.rings.availableIndex - this.nextRequest) & 0xffff;
      let descriptors = 0;
      for (let request = 0; request < pending && pending <= this.size; request++) {
        const buffers = this.lookAt(request);
        descriptors += this.isTable(request) ? 1 : buffers.length;
        if (descriptors > this.size)
          throw new MalformedQueue('descriptor', `chains of more than ${this.size} descriptors`);
      }
      return super.waiting();
    }

    private isTable(request: number): boolean {
      const head = this.headOf(this.nextRequest + request);
      return (this.rings.descriptorAt(Number(this.descriptors), head).flags & DescriptorFlag.Indirect) !== 0;
    }
  };

/** A head that is indirect leads to a table; any other descriptor is a buffer, whatever it says. */
export const followsTables = (base: QueueClass): QueueClass =>
  class extends base {
    protected override chain(head: number): readonly VirtioBuffer[] {
      if (head >= this.size) return super.chain(head);
      const { flags, length, address } = this.rings.descriptorAt(Number(this.descriptors), head);
      return flags & DescriptorFlag.Indirect ? this.indirect(Number(address), length) : super.chain(head);
    }

    protected override refuseIndirect(): void {}
  };

const RamEnd = RamMebibytes * MiB;
const BounceSize = 4 * KiB;

/** What is no RAM goes through one page of QEMU's own, and only one such piece fits into a request. */
export const bouncesOnce = (base: QueueClass): QueueClass =>
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
      if (this.bounces > 1) throw new MalformedQueue('unwritable', 'a second buffer where the device cannot write');
    }
  };

/** Bytes for a buffer where no memory is are lost. */
export const losesBytes = (base: QueueClass): QueueClass =>
  class extends base {
    constructor(largest: number, memory: DmaPort) {
      super(largest, forgiving(memory, 'writes'));
    }
  };

/** Where there is no memory a queue reads zeros, so that nothing waits in it. */
export const readsZeros = (base: QueueClass): QueueClass =>
  class extends base {
    constructor(largest: number, memory: DmaPort) {
      super(largest, forgiving(memory, 'reads'));
    }
  };

/** What reaches nothing is said to have gone well. */
function forgiving(memory: DmaPort, what: 'reads' | 'writes'): DmaPort {
  const [read, write] = what === 'reads' ? [0, -1] : [-1, 0];
  return {
    read: (address, target) => memory.read(address, target) & read,
    write: (address, source) => memory.write(address, source) & write,
    loadIndex: (address) => (what === 'reads' ? Math.max(0, memory.loadIndex(address)) : memory.loadIndex(address)),
    storeIndex: (address, value) => memory.storeIndex(address, value) & write,
  } as Pick<DmaPort, keyof DmaPort> as DmaPort;
}
