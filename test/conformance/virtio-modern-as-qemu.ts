import { VirtioRng } from '../../devices/index.ts';
import type { SplitQueue } from '../../sdk/bus/virtio/split-queue.ts';
import { device } from '../../sdk/index.ts';
import { type KnownDifference, standIn } from './known-difference.ts';
import { load, out, start, store } from './script.ts';
import { queueOf } from './virtio-queue-stand-ins.ts';

const [Address, Data] = [0xcf8, 0xcfc] as const;
const Slot = 0x8000_3800;
const Modern = 0xe000_0000;
const Status = Modern + 0x14;

const map = [
  ...[out(Address, 4, Slot + 0x20), out(Data, 4, Modern)],
  ...[out(Address, 4, Slot + 0x04), out(Data, 2, 0x07)],
];

function agreesToAnything(base: typeof VirtioRng): typeof VirtioRng {
  @device({ type: 'virtio-rng-pci', description: 'virtio-rng that agrees to whatever features the driver accepts' })
  class VirtioRngThatAgrees extends base {
    protected override canAgree(): boolean {
      return true;
    }
  }
  return VirtioRngThatAgrees;
}

export const featuresWithoutVersion: KnownDifference = {
  register: 'the status of virtio-rng',
  condition: 'FEATURES_OK, and the driver has not accepted VERSION_1, or a feature that is not offered',
  reason:
    'A device does not agree to features that it has not offered, and by these registers only to VERSION_1. QEMU checks neither there.',
  there: { operations: [...map, store(Status, 1, 0x0b), load(Status, 1)], ours: [0x03], qemu: [0x0b] },
  standIn: standIn(VirtioRng, agreesToAnything),
};

type QueueClass = typeof SplitQueue;

/** The first answer of a queue interrupts, whatever the driver asked for. */
const interruptsAtFirst = (base: QueueClass): QueueClass =>
  class extends base {
    private isFirst = true;

    override reset(): void {
      super.reset();
      this.isFirst = true;
    }

    override wantsInterrupt(before: number): boolean {
      const isFirst = this.hasEventIndex && this.isFirst;
      if (this.hasEventIndex) this.isFirst = false;
      return super.wantsInterrupt(before) || isFirst;
    }
  };

const common = (register: number, size: 1 | 2 | 4, value: number) => store(Modern + register, size, value);
const [Descriptors, Available, Used, Ports] = [0x4000, 0x5000, 0x6000, 0xc000] as const;

export const firstInterrupt: KnownDifference = {
  register: 'interrupts of a queue with event indexes',
  condition: 'the first answer, and the driver asked for an interrupt at a later one',
  reason:
    'An answer for which the driver did not ask does not interrupt. QEMU does not know at first, and interrupts once.',
  there: {
    operations: [
      ...[out(Address, 4, Slot + 0x10), out(Data, 4, Ports), ...map, common(0x14, 1, 0), common(0x14, 1, 0x03)],
      ...[common(0x08, 4, 0), common(0x0c, 4, 0x2000_0000), common(0x08, 4, 1), common(0x0c, 4, 1)],
      ...[common(0x14, 1, 0x0b), common(0x16, 2, 0), common(0x20, 4, Descriptors), common(0x28, 4, Available)],
      ...[common(0x30, 4, Used), common(0x1c, 2, 1), common(0x14, 1, 0x0f)],
      ...[store(Descriptors, 4, 0x1_0000), store(Descriptors + 8, 4, 4), store(Descriptors + 12, 4, 2)],
      ...[store(Available + 20, 2, 1), store(Available + 2, 2, 1), start(Ports + 0x10, 2, 0)],
      ...[load(Used, 4), load(Modern + 0x1000, 1)],
    ],
    ours: [0x1_0000, 0],
    qemu: [0x1_0000, 1],
  },
  standIn: queueOf(interruptsAtFirst),
};
