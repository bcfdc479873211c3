import type { Operation } from './script.ts';

/** Something that differs from QEMU on purpose. It hides exactly these bits of exactly these replies. */
export interface KnownDifference {
  readonly register: string;
  /** The bits of the reply that are not compared. */
  readonly bits: number;
  readonly condition: string;
  readonly reason: string;
  concerns(register: string, operation: Operation): boolean;
}

const AllBits = 0xffff_ffff;

export const knownDifferences: Readonly<Record<string, readonly KnownDifference[]>> = {
  rtc: [],
  'pci-config': [
    {
      register: '00:01.1 and 00:01.3, all registers',
      bits: AllBits,
      condition: 'read with the enable bit set',
      reason: "PIIX3's IDE and PIIX4's power management are functions of QEMU's machine; ours does not model them yet.",
      concerns: (register) => /^00:01\.[13] 0x[0-9a-f]+$/.test(register),
    },
  ],
  pic: [],
};
