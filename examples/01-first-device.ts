// A device of one file on a test bench, without a machine. Guest time passes only when the bench advances the clock.
import { SECOND } from 'backplane';
import { testBench } from 'backplane/testing';
import { EggTimer } from './egg-timer.ts';

const bench = testBench(EggTimer);
const show = (moment: string) =>
  console.log(`${moment}: ${bench.in8(0x321)} ticks left, interrupt ${bench.interrupts.irq.level ? 'up' : 'down'}`);

show('at reset');
bench.out8(0x320, 3);
show('started');
bench.clock.advance(2.5 * SECOND);
show('after 2.5 s');
bench.clock.advance(0.5 * SECOND);
show('after 3 s');
