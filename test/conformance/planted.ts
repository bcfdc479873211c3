import type { IntervalCounter } from '../../devices/i8254/counter.ts';
import type { CountingElement } from '../../devices/i8254/counting-element.ts';
import { FwCfg, I8042, I8254, I8259, Mc146818Rtc, Piix3, Piix4Pm, Vga } from '../../devices/index.ts';
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

/** The status that is latched does not say that a counter counts in BCD. */
function hidesDecimal(base: typeof I8254) {
  @device({ type: 'i8254', description: 'an interval timer with a bug' })
  class PitThatHidesDecimal extends base {
    protected override counterClass(): typeof IntervalCounter {
      return class extends super.counterClass() {
        override latchStatus(): void {
          super.latchStatus();
          this.statusLatch &= ~1;
        }
      };
    }
  }
  return PitThatHidesDecimal;
}

/** A count that has come to zero stays there. */
function stopsAtZero(base: typeof I8254) {
  @device({ type: 'i8254', description: 'an interval timer with a bug' })
  class PitThatStopsAtZero extends base {
    protected override elementClass(): typeof CountingElement {
      return class extends super.elementClass() {
        override get value(): number {
          const value = super.value;
          return this.isExpired ? 0 : value;
        }
      };
    }
  }
  return PitThatStopsAtZero;
}

/** The timer has 23 bits. */
function hasShortTimer(base: typeof Piix4Pm) {
  @device({ type: 'PIIX4_PM', description: 'power management with a bug' })
  class PmWithShortTimer extends base {
    override get timer(): number {
      return super.timer & 0x7f_ffff;
    }
  }
  return PmWithShortTimer;
}

/** Data is given at one of the two ports only. */
function givesDataAtOnePort(base: typeof FwCfg) {
  @device({ type: 'fw_cfg', description: 'a firmware configuration device with a bug' })
  class FwCfgWithOnePort extends base {
    override readPort(offset: number, size: number): number {
      return offset === 1 ? super.readPort(offset, size) : 0;
    }
  }
  return FwCfgWithOnePort;
}

/** A read of input status 1 leaves the port of the attribute controller in the middle of an address and its data. */
function keepsAttributeState(base: typeof Vga) {
  @device({ type: 'VGA', description: 'a VGA card with a bug' })
  class VgaThatKeepsAttributeState extends base {
    override restartAttributes(): void {
      const { isDataNext } = this.attributes;
      super.restartAttributes();
      this.attributes.isDataNext = isDataNext;
    }
  }
  return VgaThatKeepsAttributeState;
}

/** The bit A20 of the output port cannot be cleared by its command. */
function keepsA20(base: typeof I8042) {
  @device({ type: 'i8042', description: 'a keyboard controller with a bug' })
  class ControllerThatKeepsA20 extends base {
    protected override execute(command: number): void {
      if (command !== 0xdd) super.execute(command);
    }
  }
  return ControllerThatKeepsA20;
}

/** By the name of the chip: a bug for our machine. */
export const planted: Readonly<Record<string, StandIn>> = {
  rtc: standIn(Mc146818Rtc, keepsUpdateInterrupt),
  'pci-config': standIn(Piix3, cannotDisableInterrupt),
  pic: standIn(I8259, isPolledAtOnePort),
  i8042: standIn(I8042, keepsA20),
  pit: standIn(I8254, hidesDecimal),
  'pm-timer': standIn(Piix4Pm, hasShortTimer),
  'pit-over-time': standIn(I8254, stopsAtZero),
  'fw-cfg': standIn(FwCfg, givesDataAtOnePort),
  vga: standIn(Vga, keepsAttributeState),
};
