import { Q35Mch } from '../../devices/index.ts';
import { device, MiB } from '../../sdk/index.ts';
import { type KnownDifference, standIn } from './known-difference.ts';
import { load, type Operation, out, read8 } from './script.ts';

const SmramAtSmbase = 0x9c;

function clearsSmramAtSmbase(base: typeof Q35Mch): typeof Q35Mch {
  @device({ type: 'mch', description: 'memory controller that clears register 0x9c at a reset' })
  class MchWithSmramAtSmbase extends base {
    override reset(): void {
      super.reset();
      this.config.set(SmramAtSmbase, 0, 1);
    }
  }
  return MchWithSmramAtSmbase;
}

const reset: Operation = { kind: 'reset' };

export const mchDifferences: readonly KnownDifference[] = [
  {
    register: '00:00.0 0x9c',
    condition: 'written, then a reset',
    reason:
      'The chip has no register there, so that ours keeps what is written, as it does everywhere where nothing is. QEMU keeps a ' +
      'switch of its own there, for firmware that looks for more memory for system management.',
    there: {
      operations: [out(0xcf8, 4, 0x8000_0000 + SmramAtSmbase), out(0xcfc, 1, 0x5a), reset, read8(0xcfc)],
      ours: [0x5a],
      qemu: [0],
    },
    standIn: standIn(Q35Mch, clearsSmramAtSmbase),
  },
];

/** Address bits by length, as QEMU 7.2 has them: 28 and up, and 26 and 25 instead of 27 and 26. */
const lowBits: Readonly<Record<number, number>> = {
  [256 * MiB]: 0,
  [128 * MiB]: 0x0600_0000,
  [64 * MiB]: 0x0200_0000,
};

function placesWindowOff(base: typeof Q35Mch): typeof Q35Mch {
  @device({ type: 'mch', description: 'memory controller that takes the wrong address bits' })
  class MchWithWrongBits extends base {
    protected override windowAddress(written: number, length: number): number {
      const aligned = Math.floor(written / (256 * MiB)) * (256 * MiB);
      return aligned + ((written & (lowBits[length] as number)) >>> 0);
    }
  }
  return MchWithWrongBits;
}

const PowerOn = 0xb000_0000;
const [Enable, Of128MiB, Of64MiB] = [0x1, 0x2, 0x4] as const;
const writeWindow = (value: number): Operation[] => [out(0xcf8, 4, 0x8000_0060), out(0xcfc, 4, value)];
const Identity = 0x29c0_8086;

export const windowDifferences: readonly KnownDifference[] = [
  {
    register: 'PCIEXBAR (00:00.0 0x60)',
    condition: 'a window of 128 or 64 MiB whose base has one of the bits 27 to 25',
    reason:
      "A window lies at a multiple of its length (Intel 3 Series Express Chipset Family datasheet, PCIEXBAR). QEMU's masks are off by one bit: it takes 26 " +
      'and 25 instead of 27 and 26.',
    there: {
      operations: [
        ...[
          ...writeWindow(PowerOn + 0x0800_0000 + Of128MiB + Enable),
          load(PowerOn + 0x0800_0000, 4),
          load(PowerOn, 4),
        ],
        ...[...writeWindow(PowerOn + 0x0400_0000 + Of64MiB + Enable), load(PowerOn + 0x0400_0000, 4), load(PowerOn, 4)],
        ...[...writeWindow(PowerOn + 0x0200_0000 + Of64MiB + Enable), load(PowerOn + 0x0200_0000, 4), load(PowerOn, 4)],
      ],
      ours: [Identity, 0, Identity, 0, 0xffff_ffff, Identity],
      qemu: [0, Identity, 0, Identity, Identity, 0],
    },
    standIn: standIn(Q35Mch, placesWindowOff),
  },
];
