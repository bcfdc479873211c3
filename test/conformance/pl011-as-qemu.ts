import { Pl011 } from '../../devices/index.ts';
import { device } from '../../sdk/index.ts';
import { type KnownDifference, standIn } from './known-difference.ts';
import { get, Register, set } from './pl011.ts';

const described = (what: string) => ({ type: 'pl011', description: `a PL011 ${what}` });
const Transmit = 0x20;

const isInstant = standIn(Pl011, (base: typeof Pl011) => {
  @device(described('whose characters take no time, and that nothing has to enable'))
  class InstantUart extends base {
    override get transferTime(): number {
      return 0;
    }

    override get maySend(): boolean {
      return true;
    }

    override get mayReceive(): boolean {
      return true;
    }
  }
  return InstantUart;
});

const reportsEachCharacter = standIn(Pl011, (base: typeof Pl011) => {
  @device(described('that reports each character that is sent'))
  class UartThatReportsEach extends base {
    override transmit(character: number): void {
      super.transmit(character);
      this.latched |= Transmit;
    }
  }
  return UartThatReportsEach;
});

const reportsTheFirst = standIn(Pl011, (base: typeof Pl011) => {
  @device(described('that reports the first character that comes in'))
  class UartThatReportsFirst extends base {
    protected override get receiveLevel(): number {
      return 1;
    }
  }
  return UartThatReportsFirst;
});

const hasNoReset = standIn(Pl011, (base: typeof Pl011) => {
  @device(described('that a reset leaves alone'))
  class UartWithoutReset extends base {
    private isStarted = false;

    override reset(): void {
      if (!this.isStarted) super.reset();
      this.isStarted = true;
    }
  }
  return UartWithoutReset;
});

export const pl011Differences: readonly KnownDifference[] = [
  {
    register: 'flags and interrupts',
    condition: 'a character is sent or comes in',
    reason:
      'A character takes the time of its bits, and needs an enabled UART with a divisor (Arm DDI 0183, 3.3.5 and 3.3.8). ' +
      'QEMU sends and receives at once, whatever its registers say.',
    standIn: isInstant,
    there: { operations: [set(Register.Data, 0x41), get(Register.Flags)], ours: [0x38], qemu: [0x90] },
  },
  {
    register: 'raw and masked interrupt status',
    condition: 'a character is written to the transmit FIFO',
    reason:
      'The interrupt comes when the FIFO falls to its level (Arm DDI 0183, 2.8.2). QEMU raises it with each character.',
    standIn: reportsEachCharacter,
    there: {
      operations: [set(Register.LineControl, 0x70), set(Register.Data, 0x41), get(Register.RawStatus)],
      ours: [0],
      qemu: [Transmit],
    },
  },
  {
    register: 'raw and masked interrupt status',
    condition: 'the receive FIFO holds fewer characters than its level',
    reason:
      'The interrupt comes at the level of UARTIFLS (Arm DDI 0183, 2.8.1). QEMU raises it with the first character.',
    standIn: reportsTheFirst,
    there: {
      operations: [set(Register.LineControl, 0x70), { kind: 'send', bytes: [0x41] }, get(Register.RawStatus)],
      ours: [0],
      qemu: [0x10],
    },
  },
  {
    register: 'all',
    condition: 'after a reset',
    reason: 'A reset gives each register its reset value (Arm DDI 0183, table 3-1). QEMU 7.2 leaves the chip as it is.',
    standIn: hasNoReset,
    there: {
      operations: [set(Register.Control, 0x101), { kind: 'reset' }, get(Register.Control)],
      ours: [0x300],
      qemu: [0x101],
    },
  },
];
