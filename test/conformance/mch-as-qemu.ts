import { Q35Mch } from '../../devices/index.ts';
import { device } from '../../sdk/index.ts';
import { type KnownDifference, standIn } from './known-difference.ts';
import { type Operation, out, read8 } from './script.ts';

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
