import { Frequency, pulseAt, timeOf } from '../../devices/i8254/clk.ts';
import type { IntervalCounter } from '../../devices/i8254/counter.ts';
import type { CountingElement } from '../../devices/i8254/counting-element.ts';
import { highHalf, Mode } from '../../devices/i8254/edges.ts';
import { I8254 } from '../../devices/index.ts';
import { device, MICROSECOND, SECOND } from '../../sdk/index.ts';
import { type KnownDifference, type StandIn, standIn } from './known-difference.ts';
import { latchesRequests, picOf } from './pic-as-qemu.ts';
import { control, getControl, getCounter, getSystemControl, setCounter, setSystemControl } from './pit.ts';
import { type Operation, out8, read8, step } from './script.ts';

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

/** An element that knows when it was loaded: QEMU computes everything from that, the count and the mode. */
function addLoadTime(base: ElementClass) {
  return class extends base {
    loadedAt: number | undefined;
    written = 0;
    /** A whole count was written. */
    isNew = false;

    override write(count: number): void {
      super.write(count);
      this.isNew = true;
    }

    override program(mode: number, isDecimal: boolean): void {
      super.program(mode, isDecimal);
      this.written = mode;
    }

    /** Pulses of CLK since then. */
    get passed(): number {
      return this.clk.pulseAt(this.clock.now) - this.clk.pulseAt(this.loadedAt ?? 0);
    }

    /** When QEMU looks at OUT again. Rounded down, so that it looks twice at most edges. */
    nextLook(): number {
      this.settle();
      const { passed, initial } = this;
      const pulse = nextTransition(this.written, initial, passed);
      const at = (this.loadedAt ?? 0) + roundedDown(pulse);
      return Math.max(at, this.clock.now + 1);
    }

    protected override loadNow(): void {
      const at = this.load;
      super.loadNow();
      this.loadedAt = at;
    }
  };
}

type LoadTimeClass = ReturnType<typeof addLoadTime>;

const element0 = ({ counters }: I8254) => (counters[0] as IntervalCounter).element as InstanceType<LoadTimeClass>;

/** The same for several stand-ins that are laid one over the other. */
const withLoadTime = (base: ElementClass): LoadTimeClass =>
  'nextLook' in base.prototype ? (base as LoadTimeClass) : addLoadTime(base);

/** After how many pulses of CLK since its load QEMU's timer runs. */
function nextTransition(mode: number, count: number, passed: number): number {
  const place = passed % count;
  const begin = passed - place;
  if (mode === Mode.RateGenerator) return place === 0 && passed !== 0 ? begin + count : begin + count + 1;
  if (mode === Mode.SquareWave) return begin + (place < highHalf(count) ? highHalf(count) : count);
  if (passed < count) return count;
  const isStrobe = mode === Mode.SoftwareStrobe || mode === Mode.HardwareStrobe;
  return isStrobe && passed === count ? count + 1 : Number.POSITIVE_INFINITY;
}

function roundedDown(pulses: number): number {
  if (pulses === Number.POSITIVE_INFINITY) return pulses;
  const seconds = Math.floor(pulses / Frequency);
  return seconds * SECOND + Math.floor(((pulses - seconds * Frequency) * SECOND) / Frequency);
}

/** CLK begins at the load. */
const loadsAtOnce = elementOf(
  (base) =>
    class extends base {
      private phase = 0;
      protected override readonly clk = {
        pulseAt: (time: number) => pulseAt(time - this.phase),
        timeOf: (pulse: number) => this.phase + timeOf(pulse),
      };

      protected override nextPulse(): number {
        return this.clock.now;
      }

      override nextEdge(after: number, isRise?: boolean): number {
        this.settle();
        return super.nextEdge(after, isRise);
      }

      protected override loadNow(): void {
        const at = this.load;
        super.loadNow();
        this.phase = at;
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

      protected override loadNow(): void {
        super.loadNow();
        this.isHigh = true;
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
        const all = pulses + (this.isHigh ? 0 : highHalf(start));
        return start - ((2 * all) % start);
      }
    },
);

const isHighAtTheEnd = elementOf(
  (base) =>
    class extends withLoadTime(base) {
      override get out(): boolean {
        const out = super.out;
        const { mode, passed } = this;
        if (mode === Mode.RateGenerator) return this.isCounting && passed > 0 && passed % this.initial === 0;
        return mode === Mode.SoftwareStrobe || mode === Mode.HardwareStrobe ? !out : out;
      }
    },
);

const isHighInOneShot = elementOf(
  (base) =>
    class extends base {
      override get out(): boolean {
        return super.out || this.mode === Mode.OneShot;
      }
    },
);

const knowsNoModes6And7 = elementOf(
  (base) =>
    class extends withLoadTime(base) {
      override program(mode: number, isDecimal: boolean): void {
        super.program(mode > Mode.HardwareStrobe ? Mode.RateGenerator : mode, isDecimal);
        this.written = mode;
      }

      override get out(): boolean {
        const out = super.out;
        return this.written > Mode.HardwareStrobe ? this.passed >= this.initial : out;
      }

      protected override trigger(): void {
        if (this.written <= Mode.HardwareStrobe) super.trigger();
      }
    },
);

const ignoresGate = elementOf(
  (base) =>
    class extends base {
      private level = this.gate;

      override setGate(level: boolean): void {
        const isRise = level && !this.level;
        this.level = level;
        this.gate = true;
        this.settle();
        if (isRise && (this.isPeriodic || this.needsTrigger)) this.trigger();
      }

      override reset(): void {
        super.reset();
        this.level = this.gate;
        this.gate = true;
      }
    },
);

const ignoresFirstByte = elementOf(
  (base) =>
    class extends base {
      override writeFirstByte(): void {}
    },
);

const countsOn = elementOf(
  (base) =>
    class extends withLoadTime(base) {
      override program(mode: number, isDecimal: boolean): void {
        super.program(mode, isDecimal);
        if (this.loadedAt !== undefined) this.load = this.loadedAt;
      }

      protected override trigger(): void {
        const { isWritten } = this;
        this.isWritten = true;
        super.trigger();
        this.isWritten = isWritten;
      }
    },
);

const tellsOfCounts = standIn(I8254, (base: typeof I8254) => {
  @device(described)
  class PitThatTellsOfCounts extends base {
    protected override elementClass(): ElementClass {
      return withLoadTime(super.elementClass());
    }

    protected override output0(): void {
      const element = element0(this);
      if (element.isNew) super.output0();
      element.isNew = false;
    }
  }
  return PitThatTellsOfCounts;
});

/** The line follows OUT, at the times at which QEMU looks at it. */
const looksAtOut = standIn(I8254, (base: typeof I8254) => {
  @device(described)
  class PitThatLooksAtOut extends base {
    private isReset = false;

    protected override elementClass(): ElementClass {
      return withLoadTime(super.elementClass());
    }

    protected override output0(): void {
      this.look();
    }

    protected override reportEdge(): void {
      this.look();
    }

    override reset(): void {
      this.isReset = true;
      super.reset();
      this.isReset = false;
    }

    private look(): void {
      const element = element0(this);
      if (!this.isReset) this.irq.set(element.out);
      this.awaitEdge(element.nextLook());
    }
  }
  return PitThatLooksAtOut;
});

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

const commonDifferences: readonly KnownDifference[] = [
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
    reason:
      'OUT is high, but for a low pulse at the end (231164, "Mode Definitions"). In QEMU the pulse is high, and in mode 2 it comes ' +
      'a pulse of CLK later.',
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

const gate2High = setSystemControl(1);
const count2 = (count: number) => [control(0x90), setCounter(2, count)];
const readRequests = [out8(0x20, 0x0a), read8(0x20)];
const microseconds = (count: number): Operation => step(count * MICROSECOND);

export const pitDifferences: readonly KnownDifference[] = [
  ...commonDifferences,
  {
    register: 'status, NULL COUNT',
    condition: 'after a control word, and until a count is loaded',
    reason: 'The flag says that the count cannot be read yet (231164, "Status Byte"). QEMU shows zero.',
    standIn: showsNoNullCount,
    there: { operations: [control(0xb6), latchStatus, getCounter(2)], ours: [0xf6], qemu: [0xb6] },
  },
  {
    register: 'status and port 0x61, OUT',
    condition: 'in mode 1',
    reason: 'OUT is low while it counts (231164, "Mode 1"). In QEMU it is high then, before version 8.0.',
    standIn: isHighInOneShot,
    there: { operations: status(1), ours: [0x32], qemu: [0xb2] },
  },
];

/** What shows only while time passes, too. Where time moves by steps QEMU is no older than 8.0. */
export const pitDifferencesOverTime: readonly KnownDifference[] = [
  ...commonDifferences,
  {
    register: 'counters',
    condition: 'GATE is low',
    reason:
      'A low GATE stops the count, and raises OUT in modes 2 and 3 (231164, "Gate Pin Operations"). QEMU counts on.',
    standIn: ignoresGate,
    there: { operations: [...count2(200), microseconds(10), getCounter(2)], ours: [0, 200], qemu: [0, 189] },
  },
  {
    register: 'counters and OUT',
    condition: 'the first of two bytes is written in mode 0',
    reason: 'It disables counting, and OUT is low at once (231164, "Mode 0"). QEMU waits for the second one.',
    standIn: ignoresFirstByte,
    there: {
      operations: [
        ...[gate2High, control(0xb0), setCounter(2, 200), setCounter(2, 0), setCounter(2, 7)],
        ...[microseconds(10), getCounter(2)],
      ],
      ours: [0, 200],
      qemu: [0, 189],
    },
  },
  {
    register: 'counters and OUT',
    condition: 'a control word is written, until a count is',
    reason:
      'The control logic is reset, OUT has the first level of the mode, and nothing counts before a count is written (231164, ' +
      '"Operation Common to All Modes"). QEMU counts on, in the new mode, without NULL COUNT.',
    standIn: [countsOn, showsNoNullCount],
    there: {
      operations: [gate2High, ...count2(200), control(0x90), microseconds(10), getCounter(2)],
      ours: [0, 200],
      qemu: [0, 189],
    },
  },
  {
    register: 'IRQ 0',
    condition: 'in modes 2, 4 and 5, and where OUT changes more than once in 10 us',
    reason:
      'Of a pulse of OUT 0 we tell the rising edge, at its end, and edges closer than 10 us together. QEMU tells its own pulses, ' +
      'and in mode 2 its line is high from one pulse to the next.',
    standIn: looksAtOut,
    there: { operations: [control(0x14), setCounter(0, 100), step(83_900)], ours: [1], qemu: [0] },
  },
  {
    register: 'IRQ 0',
    condition: 'a control word is written, or the first of two bytes in mode 0',
    reason:
      'OUT has the first level of the mode at once (231164, "Operation Common to All Modes", "Mode 0"). QEMU waits for the ' +
      'whole count.',
    standIn: tellsOfCounts,
    there: { operations: [control(0x36), ...readRequests], ours: [1], qemu: [0] },
  },
  {
    register: 'port 0x20, interrupt requests',
    condition: 'OUT 0 falls before the request is acknowledged',
    reason: 'A request lasts as long as its input is high (8259A, "Edge and Level Triggered Modes"). QEMU keeps it.',
    standIn: picOf(latchesRequests),
    there: {
      operations: [control(0x16), setCounter(0, 100), microseconds(50), ...readRequests],
      ours: [0, 0],
      qemu: [0, 1],
    },
  },
];
