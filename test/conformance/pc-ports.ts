import { IsaDebugExit, PostPort, Pvpanic } from '../../devices/index.ts';
import { device, use } from '../../sdk/index.ts';
import type { Chip } from './chip.ts';
import { type KnownDifference, standIn } from './known-difference.ts';
import { pciConfig } from './pci-config.ts';
import { out8, portOrPlace, read, read8, type Width } from './script.ts';

const Port = { Post: 0x80, DebugExit: 0x501, Panic: 0x505 } as const;

/** What a PC has in single ports. What ends QEMU is left out: writes of isa-debug-exit, and a panic. */
export const pcPorts: Chip = {
  ...pciConfig,
  name: 'pc-ports',
  title: 'port 0x80, isa-debug-exit and pvpanic',
  devices: [use(PostPort), use(IsaDebugExit), use(Pvpanic)],
  qemu: { arguments: ['-device', 'isa-debug-exit', '-device', 'pvpanic'] },
  registerNames: () => portOrPlace,
  act(random, add) {
    const size = random.pick<Width>([1, 2, 4]);
    random.weighted([
      [10, () => add(out8(Port.Post, random.byte()), read8(Port.Post))],
      [5, () => add(read(Port.Post, size))],
      // What begins one port earlier comes apart. At the first of its ports QEMU's takes 32 bits, and so over the next two.
      [5, () => add(read(Port.DebugExit - 1 + random.below(4), random.pick<Width>([1, 2])))],
      [5, () => add(read(Port.Panic - 1 + random.below(2), random.pick<Width>([1, 2])), read8(Port.Panic))],
      [2, () => add(out8(Port.Panic, 0x02), read8(Port.Panic))],
      [1, () => add({ kind: 'reset' }, read8(Port.Post), read8(Port.Panic))],
    ]);
  },
};

function readsAllOnes(base: typeof PostPort) {
  @device({ type: 'post-port', description: 'port 0x80 that does not read back' })
  class PostPortWithoutRegister extends base {
    override readBack(): number {
      return 0xff;
    }
  }
  return PostPortWithoutRegister;
}

export const pcPortsDifferences: readonly KnownDifference[] = [
  {
    register: 'port 0x80',
    condition: 'a read after a write',
    reason:
      'Port 0x80 of a PC is a page register of the DMA controller, which reads back. QEMU swallows what is written.',
    there: {
      operations: [out8(Port.Post, 0x5a), read8(Port.Post), { kind: 'reset' }, read8(Port.Post)],
      ours: [0x5a, 0x5a],
      qemu: [0xff, 0xff],
    },
    standIn: standIn(PostPort, readsAllOnes),
  },
];
