import { pulseAt, timeOf } from '../../devices/i8254/clk.ts';
import type { IntervalCounter } from '../../devices/i8254/counter.ts';
import type { CountingElement } from '../../devices/i8254/counting-element.ts';
import { Mode } from '../../devices/i8254/edges.ts';
import { I8254 } from '../../devices/index.ts';
import { device } from '../../sdk/index.ts';
import { type KnownDifference, type StandIn, standIn } from './known-difference.ts';
import { control, getControl, getCounter, getSystemControl, setCounter, setSystemControl } from './pit.ts';

type ElementClass = typeof CountingElement;
type CounterClass = typeof IntervalCounter;

const described = { type: 'i8254', description: 'an interval timer, in one point as QEMU' };

/** The timer of our machine, with counting elements that have QEMU's behaviour in one point. */
function elementOf(over: (base: ElementClass) => ElementClass): StandIn {
  return standIn(I8254, (base: typeof I8254) => {
    @device(described)
    class PitWithOtherElements extends base {
      protected override elementClass(): ElementClass {
        return over(super.elementClass());
      }
    }
    return PitWithOtherElements;
  });
}

function counterOf(over: (base: CounterClass) => CounterClass): StandIn {
  return standIn(I8254, (base: typeof I8254) => {
    @device(described)
    class PitWithOtherCounters extends base {
      protected override counterClass(): CounterClass {
        return over(super.counterClass());
      }
    }
    return PitWithOtherCounters;
  });
}

const loadsAtOnce = elementOf(
  (base) =>
    class extends base {
      protected override nextPulse(): number {
        return timeOf(pulseAt(this.clock.now));
      }
    },
);

const showsNoNullCount = elementOf(
  (base) =>
    class extends base {
      override get nullCount(): boolean {
        return false;
      }
    },
);

const replacesAtOnce = elementOf(
  (base) =>
    class extends base {
      protected override endOfCycle(): number {
        return this.nextPulse();
      }
    },
);

const startsWithoutTrigger = elementOf(
  (base) =>
    class extends base {
      override write(count: number): void {
        super.write(count);
        if (this.needsTrigger) this.load = this.nextPulse();
      }
    },
);

const countsBinary = elementOf(
  (base) =>
    class extends base {
      override program(mode: number, _isDecimal: boolean): void {
        super.program(mode, false);
      }
    },
);

const showsOddCounts = elementOf(
  (base) =>
    class extends base {
      protected override squareWaveCount(start: number, pulses: number): number {
        return start - ((2 * pulses) % start);
      }
    },
);

const isHighAtTheEnd = elementOf(
  (base) =>
    class extends base {
      override get out(): boolean {
        return this.mode === Mode.OneShot || this.mode === Mode.SquareWave;
      }
    },
);

const knowsNoModes6And7 = elementOf(
  (base) =>
    class extends base {
      private written = 0;

      override program(mode: number, isDecimal: boolean): void {
        super.program(mode, isDecimal);
        this.written = mode;
      }

      override get out(): boolean {
        return this.written <= Mode.HardwareStrobe && super.out;
      }
    },
);

const keepsLatches = counterOf(
  (base) =>
    class extends base {
      protected override unlatch(): void {}
    },
);

const runsFromReset = counterOf(
  (base) =>
    class extends base {
      constructor(element: CountingElement) {
        super(element);
        this.control = 0;
      }

      override reset(): void {
        this.control = (this.control & ~0x0e) | (Mode.SquareWave << 1);
        this.element.reset();
        this.element.program(Mode.SquareWave, false);
        this.element.write(0);
      }
    },
);

const drivesZero = standIn(I8254, (base: typeof I8254) => {
  @device(described)
  class PitThatDrivesTheBus extends base {
    override readControlWord(): number {
      return 0;
    }
  }
  return PitThatDrivesTheBus;
});

const refreshesWithReads = standIn(I8254, (base: typeof I8254) => {
  @device(described)
  class PitThatRefreshesWithReads extends base {
    private refreshed = 0;

    override showRefresh(): number {
      this.refreshed ^= 1;
      return this.refreshed;
    }
  }
  return PitThatRefreshesWithReads;
});

const knowsTwoBits = standIn(I8254, (base: typeof I8254) => {
  @device(described)
  class PitWithoutNmi extends base {
    override setGate2(level: number): void {
      super.setGate2(level);
      this.systemControl &= ~NmiMasks;
    }
  }
  return PitWithoutNmi;
});

const keepsSpeaker = standIn(I8254, (base: typeof I8254) => {
  @device(described)
  class PitThatKeepsTheSpeaker extends base {
    override reset(): void {
      const { systemControl } = this;
      super.reset();
      this.systemControl = systemControl & Speaker;
    }
  }
  return PitThatKeepsTheSpeaker;
});

const Speaker = 0x02;
const NmiMasks = 0x0c;
/** Of counter 2: latches its status. */
const latchStatus = control(0xe8);
/** A count of two bytes in a mode, and the status and the count that are read then. */
const status = (mode: number) => [
  control(0xb0 | (mode << 1)),
  setCounter(2, 5),
  setCounter(2, 0),
  latchStatus,
  getCounter(2),
];

export const pitDifferences: readonly KnownDifference[] = [
  {
    register: 'counters',
    condition: 'a count was written, and CLK has not pulsed since',
    reason: 'A count is loaded at the next pulse of CLK (231164, "Mode Definitions"). QEMU loads it at once.',
    standIn: loadsAtOnce,
    there: {
      operations: [control(0x90), setCounter(2, 5), getCounter(2), setCounter(2, 7), getCounter(2)],
      ours: [0, 0],
      qemu: [5, 7],
    },
  },
  {
    register: 'status, NULL COUNT',
    condition: 'after a control word, and until a count is loaded',
    reason: 'The flag says that the count cannot be read yet (231164, "Status Byte"). QEMU shows zero.',
    standIn: showsNoNullCount,
    there: { operations: [control(0xb6), latchStatus, getCounter(2)], ours: [0xf6], qemu: [0xb6] },
  },
  {
    register: 'counters',
    condition: 'a new count is written in mode 2 or 3',
    reason: 'It counts from the end of the period or half cycle (231164, "Mode 2", "Mode 3"). QEMU loads it at once.',
    standIn: replacesAtOnce,
    there: {
      operations: [setSystemControl(1), control(0x94), setCounter(2, 5), setCounter(2, 7), getCounter(2)],
      ours: [5],
      qemu: [7],
    },
  },
  {
    register: 'counters',
    condition: 'a count is written in mode 1 or 5',
    reason: 'Counting begins with a trigger at GATE (231164, "Mode 1", "Mode 5"). QEMU counts from the write on.',
    standIn: startsWithoutTrigger,
    there: { operations: [control(0x92), setCounter(2, 5), getCounter(2)], ours: [0], qemu: [5] },
  },
  {
    register: 'counters',
    condition: 'in BCD, with a digit above nine',
    reason: 'In BCD the digits count (231164, "Control Word Format"). QEMU counts in binary.',
    standIn: countsBinary,
    there: { operations: [control(0x91), setCounter(2, 0x1f), getCounter(2)], ours: [0x25], qemu: [0x1f] },
  },
  {
    register: 'counters',
    condition: 'in mode 3 with an odd count',
    reason: 'An odd count loses one, and counts by two (231164, "Mode 3"). QEMU shows odd numbers.',
    standIn: showsOddCounts,
    there: { operations: [control(0x96), setCounter(2, 5), getCounter(2)], ours: [4], qemu: [5] },
  },
  {
    register: 'status and port 0x61, OUT',
    condition: 'in modes 2, 4 and 5',
    reason: 'OUT is high, but for a low pulse at the end (231164, "Mode Definitions"). In QEMU the pulse is high.',
    standIn: isHighAtTheEnd,
    there: { operations: status(2), ours: [0xb4], qemu: [0x34] },
  },
  {
    register: 'status and port 0x61, OUT',
    condition: 'in modes 6 and 7',
    reason: 'They are modes 2 and 3 (231164, "Control Word Format"). QEMU has OUT as in mode 0.',
    standIn: knowsNoModes6And7,
    there: { operations: status(7), ours: [0xbe], qemu: [0x3e] },
  },
  {
    register: 'counters',
    condition: 'a control word is written while a count or a status is latched',
    reason: 'The latches are released (231164, "Counter Latch Command"). QEMU keeps them.',
    standIn: keepsLatches,
    there: {
      operations: [
        ...[control(0x90), setCounter(2, 5), control(0x80), control(0x90)],
        ...[setCounter(2, 7), getCounter(2)],
      ],
      ours: [7],
      qemu: [5],
    },
  },
  {
    register: 'counters',
    condition: 'after a reset, until a control word is written',
    reason: 'The state is undefined (231164, "Programming the 8254"): here nothing counts. In QEMU mode 3 counts.',
    standIn: runsFromReset,
    there: { operations: [control(0xe2), getCounter(0)], ours: [0x30], qemu: [0x86] },
  },
  {
    register: 'port 0x43',
    condition: 'read',
    reason: 'The chip does not drive the bus (231164, "Read/Write Operations Summary"). QEMU answers zero.',
    standIn: drivesZero,
    there: { operations: [getControl], ours: [0xff], qemu: [0] },
  },
  {
    register: 'port 0x61, refresh',
    condition: 'read',
    reason: 'It changes with each refresh of memory (PIIX3, "NMISC"). In QEMU it changes with each read.',
    standIn: refreshesWithReads,
    there: { operations: [getSystemControl, getSystemControl], ours: [0x20, 0x20], qemu: [0x30, 0x20] },
  },
  {
    register: 'port 0x61, bits 2 and 3',
    condition: 'written',
    reason: 'They mask NMIs, and read as written (PIIX3, "NMISC"). QEMU does not have them.',
    standIn: knowsTwoBits,
    there: { operations: [setSystemControl(0x0d), getSystemControl], ours: [0x3d], qemu: [0x31] },
  },
  {
    register: 'port 0x61, speaker',
    condition: 'after a reset',
    reason: 'A reset clears the register (PIIX3, "NMISC", default value). QEMU keeps the bit.',
    standIn: keepsSpeaker,
    there: { operations: [setSystemControl(2), { kind: 'reset' }, getSystemControl], ours: [0x30], qemu: [0x32] },
  },
];
