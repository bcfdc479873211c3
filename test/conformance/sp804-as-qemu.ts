import { Sp804 } from '../../devices/sp804.ts';
import { device } from '../../sdk/index.ts';
import { Versatile } from './boards.ts';
import { type KnownDifference, standIn } from './known-difference.ts';
import { load, store } from './script.ts';

const Base = Versatile.Timers[0];
const Enable = 0x80;
const Wide = 0x02;
const Once = 0x01;
const KeepsLoad = 0x41;

const startsAtZero = standIn(Sp804, (base: typeof Sp804) => {
  @device({ type: 'sp804', description: 'an SP804 whose counters begin at zero' })
  class Sp804ThatBeginsAtZero extends base {
    override reset(): void {
      super.reset();
      for (const index of [0, 1]) this.timer(index).load(0);
    }
  }
  return Sp804ThatBeginsAtZero;
});

const reloadsWhenEnabled = standIn(Sp804, (base: typeof Sp804) => {
  @device({ type: 'sp804', description: 'an SP804 that starts again when it is enabled' })
  class Sp804ThatReloads extends base {
    override setControl(held: number, previous: number, index: number): void {
      super.setControl(held, previous, index);
      if ((held & Enable) === 0) return;
      this.timer(index).load(this.timer(index).reload);
      this.timer(index).start();
    }
  }
  return Sp804ThatReloads;
});

const enablesAnew = standIn(Sp804, (base: typeof Sp804) => {
  @device({ type: 'sp804', description: 'an SP804 that each write of control enables anew' })
  class Sp804ThatEnablesAnew extends base {
    override setControl(held: number, previous: number, index: number): void {
      super.setControl(held, previous & ~Enable, index);
    }
  }
  return Sp804ThatEnablesAnew;
});

const loadsZeroSilently = standIn(Sp804, (base: typeof Sp804) => {
  @device({ type: 'sp804', description: 'an SP804 that runs freely without an interrupt for a load of 0' })
  class Sp804ThatLoadsZeroSilently extends base {
    override loadNow(start: number, previous: number, index: number): void {
      if (start !== 0 || ((this.control[index] as number) & KeepsLoad) !== 0) super.loadNow(start, previous, index);
      else {
        this.timer(index).load(start);
        this.loadLater(start, previous, index);
      }
    }
  }
  return Sp804ThatLoadsZeroSilently;
});

const loadsLargest = standIn(Sp804, (base: typeof Sp804) => {
  @device({ type: 'sp804', description: 'an SP804 that runs freely from its largest value' })
  class Sp804ThatLoadsLargest extends base {
    override loadNow(start: number, previous: number, index: number): void {
      super.loadNow(start, previous, index);
      const held = this.control[index] as number;
      if ((held & KeepsLoad) === 0) this.timer(index).load((held & Wide) === 0 ? 0xffff : 0xffff_ffff);
    }
  }
  return Sp804ThatLoadsLargest;
});

const endsAtZero = standIn(Sp804, (base: typeof Sp804) => {
  @device({ type: 'sp804', description: 'an SP804 that ends when it is loaded with 0' })
  class Sp804ThatEnds extends base {
    private readonly hasEnded = [false, false];

    override loadNow(start: number, previous: number, index: number): void {
      if (start !== 0 || this.hasEnded[index] !== true) super.loadNow(start, previous, index);
      else {
        this.timer(index).load(start);
        this.loadLater(start, previous, index);
      }
      if (start === 0) this.hasEnded[index] = this.isAtEnd(index);
    }

    override setControl(held: number, previous: number, index: number): void {
      super.setControl(held, previous, index);
      this.hasEnded[index] = this.isAtEnd(index);
    }

    private isAtEnd(index: number): boolean {
      return ((this.control[index] as number) & Enable) !== 0 && this.timer(index).reload === 0;
    }
  }
  return Sp804ThatEnds;
});

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
