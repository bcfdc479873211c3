import { I8259, Mc146818Rtc, Piix3 } from '../../devices/index.ts';
import { pcI440fx } from '../../machines/index.ts';
import { device, type MachineDefinition, pci } from '../../sdk/index.ts';
import { withDevice } from './machine-subject.ts';
import { RtcWith64BitTime } from './rtc-with-64-bit-time.ts';

// Bugs that a chip could have, planted to see whether conformance finds them.

/** Setting the clock no longer switches the update interrupt off. */
@device({ type: 'mc146818rtc', description: 'an RTC with a bug' })
class RtcThatKeepsUpdateInterrupt extends RtcWith64BitTime {
  override setFormat(value: number, previous: number): void {
    super.setFormat(value, previous);
    if (value & 0x80) this.statusB |= value & 0x10;
  }
}

/** The guest cannot switch the ISA bridge's interrupt off: bit 10 of its command register stays 0. */
@device({ type: 'PIIX3', description: 'an ISA bridge with a bug' })
@pci({
  vendorId: 0x8086,
  deviceId: 0x7000,
  classCode: 0x0601,
  multifunction: true,
  subsystemVendorId: 0x1af4,
  subsystemId: 0x1100,
})
class BridgeWithoutInterruptDisable extends Piix3 {
  override writeConfig(offset: number, value: number, size: number): void {
    super.writeConfig(offset, value, size);
    this.config.set(0x05, this.config.get(0x05, 1) & ~0x04, 1);
  }
}

/** A poll command is answered at the command port only; the data port goes on showing the mask. */
@device({ type: 'i8259', description: 'a pair of interrupt controllers with a bug' })
class PicPolledAtOnePort extends I8259 {
  override readMasterMask(): number {
    return this.master.mask;
  }
}

/** By the name of the chip: our pc with a bug in it. */
export const planted: Readonly<Record<string, MachineDefinition>> = {
  rtc: withDevice(pcI440fx, Mc146818Rtc, RtcThatKeepsUpdateInterrupt),
  'pci-config': withDevice(pcI440fx, Piix3, BridgeWithoutInterruptDisable),
  pic: withDevice(pcI440fx, I8259, PicPolledAtOnePort),
};
