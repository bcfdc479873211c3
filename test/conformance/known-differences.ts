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

const BusBehind =
  'The host bridge claims 32-bit accesses at 0xcf8 and hands the others on to the bus behind it, as silicon does, ' +
  'so that its address writes can coalesce. With reset-control=overlay we answer as QEMU.';

/** Hides bits of the reads of one port and width. */
function narrowRead(port: number, size: number, bits: number): KnownDifference {
  return {
    register: `port 0x${port.toString(16)}`,
    bits,
    condition: `read ${8 * size} bits wide`,
    reason: BusBehind,
    hides: (_register, operation) => operation.kind === 'in' && operation.port === port && operation.size === size,
  };
}

/** Nothing answers where QEMU shows the low bits of the address register, or the reset register over and over. */
const busBehindDifferences: readonly KnownDifference[] = [
  narrowRead(0xcf6, 4, 0xffff_0000),
  narrowRead(0xcf7, 2, 0xff00),
  narrowRead(0xcf7, 4, 0xffff_ff00),
  narrowRead(0xcf8, 1, 0xff),
  narrowRead(0xcf8, 2, 0xffff),
  narrowRead(0xcf9, 2, 0xff00),
  narrowRead(0xcf9, 4, 0xffff_ff00),
  narrowRead(0xcfa, 1, 0xff),
  narrowRead(0xcfa, 2, 0xffff),
  narrowRead(0xcfa, 4, 0x0000_ffff),
  narrowRead(0xcfb, 1, 0xff),
  narrowRead(0xcfb, 2, 0x00ff),
  narrowRead(0xcfb, 4, 0x0000_00ff),
  {
    register: 'port 0xcf9, and the register that 0xcfc shows',
    bits: 0xff,
    condition: 'written 16 or 32 bits wide at 0xcf9; the scripts leave it out, a test of its own pins it',
    reason: `QEMU's reset register takes all bytes, the last one counts. ${BusBehind}`,
    hides: () => false,
  },
];

const virtioDifferences: readonly KnownDifference[] = [
  {
    register: 'port 0xc000',
    bits: 0x4000_0000,
    condition: 'read 32 bits wide',
    reason:
      'QEMU offers a feature that no driver may take (bit 30), to find drivers that take everything. Ours offers none, so ' +
      'that it need not handle one.',
    hides: (_register, operation) => operation.kind === 'in' && operation.port === 0xc000 && operation.size === 4,
  },
];

const NoManagementMode =
  'QEMU offers memory for system management mode here, which guests find out by writing ones; ours has no such mode, and ' +
  'answers as a machine that offers none.';

/** Hides the low bits of what is read from a register of the memory controller of q35. */
function managementMode(register: number, bits: number): KnownDifference {
  const name = `00:00.0 0x${register.toString(16)}`;
  return { register: name, bits, condition: 'read', reason: NoManagementMode, hides: (at) => at === name };
}

export const knownDifferences: Readonly<Record<string, readonly KnownDifference[]>> = {
  rtc: rtcDifferences,
  'pci-config': pciDifferences,
  'pci-config-behind': [...pciDifferences, ...busBehindDifferences],
  'edu-config': [],
  pic: [],
  'virtio-rng': virtioDifferences,
  'q35-config': [managementMode(0x50, 0xffff), managementMode(0x51, 0xff), managementMode(0x9c, 0xff)],
};
