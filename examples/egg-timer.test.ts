import { SECOND } from 'backplane';
import { testBench } from 'backplane/testing';
import { expect, it } from 'vitest';
import { EggTimer } from './egg-timer.ts';

it('raises the interrupt when the ticks that the guest wrote have passed, and not before', () => {
  const bench = testBench(EggTimer);
  bench.out8(0x320, 3);
  bench.clock.advance(2.5 * SECOND);
  expect(bench.in8(0x321)).toBe(1);
  expect(bench.interrupts.irq.level).toBe(false);
  bench.clock.advance(0.5 * SECOND);
  expect(bench.in8(0x321)).toBe(0);
  expect(bench.interrupts.irq.level).toBe(true);
});

it('lowers the interrupt at a new start', () => {
  const bench = testBench(EggTimer, { options: { tick: 1 } });
  bench.out8(0x320, 1);
  bench.clock.advance(1 * SECOND);
  expect(bench.interrupts.irq.level).toBe(true);
  bench.out8(0x320, 1);
  expect(bench.interrupts.irq.level).toBe(false);
});
