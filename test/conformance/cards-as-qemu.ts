import { Edu, PcTestdev } from '../../devices/index.ts';
import { device } from '../../sdk/index.ts';
import { Bar, map, Register } from './edu.ts';
import { type KnownDifference, standIn } from './known-difference.ts';
import { isaLines, load, type Operation, out, out8, read, store } from './script.ts';

/** A reset is the bus's alone: configuration and pin. The pin stays low until there is a new cause, or none. */
function keepsRegisters(base: typeof Edu): typeof Edu {
  @device({ type: 'edu', description: 'edu whose registers survive a reset' })
  class EduWithoutReset extends base {
    private isOn = false;
    /** The bus has lowered the pin, and no cause has come since. */
    private isLowered = false;

    override onRealize(): void {
      super.onRealize();
      this.interrupt.deriveFrom(() => this.interruptStatus !== 0 && !this.isLowered);
    }

    override reset(): void {
      if (!this.isOn) super.reset();
      else this.isLowered = true;
      this.isOn = true;
    }

    override raiseInterrupt(causes: number): void {
      this.isLowered = false;
      super.raiseInterrupt(causes);
    }
  }
  return EduWithoutReset;
}

function testdevKeepsRegisters(base: typeof PcTestdev): typeof PcTestdev {
  @device({ type: 'pc-testdev', description: 'pc-testdev whose registers survive a reset' })
  class TestdevWithoutReset extends base {
    private isOn = false;

    override reset(): void {
      if (!this.isOn) super.reset();
      this.isOn = true;
    }
  }
  return TestdevWithoutReset;
}

const mapped: Operation[] = [];
map((...operations) => mapped.push(...operations));

export const eduDifferences: readonly KnownDifference[] = [
  {
    register: 'all registers of edu',
    condition: 'a reset',
    reason:
      'A reset clears the registers of ours. The card of QEMU has no reset of its own, so that its registers survive one.',
    there: {
      operations: [
        ...[...mapped, store(Bar + Register.Liveness, 4, 0x1234_5678), store(Bar + Register.Raise, 4, 0x10)],
        ...([{ kind: 'reset' }, ...mapped] as const),
        ...[load(Bar + Register.Liveness, 4), load(Bar + Register.Causes, 4)],
      ],
      ours: [0, 0],
      qemu: [0xedcb_a987, 0x10],
    },
    standIn: standIn(Edu, keepsRegisters),
  },
];

export const pcTestdevDifferences: readonly KnownDifference[] = [
  {
    register: 'all registers and lines of pc-testdev',
    condition: 'a reset',
    reason: 'A reset clears what ours holds and lets its lines go. The device of QEMU has none.',
    there: {
      operations: [
        ...[out(0xe0, 4, 0x1234_5678), out8(0x200b, 1), store(0xff00_0000, 4, 0x55), { kind: 'reset' } as const],
        ...[read(0xe0, 4), isaLines, load(0xff00_0000, 4)],
      ],
      ours: [0, 0, 0],
      qemu: [0x1234_5678, 1 << 11, 0x55],
    },
    standIn: standIn(PcTestdev, testdevKeepsRegisters),
  },
];
