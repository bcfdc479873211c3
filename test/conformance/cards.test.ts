import { describe, expect, it } from 'vitest';
import {
  Edu,
  I440fxPciHost,
  Ich9Lpc,
  PciTestdev,
  PcTestdev,
  Piix3,
  Q35Mch,
  Q35PciHost,
  VirtioRng,
} from '../../devices/index.ts';
import type { SplitQueue } from '../../sdk/bus/virtio/split-queue.ts';
import { device } from '../../sdk/index.ts';
import { whyNoQemu } from '../../sdk/testing/qemu/process.ts';
import { Random } from '../../sdk/testing/random.ts';
import { needs } from '../needs.ts';
import { type Chip, writeScript } from './chip.ts';
import { conform, formatResult, passed } from './conformance.ts';
import { edu } from './edu.ts';
import { type StandIn, standIn } from './known-difference.ts';
import { MachineSubject, machineForComparison } from './machine-subject.ts';
import { pciConfigBehind } from './pci-config.ts';
import { pciexbar } from './pciexbar.ts';
import { q35Config } from './q35.ts';
import { QemuSubject } from './qemu-subject.ts';
import { pcRouting, q35Routing } from './routing.ts';
import { formatOperation } from './script.ts';
import { pciTestdev, pcTestdev } from './testdevs.ts';
import { virtioModern } from './virtio-modern.ts';
import { virtioQueue } from './virtio-queue.ts';
import { virtioRng } from './virtio-rng.ts';

const missing = whyNoQemu();

/** A raise forgets what was raised before. */
function forgets(base: typeof Edu) {
  @device({ type: 'edu', description: 'an edu card with a bug' })
  class ForgetfulEdu extends base {
    override raiseInterrupt(causes: number): void {
      this.interruptStatus = 0;
      super.raiseInterrupt(causes);
    }
  }
  return ForgetfulEdu;
}

/** The header does not end with its name. */
function talksOn(base: typeof PciTestdev) {
  @device({ type: 'pci-testdev', description: 'a test device with a bug' })
  class TalkativeTestdev extends base {
    override readHeaderByPort(offset: number): number {
      return offset >= 0x20 ? 0x2e : super.readHeaderByPort(offset);
    }
  }
  return TalkativeTestdev;
}

/** The byte bank has bytes of its own. */
function isAskew(base: typeof PcTestdev) {
  @device({ type: 'pc-testdev', description: 'a test device with a bug' })
  class AskewTestdev extends base {
    override readonly byteBank = new Uint8Array(4);
  }
  return AskewTestdev;
}

/** Every queue number is taken, those that there cannot be too. */
function takesEveryQueue(base: typeof VirtioRng) {
  @device({ type: 'virtio-rng-pci', description: 'a virtio-rng with a bug' })
  class GullibleRng extends base {
    override selectQueue(queue: number): number {
      return queue;
    }
  }
  return GullibleRng;
}

/** The queue goes on counting where it was before a reset. */
function countsOverResets(base: typeof VirtioRng) {
  @device({ type: 'virtio-rng-pci', description: 'a virtio-rng with a bug' })
  class RngThatCountsOn extends base {
    protected override queueClass(): typeof SplitQueue {
      return class extends super.queueClass() {
        override reset(): void {}
      };
    }
  }
  return RngThatCountsOn;
}

/** Every answer interrupts, whatever the driver asked for. */
function interruptsAlways(base: typeof VirtioRng) {
  @device({ type: 'virtio-rng-pci', description: 'a virtio-rng with a bug' })
  class LoudRng extends base {
    protected override queueClass(): typeof SplitQueue {
      return class extends super.queueClass() {
        override wantsInterrupt(): boolean {
          return true;
        }
      };
    }
  }
  return LoudRng;
}

/** PIRQ D goes where PIRQ C goes. */
function confusesRoutes(base: typeof Piix3) {
  @device({ type: 'PIIX3', description: 'a bridge with a bug' })
  class ConfusedBridge extends base {
    protected override routeOf(pirq: number): number {
      return super.routeOf(Math.min(pirq, 2));
    }
  }
  return ConfusedBridge;
}

/** PIRQ E to H are routed as A to D. */
function hasFourRoutes(base: typeof Ich9Lpc) {
  @device({ type: 'ICH9-LPC', description: 'a bridge with a bug' })
  class BridgeOfFourRoutes extends base {
    protected override routeOf(pirq: number): number {
      return super.routeOf(pirq & 3);
    }
  }
  return BridgeOfFourRoutes;
}

/** Behind the 256 bytes of a function the window reads zeros. */
function hasZerosBehindConfiguration(base: typeof Q35Mch) {
  @device({ type: 'mch', description: 'a memory controller with a bug' })
  class MchWithZeros extends base {
    override readFunction(offset: number, size: number): number {
      return offset % 0x1000 < 0x100 ? super.readFunction(offset, size) : 0;
    }
  }
  return MchWithZeros;
}

/** The address register forgets a reserved bit. */
function forgetsReservedBit<C extends typeof I440fxPciHost>(base: C) {
  @device({ type: 'pcihost', description: 'a host bridge with a bug' })
  class ForgetfulHost extends (base as typeof I440fxPciHost) {
    override writeAddress(value: number): void {
      super.writeAddress((value & ~0x0100_0000) >>> 0);
    }
  }
  return ForgetfulHost;
}

const cards: readonly { readonly chip: Chip; readonly bug: StandIn }[] = [
  { chip: edu, bug: standIn(Edu, forgets) },
  { chip: pciTestdev, bug: standIn(PciTestdev, talksOn) },
  { chip: pcTestdev, bug: standIn(PcTestdev, isAskew) },
  { chip: virtioRng, bug: standIn(VirtioRng, takesEveryQueue) },
  { chip: virtioQueue, bug: standIn(VirtioRng, countsOverResets) },
  { chip: virtioModern, bug: standIn(VirtioRng, interruptsAlways) },
  { chip: pciConfigBehind, bug: standIn(I440fxPciHost, forgetsReservedBit) },
  { chip: q35Config, bug: standIn(Q35PciHost, forgetsReservedBit) },
  { chip: pciexbar, bug: standIn(Q35Mch, hasZerosBehindConfiguration) },
  { chip: pcRouting, bug: standIn(Piix3, confusesRoutes) },
  { chip: q35Routing, bug: standIn(Ich9Lpc, hasFourRoutes) },
];

describe.each(cards)('$chip.name: $chip.title', ({ chip, bug }) => {
  const plan = { operations: 3_000, seed: 7 };

  it('answers as QEMU does, but for what is known', needs('qemu', missing), async () => {
    const result = await conform(chip, new MachineSubject(chip), new QemuSubject(chip.qemu), plan);
    expect(passed(result), formatResult(result)).toBe(true);
    expect(result.counts.operations).toBe(plan.operations);
  });

  it('with a planted bug is told from the card without it', async () => {
    const bad = machineForComparison(chip, undefined, [bug]);
    const script = { date: chip.dates[0] as string, operations: writeScript(chip, new Random(plan.seed), 1_000) };
    const answers = await new MachineSubject(chip).run(script);
    expect(await new MachineSubject(chip).run(script)).toEqual(answers);
    expect(await new MachineSubject(chip, bad).run(script)).not.toEqual(answers);
  });
});

describe('what is waited for', () => {
  it('comes in guest time, and is answered as it then is', async () => {
    const factorial = 0xe000_0008;
    const operations = [
      { kind: 'out', port: 0xcf8, size: 4, value: 0x8000_2810 },
      { kind: 'out', port: 0xcfc, size: 4, value: 0xe000_0000 },
      { kind: 'out', port: 0xcf8, size: 4, value: 0x8000_2804 },
      { kind: 'out', port: 0xcfc, size: 2, value: 2 },
      { kind: 'store', address: factorial, size: 4, value: 5 },
      { kind: 'load', address: 0xe000_0020, size: 4 },
      { kind: 'await', address: 0xe000_0020, bits: 1, until: 'clear' },
      { kind: 'load', address: factorial, size: 4 },
    ] as const;
    const answers = await new MachineSubject(edu).run({ date: edu.dates[0] as string, operations });
    expect(answers.slice(5).map(({ value }) => value)).toEqual([1, 0, 120]);
    expect(operations.slice(6).map(formatOperation)[0]).toBe('wait until bits 0x01 at 0xe0000020 are clear');
  });
});
