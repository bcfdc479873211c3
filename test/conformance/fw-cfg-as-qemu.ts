import { FwCfg } from '../../devices/index.ts';
import { device, flushCoalescedIo, portRegion } from '../../sdk/index.ts';
import { type KnownDifference, standIn } from './known-difference.ts';
import { out, read, read8 } from './script.ts';

/** Both ports and the two after them: what begins at the first with four bytes is taken by the device, and comes to nothing. */
const widePorts = portRegion({ name: 'fwcfg-of-qemu', base: 0x510, size: 4, priority: 1 });

function dropsWideAccesses(base: typeof FwCfg) {
  @device({ type: 'fw_cfg', description: 'firmware configuration device that drops 32-bit accesses' })
  @flushCoalescedIo(widePorts)
  class FwCfgOfWords extends base {
    @widePorts.write()
    writeWide(value: number, offset: number, size: number): void {
      if (offset < 2 && size < 4) this.writeSelector(value, offset, size);
    }

    @widePorts.read()
    readWide(offset: number, size: number): number {
      if (offset >= 2) return 0xffff_ffff;
      return this.readPort(offset, size);
    }
  }
  return FwCfgOfWords;
}

export const fwCfgDifferences: readonly KnownDifference[] = [
  {
    register: 'port 0x510',
    condition: 'a 32-bit access',
    reason:
      'A 32-bit access to a device with 16 data lines is two cycles on an ISA bus: the device has the lower word, and the upper one ' +
      "goes to ports 0x512 and 0x513. QEMU's device takes all of it and drops it, and a read of it is zero.",
    there: {
      operations: [out(0x510, 4, 0x0000_0001), read8(0x511), out(0x510, 2, 0), read(0x510, 4), read8(0x511)],
      ours: [0x03, 0xffff_0000, 0x51],
      qemu: [0x51, 0x0000_0000, 0x51],
    },
    standIn: standIn(FwCfg, dropsWideAccesses),
  },
];
