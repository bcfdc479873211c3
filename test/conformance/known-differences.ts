import { Mc146818Rtc } from '../../devices/index.ts';
import type { ConcreteDeviceClass } from '../../sdk/index.ts';
import { RtcWith64BitTime } from './rtc-with-64-bit-time.ts';
import type { Operation } from './script.ts';

/** Something that differs from QEMU on purpose. Either it hides bits of replies, or a stand-in does as QEMU does. */
export interface KnownDifference {
  readonly register: string;
  /** The bits of the reply that differ. */
  readonly bits: number;
  readonly condition: string;
  readonly reason: string;
  /** Whether these bits of this reply are not compared. */
  hides(register: string, operation: Operation): boolean;
  /**
   * The difference stays in the state of the chip, so that hiding it would hide nearly everything that follows. Our
   * side runs with a class that has QEMU's behaviour in this one point, and all of its replies are compared.
   */
  readonly standIn?: readonly [original: ConcreteDeviceClass, inItsPlace: ConcreteDeviceClass];
}

const AllBits = 0xffff_ffff;
const NotModelled =
  "PIIX3's IDE and PIIX4's power management are functions of QEMU's machine; ours does not model them yet.";

const rtcDifferences: readonly KnownDifference[] = [
  {
    register: 'CMOS 0x00, 0x02, 0x04, 0x06 to 0x09, 0x32',
    bits: 0xff,
    condition: 'the date is before 1970, or past April 2262',
    reason:
      'QEMU counts nanoseconds since 1970 in 64 bits, which wrap, and rounds them towards 1970. The chip holds digits and ' +
      'has no such limits: a guest that sets the year 9999 reads 9999.',
    hides: () => false,
    standIn: [Mc146818Rtc, RtcWith64BitTime],
  },
];

const pciDifferences: readonly KnownDifference[] = [
  {
    register: '00:01.1 and 00:01.3, all registers',
    bits: AllBits,
    condition: 'read with the enable bit set',
    reason: NotModelled,
    hides: (register) => /^00:01\.[13] 0x[0-9a-f]+$/.test(register),
  },
  {
    register: 'port 0xcfb',
    bits: 0xffff_ff00,
    condition: 'a wide read runs over into the data port while that is 00:01.1 or 00:01.3',
    reason: NotModelled,
    hides: (register) => /^port 0xcfb, then 00:01\.[13] /.test(register),
  },
  {
    register: 'port 0xcfa',
    bits: 0xffff_0000,
    condition: 'a 32-bit read runs over into the data port while that is 00:01.1 or 00:01.3',
    reason: NotModelled,
    hides: (register) => /^port 0xcfa, then 00:01\.[13] /.test(register),
  },
];

export const knownDifferences: Readonly<Record<string, readonly KnownDifference[]>> = {
  rtc: rtcDifferences,
  'pci-config': pciDifferences,
  pic: [],
};
