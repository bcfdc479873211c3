import { Port92 } from '../../devices/index.ts';
import { device } from '../../sdk/index.ts';
import { type KnownDifference, standIn } from './known-difference.ts';
import { getPort92, setPort92 } from './port92.ts';

const keepsBits = standIn(Port92, (base: typeof Port92) => {
  @device({ type: 'port92', description: 'a system control port A that a reset leaves alone but for bit 0' })
  class Port92OverReset extends base {
    override reset(): void {
      const { control } = this;
      super.reset();
      this.control = control & ~1;
    }
  }
  return Port92OverReset;
});

export const port92Differences: readonly KnownDifference[] = [
  {
    register: 'port 0x92',
    condition: 'after a reset',
    reason: 'A reset clears the register (ICH9, "PORT92"). QEMU clears bit 0 only.',
    standIn: keepsBits,
    there: { operations: [setPort92(0x02), { kind: 'reset' }, getPort92], ours: [0], qemu: [0x02] },
  },
];
