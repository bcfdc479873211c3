import { SECOND } from 'backplane';
import { testBench } from 'backplane/testing';
import { expect, it } from 'vitest';
import { EggTimer } from './egg-timer.ts';

it('rings when the ticks that the guest asked for are over, and not before', () => {
  const bench = testBench(EggTimer);
  bench.out8(0x320, 3);
  bench.clock.advance(2.5 * SECOND);
  expect(bench.in8(0x321)).toBe(1);
  expect(bench.interrupts.irq.level).toBe(false);
  bench.clock.advance(0.5 * SECOND);
  expect(bench.in8(0x321)).toBe(0);
  expect(bench.interrupts.irq.level).toBe(true);
});

it('is silent after a new start', () => {
  const bench = testBench(EggTimer, { options: { tick: 1 } });
  bench.out8(0x320, 1);
  bench.clock.advance(1 * SECOND);
  expect(bench.interrupts.irq.level).toBe(true);
  bench.out8(0x320, 1);
  expect(bench.interrupts.irq.level).toBe(false);
});
