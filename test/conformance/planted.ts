import { I8259, Mc146818Rtc, Piix3 } from '../../devices/index.ts';
import { device } from '../../sdk/index.ts';
import { type StandIn, standIn } from './known-difference.ts';

// Bugs that a chip could have, planted to see whether conformance finds them, beside the stand-ins of known differences too.

/** Setting the clock no longer switches the update interrupt off. */
function keepsUpdateInterrupt(base: typeof Mc146818Rtc) {
  @device({ type: 'mc146818rtc', description: 'an RTC with a bug' })
  class RtcThatKeepsUpdateInterrupt extends base {
    override setFormat(value: number, previous: number): void {
      super.setFormat(value, previous);
      if (value & 0x80) this.statusB |= value & 0x10;
    }
  }
  return RtcThatKeepsUpdateInterrupt;
}

/** The guest cannot switch the ISA bridge's interrupt off: bit 10 of its command register stays 0. */
function cannotDisableInterrupt(base: typeof Piix3) {
  @device({ type: 'PIIX3', description: 'an ISA bridge with a bug' })
  class BridgeWithoutInterruptDisable extends base {
    override writeConfig(offset: number, value: number, size: number): void {
      super.writeConfig(offset, value, size);
      this.config.set(0x05, this.config.get(0x05, 1) & ~0x04, 1);
    }
  }
  return BridgeWithoutInterruptDisable;
}

/** A poll command is answered at the command port only; the data port goes on showing the mask. */
function isPolledAtOnePort(base: typeof I8259) {
  @device({ type: 'i8259', description: 'a pair of interrupt controllers with a bug' })
  class PicPolledAtOnePort extends base {
    override readMasterMask(): number {
      return this.master.mask;
    }
  }
  return PicPolledAtOnePort;
}

/** By the name of the chip: a bug for our machine. */
export const planted: Readonly<Record<string, StandIn>> = {
  rtc: standIn(Mc146818Rtc, keepsUpdateInterrupt),
  'pci-config': standIn(Piix3, cannotDisableInterrupt),
  pic: standIn(I8259, isPolledAtOnePort),
};
