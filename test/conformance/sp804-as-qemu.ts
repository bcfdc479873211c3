import { Sp804, type Sp804Timer } from '../../devices/sp804.ts';
import { device } from '../../sdk/index.ts';
import { Versatile } from './boards.ts';
import { type KnownDifference, type StandIn, standIn } from './known-difference.ts';
import { load, store } from './script.ts';

const Base = Versatile.Timers[0];
const Enable = 0x80;
const Wide = 0x02;
const Once = 0x01;
const KeepsLoad = 0x41;

type Timer = typeof Sp804Timer;

/** An SP804 with other timers. */
const timersStandIn = (description: string, over: (base: Timer) => Timer): StandIn =>
  standIn(Sp804, (base: typeof Sp804) => {
    const Other = over(base.Timer);
    device({ type: 'sp804-timer', description: 'one timer of it' })(Other);

    @device({ type: 'sp804', description })
    class Sp804WithOtherTimers extends base {
      static override readonly Timer = Other;
    }
    return Sp804WithOtherTimers;
  });

const startsAtZero = timersStandIn(
  'an SP804 whose counters begin at zero',
  (base) =>
    class extends base {
      override reset(): void {
        super.reset();
        this.counter.load(0);
      }
    },
);

const reloadsWhenEnabled = timersStandIn(
  'an SP804 that starts again when it is enabled',
  (base) =>
    class extends base {
      override setControl(held: number, previous: number): void {
        super.setControl(held, previous);
        if ((held & Enable) === 0) return;
        this.counter.load(this.counter.reload);
        this.counter.start();
      }
    },
);

const enablesAnew = timersStandIn(
  'an SP804 that each write of control enables anew',
  (base) =>
    class extends base {
      override setControl(held: number, previous: number): void {
        super.setControl(held, previous & ~Enable);
      }
    },
);

const loadsZeroSilently = timersStandIn(
  'an SP804 that runs freely without an interrupt for a load of 0',
  (base) =>
    class extends base {
      override loadNow(start: number): void {
        if (start !== 0 || (this.control & KeepsLoad) !== 0) super.loadNow(start);
        else {
          this.counter.load(start);
          this.loadLater(start);
        }
      }
    },
);

const loadsLargest = timersStandIn(
  'an SP804 that runs freely from its largest value',
  (base) =>
    class extends base {
      override loadNow(start: number): void {
        super.loadNow(start);
        if ((this.control & KeepsLoad) === 0) this.counter.load((this.control & Wide) === 0 ? 0xffff : 0xffff_ffff);
      }
    },
);

const endsAtZero = timersStandIn(
  'an SP804 that ends when it is loaded with 0',
  (base) =>
    class extends base {
      private hasEnded = false;

      override loadNow(start: number): void {
        if (start !== 0 || !this.hasEnded) super.loadNow(start);
        else {
          this.counter.load(start);
          this.loadLater(start);
        }
        if (start === 0) this.hasEnded = this.isAtEnd;
      }

      override setControl(held: number, previous: number): void {
        super.setControl(held, previous);
        this.hasEnded = this.isAtEnd;
      }

      private get isAtEnd(): boolean {
        return (this.control & Enable) !== 0 && this.counter.reload === 0;
      }
    },
);

export const sp804Differences: readonly KnownDifference[] = [
  {
    register: 'Value',
    condition: 'before the timer is loaded or enabled for the first time',
    reason: 'Its reset value is 0xffffffff (Arm DDI 0271, 3.2). QEMU begins at 0.',
    standIn: startsAtZero,
    there: { operations: [load(Base + 4, 4)], ours: [0xffff_ffff], qemu: [0] },
  },
  {
    register: 'Value',
    condition: 'control is written with the enable bit set',
    reason:
      'A timer counts on from where it stands (Arm DDI 0271, 2.2). QEMU starts again from the load register, or freely from ' +
      'the largest value.',
    standIn: reloadsWhenEnabled,
    there: {
      operations: [store(Base, 4, 9), store(Base + 8, 4, Enable | Wide), load(Base + 4, 4)],
      // What is loaded into a free-running timer is the difference below.
      ours: [0xffff],
      qemu: [0xffff_ffff],
    },
  },
  {
    register: 'RawStatus and the interrupt',
    condition: 'control of an enabled timer that is loaded with 0 is written again',
    reason:
      'A timer interrupts when it is enabled with a load of 0, and control does not load it again (Arm DDI 0271, 3.3.3). ' +
      'QEMU starts it again at each write with the enable bit set, and interrupts each time.',
    standIn: enablesAnew,
    there: {
      operations: [
        store(Base, 4, 0),
        store(Base + 8, 4, Enable | Once | Wide),
        store(Base + 0x0c, 4, 0),
        store(Base + 8, 4, Enable | Once | Wide),
        load(Base + 0x10, 4),
      ],
      ours: [0],
      qemu: [1],
    },
  },
  {
    register: 'RawStatus and the interrupt',
    condition: 'an enabled free-running timer is loaded with 0',
    reason:
      'A load of 0 interrupts at once (Arm DDI 0271, 3.3.1). QEMU begins at the largest value in this mode, and does not ' +
      'interrupt.',
    standIn: loadsZeroSilently,
    there: {
      operations: [store(Base + 8, 4, Enable | Wide), store(Base, 4, 0), load(Base + 0x10, 4)],
      ours: [1],
      qemu: [0],
    },
  },
  {
    register: 'Value',
    condition: 'a free-running timer is loaded',
    reason:
      'The count begins at the value that is written (Arm DDI 0271, 3.3.1). QEMU begins at the largest one, and uses what is ' +
      'written in periodic and one-shot mode only.',
    standIn: loadsLargest,
    there: { operations: [store(Base, 4, 9), load(Base + 4, 4)], ours: [9], qemu: [0xffff] },
  },
  {
    register: 'RawStatus and the interrupt',
    condition: 'an enabled timer is loaded with 0 again, after its interrupt was cleared',
    reason: 'Each load of 0 interrupts at once (Arm DDI 0271, 3.3.1). In QEMU the first one ends the timer.',
    standIn: endsAtZero,
    there: {
      operations: [
        store(Base + 8, 4, Enable | Once | Wide),
        store(Base + 0x0c, 4, 0),
        store(Base, 4, 0),
        load(Base + 0x10, 4),
      ],
      ours: [1],
      qemu: [0],
    },
  },
];
