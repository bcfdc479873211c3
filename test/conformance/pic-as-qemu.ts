import type { InterruptChip } from '../../devices/i8259/interrupt-chip.ts';
import { InterruptRequests } from '../../devices/i8259/interrupt-requests.ts';
import { Icw1, Ocw2, Ocw3 } from '../../devices/i8259/registers.ts';
import { I8259 } from '../../devices/index.ts';
import { device } from '../../sdk/index.ts';
import { type KnownDifference, type StandIn, standIn } from './known-difference.ts';
import { type Operation, out8, read8 } from './script.ts';

type ChipClass = typeof InterruptChip;

/** The pair of our machine, of chips with QEMU's behaviour in one point. */
export function picOf(over: (base: ChipClass) => ChipClass): StandIn {
  return standIn(I8259, (base) => {
    @device({ type: 'i8259', description: 'pair of 8259A interrupt controllers, in one point as QEMU' })
    class PicAsQemu extends base {
      protected override chipClass(): ChipClass {
        return over(super.chipClass());
      }
    }
    return PicAsQemu;
  });
}

/** Requests by an edge are kept until they are served, and an input is looked at only when it is set. */
class LatchedRequests extends InterruptRequests {
  override setInput(bit: number, level: boolean): void {
    const wasHigh = (this.levels & bit) !== 0;
    this.levels = level ? this.levels | bit : this.levels & ~bit;
    if (this.levelTriggered() & bit) this.pending = level ? this.pending | bit : this.pending & ~bit;
    else if (level && !wasHigh) this.pending |= bit;
  }

  override sample(): void {}

  override served(bit: number): void {
    if ((this.levelTriggered() & bit) === 0) this.pending &= ~bit;
  }

  override reset(): void {
    this.pending &= this.levelTriggered();
    this.levels = 0;
    this.frozen = false;
  }
}

export const latchesRequests = (base: ChipClass): ChipClass =>
  class extends base {
    protected override createInputs(levelTriggered: () => number): InterruptRequests {
      return new LatchedRequests(levelTriggered);
    }

    override triggersChanged(): void {}
  };

/** INT is worked out anew when the mask, a request or what is served changes, and stays as it was after other words. */
const keepsOutput = (base: ChipClass): ChipClass =>
  class extends base {
    private isQuiet = false;

    override writeCommand(value: number): void {
      this.isQuiet = (value & Icw1.Initialize) === 0 && !this.endsOrRotates(value);
      super.writeCommand(value);
      this.isQuiet = false;
    }

    override writeData(value: number): void {
      this.isQuiet = this.expected !== 'mask';
      super.writeData(value);
      this.isQuiet = false;
    }

    protected override poll(): number {
      this.isQuiet = this.highestRequest() < 0;
      const answer = super.poll();
      this.isQuiet = false;
      return answer;
    }

    protected override update(): void {
      if (!this.isQuiet) super.update();
    }

    private endsOrRotates(value: number): boolean {
      const command = value >> 5;
      if (value & Ocw3.Select) return false;
      if (command === Ocw2.End || command === Ocw2.RotateOnEnd) return this.inService !== 0;
      return command === Ocw2.EndSpecific || command === Ocw2.SetPriority || command === Ocw2.RotateOnEndSpecific;
    }
  };

const endsWhatIsMasked = (base: ChipClass): ChipClass =>
  class extends base {
    protected override writeOcw2(command: number, input: number): void {
      const { specialMask } = this;
      this.specialMask = false;
      super.writeOcw2(command, input);
      this.specialMask = specialMask;
    }
  };

const keepsOutputUp = (base: ChipClass): ChipClass =>
  class extends base {
    protected override lowerOutput(): void {}
  };

const knowsItsSlave = (base: ChipClass): ChipClass =>
  class extends base {
    protected override get slaves(): number {
      return this.role === 'master' ? 0x04 : 0;
    }
  };

const line = (chip: 'master' | 'slave', input: number, level = true): Operation => {
  return { kind: 'input', chip, line: input, level };
};
const initialize = (port: number, icw1: number, ...words: number[]): Operation[] => {
  return [out8(port, icw1), ...words.map((word) => out8(port + 1, word))];
};
const readRequests = (port: number): Operation[] => [out8(port, 0x0a), read8(port)];
const poll = (port: number): Operation[] => [out8(port, 0x0c), read8(port)];

export const picDifferences: readonly KnownDifference[] = [
  {
    register: 'ports 0x20 and 0xa0, interrupt requests',
    condition:
      'an edge-triggered input falls before it is acknowledged, or comes after a poll command; ICW1 or ELCR is written while ' +
      'an input is high',
    reason:
      'In the chip a request lasts as long as its input is high, an edge sense latch says whether it may ask, and a poll command ' +
      'freezes all of them until it is answered. QEMU keeps a request by an edge, looks at an input only when it is set, and ' +
      'forgets the levels at ICW1.',
    there: {
      operations: [
        ...[line('master', 3), line('master', 3, false), ...readRequests(0x20)],
        ...[line('master', 4), ...initialize(0x20, 0x11, 0x08, 0x04, 0x01), line('master', 4), ...readRequests(0x20)],
        ...[line('slave', 3), ...poll(0xa0), out8(0x4d1, 0x08), ...readRequests(0xa0)],
        ...[out8(0x4d1, 0x00), out8(0x20, 0x0c), line('master', 1), read8(0x20)],
      ],
      ours: [0x00, 0x00, 0x83, 0x08, 0x00],
      qemu: [0x08, 0x10, 0x83, 0x00, 0x81],
    },
    standIn: picOf(latchesRequests),
  },
  {
    register: 'the INT pins of both chips, and port 0x20 by the cascade',
    condition: 'OCW3 changes special mask mode, or ICW4 special fully nested mode, while a request waits for that',
    reason:
      'INT follows from the registers of the chip at any time. QEMU works it out at the next change of something else.',
    there: {
      operations: [
        ...[...initialize(0x20, 0x11, 0x08, 0x04, 0x01), ...initialize(0xa0, 0x11, 0x70, 0x02, 0x01)],
        ...[line('slave', 4), ...poll(0x20), ...poll(0xa0), out8(0xa1, 0x10), line('slave', 6), out8(0x20, 0x0a)],
        ...[read8(0x20), out8(0xa0, 0x68), read8(0x20)],
      ],
      ours: [0x82, 0x84, 0x00, 0x04],
      qemu: [0x82, 0x84, 0x00, 0x00],
    },
    standIn: picOf(keepsOutput),
  },
  {
    register: 'ports 0x20 and 0xa0, interrupts in service',
    condition: 'an end of interrupt without a name in special mask mode, with a masked interrupt in service',
    reason:
      '"An IS bit that is masked by an IMR bit will not be cleared by a non-specific EOI if the 8259A is in the Special Mask ' +
      'Mode" (datasheet, End of Interrupt). QEMU ends the highest one, masked or not.',
    there: {
      operations: [
        ...[line('master', 4), ...poll(0x20), out8(0x21, 0x10), out8(0x20, 0x68), out8(0x20, 0x20)],
        ...[out8(0x20, 0x0b), read8(0x20)],
      ],
      ours: [0x84, 0x10],
      qemu: [0x84, 0x00],
    },
    standIn: picOf(endsWhatIsMasked),
  },
  {
    register: 'port 0x20, input 2',
    condition: 'an acknowledgement or a poll of the slave with automatic ends, while another of its inputs waits',
    reason:
      'INT falls at an acknowledgement before it rises for the next interrupt, so that the master sees an edge for each ' +
      '(8259A of 1985 and later). In QEMU it stays up, and the master never hears of the second one.',
    there: {
      operations: [
        ...[...initialize(0x20, 0x11, 0x08, 0x04, 0x01), ...initialize(0xa0, 0x11, 0x70, 0x02, 0x03)],
        ...[line('slave', 1), line('slave', 4), ...poll(0x20), ...poll(0xa0), ...readRequests(0x20)],
      ],
      ours: [0x82, 0x81, 0x04],
      qemu: [0x82, 0x81, 0x00],
    },
    standIn: picOf(keepsOutputUp),
  },
  {
    register: 'the INT pin of the master, and its polls',
    condition: 'special fully nested mode, and ICW3 names other inputs than 2, or ICW1 says that there is no slave',
    reason: 'ICW3 says which inputs have slaves. QEMU does not look at it and takes input 2.',
    there: {
      operations: [
        ...[...initialize(0x20, 0x11, 0x08, 0x08, 0x11), line('master', 3), ...poll(0x20)],
        ...[line('master', 3, false), line('master', 3), ...poll(0x20)],
      ],
      ours: [0x83, 0x83],
      qemu: [0x83, 0x00],
    },
    standIn: picOf(knowsItsSlave),
  },
];
