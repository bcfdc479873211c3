import { Piix4Pm } from '../../devices/index.ts';
import { device } from '../../sdk/index.ts';
import { type KnownDifference, standIn } from './known-difference.ts';
import { isaLines, type Operation, out, read, read8 } from './script.ts';

const Base = 0x600;
const Config = { Base: 0x40, ActivityB: 0x58, Miscellaneous: 0x80, Smbus: 0x90 } as const;
const select = (register: number): Operation => out(0xcf8, 4, 0x8000_0b00 | register);
const open: readonly Operation[] = [
  ...[select(Config.Base), out(0xcfc, 4, Base | 1)],
  ...[select(Config.Miscellaneous), out(0xcfc, 1, 1)],
];

function keepsBase(base: typeof Piix4Pm) {
  @device({ type: 'PIIX4_PM', description: 'power management whose PMBA holds all that is written' })
  class PmThatKeepsBase extends base {
    private written = 1;

    override writeConfig(offset: number, value: number, size: number): void {
      super.writeConfig(offset, value, size);
      if (offset === Config.Base && size === 4) this.written = value;
    }

    override readConfig(offset: number, size: number): number {
      return offset === Config.Base && size === 4 ? this.written : super.readConfig(offset, size);
    }

    override reset(): void {
      super.reset();
      this.written = ((this.written & 0xffff_ff00) | 1) >>> 0;
    }
  }
  return PmThatKeepsBase;
}

function beginsWithOverflow(base: typeof Piix4Pm) {
  @device({ type: 'PIIX4_PM', description: 'power management with TMROF_STS after a reset' })
  class PmThatBeginsWithOverflow extends base {
    override reset(): void {
      super.reset();
      this.status = 1;
    }
  }
  return PmThatBeginsWithOverflow;
}

function ignoresSciEnable(base: typeof Piix4Pm) {
  @device({ type: 'PIIX4_PM', description: 'power management whose SCI does not look at SCI_EN' })
  class PmThatIgnoresSciEnable extends base {
    protected override get wantsSci(): boolean {
      return (this.status & this.enable & 1) !== 0;
    }
  }
  return PmThatIgnoresSciEnable;
}

function hasManagementMode(base: typeof Piix4Pm) {
  @device({ type: 'PIIX4_PM', description: 'power management of a machine with system management mode' })
  class PmWithManagementMode extends base {
    override reset(): void {
      super.reset();
      this.deviceActivityB = 0;
    }
  }
  return PmWithManagementMode;
}

function hasSmbus(base: typeof Piix4Pm) {
  @device({ type: 'PIIX4_PM', description: 'power management whose SMBus is placed' })
  class PmWithSmbus extends base {
    override reset(): void {
      super.reset();
      this.smbusBase = 0xb101;
    }
  }
  return PmWithSmbus;
}

function keepsApm(base: typeof Piix4Pm) {
  @device({ type: 'PIIX4_PM', description: 'power management whose APM ports are not reset' })
  class PmThatKeepsApm extends base {
    override reset(): void {
      const { apmControl, apmStatus } = this;
      super.reset();
      Object.assign(this, { apmControl, apmStatus });
    }
  }
  return PmThatKeepsApm;
}

export const piix4PmDifferences: readonly KnownDifference[] = [
  {
    register: '00:01.3 0x40 (PMBA)',
    condition: 'reserved bits are written, or a reset',
    reason:
      'PMBA has hardwired bits, and a reset sets it to 1 (PIIX4 datasheet). In QEMU it holds what is written, and a reset sets its lowest byte alone.',
    there: {
      operations: [
        select(Config.Base),
        out(0xcfc, 4, 0xffff_ffff),
        read(0xcfc, 4),
        { kind: 'reset' },
        select(Config.Base),
        read(0xcfc, 4),
      ],
      ours: [0xffc1, 0x0000_0001],
      qemu: [0xffff_ffff, 0xffff_ff01],
    },
    standIn: standIn(Piix4Pm, keepsBase),
  },
  {
    register: 'PMSTS',
    condition: 'after a reset',
    reason: 'TMROF_STS is 0 after a reset (PIIX4 datasheet). In QEMU it is 1: its first overflow is at the time 0.',
    there: { operations: [...open, read(Base, 2)], ours: [0], qemu: [1] },
    standIn: standIn(Piix4Pm, beginsWithOverflow),
  },
  {
    register: 'SCI',
    condition: 'an enabled event, and SCI_EN is clear',
    reason: 'Without SCI_EN an event raises an SMI (ACPI specification, PIIX4 datasheet). In QEMU it raises the SCI.',
    there: { operations: [...open, out(Base + 2, 2, 1), isaLines], ours: [0], qemu: [0x200] },
    standIn: standIn(Piix4Pm, ignoresSciEnable),
  },
  {
    register: '00:01.3 0x58 (DEVACTB)',
    condition: 'after a reset',
    reason:
      'Our processors have no system management mode. Firmware finds it initialised, as in QEMU without that mode (smm=off).',
    there: { operations: [select(Config.ActivityB), read(0xcfc, 4)], ours: [0x0200_0000], qemu: [0] },
    standIn: standIn(Piix4Pm, hasManagementMode),
  },
  {
    register: '00:01.3 0x90 (SMBBA)',
    condition: 'before the guest writes it',
    reason: 'SMBBA is 1 after a reset (PIIX4 datasheet), and the SMBus is not modelled. QEMU has placed it at 0xb100.',
    there: { operations: [select(Config.Smbus), read(0xcfc, 4)], ours: [1], qemu: [0xb101] },
    standIn: standIn(Piix4Pm, hasSmbus),
  },
  {
    register: 'ports 0xb2 and 0xb3 (APMC, APMS)',
    condition: 'after a reset',
    reason: 'Both are 0 after a reset (PIIX4 datasheet). In QEMU they hold what was written.',
    there: {
      operations: [out(0xb2, 1, 0x11), out(0xb3, 1, 0x22), { kind: 'reset' }, read8(0xb2), read8(0xb3)],
      ours: [0, 0],
      qemu: [0x11, 0x22],
    },
    standIn: standIn(Piix4Pm, keepsApm),
  },
  {
    register: 'PMEN',
    bits: 0xff,
    condition: 'its upper byte is read alone',
    reason: 'Registers of the chip have byte enables. QEMU answers an odd port of PMSTS and PMEN with zero.',
    hides: (register, operation) => register === 'port 0x603' && operation.kind === 'in' && operation.size === 1,
    there: { operations: [...open, out(Base + 2, 2, 0x1200), read8(Base + 3)], ours: [0x12], qemu: [0] },
  },
];

/** Those of the timer. */
export const pmTimerDifferences = piix4PmDifferences.filter(
  ({ register }) => register === 'PMSTS' || register === 'SCI',
);
