import { describe, expect, it } from 'vitest';
import { Plic, plicRegisters } from '../../devices/index.ts';
import { testBench } from '../../sdk/testing/index.ts';

const Pending = 0x1000;

function plic(sources = 40, contexts = 2) {
  const bench = testBench(Plic, { options: { sources, contexts } });
  const window = bench.at(plicRegisters);
  const set = (register: number, value: number) => window.write32(register, value);
  const get = (register: number) => window.read32(register);
  return {
    bench,
    get,
    set,
    priority: (source: number, value: number) => set(4 * source, value),
    enable: (context: number, source: number) => set(0x2000 + 0x80 * context + 4 * (source >> 5), 2 ** (source & 31)),
    threshold: (context: number, value: number) => set(0x20_0000 + 0x1000 * context, value),
    claim: (context: number) => get(0x20_0004 + 0x1000 * context),
    complete: (context: number, source: number) => set(0x20_0004 + 0x1000 * context, source),
    source: (source: number, level: boolean) => bench.setPin(`source[${source}]`, level),
    get external() {
      return bench.device.external.map(({ level }) => level);
    },
  };
}

/** @see RISC-V PLIC Specification 1.0.0, from "Interrupt Priorities" to "Interrupt Completion" */
describe('PLIC', () => {
  it('interrupts the contexts that have the source enabled, above their threshold', () => {
    const chip = plic();
    chip.priority(33, 3);
    chip.enable(1, 33);
    chip.source(33, true);
    expect(chip.external).toEqual([false, true]);
    chip.threshold(1, 3);
    expect(chip.external).toEqual([false, false]);
    chip.threshold(1, 2);
    expect(chip.external).toEqual([false, true]);
    chip.priority(33, 0);
    expect(chip.external).toEqual([false, false]);
  });

  it('gives the claim of the highest priority, the lowest source of several, whatever the threshold', () => {
    const chip = plic();
    for (const [source, priority] of [
      [3, 2],
      [5, 7],
      [6, 7],
    ] as const) {
      chip.priority(source, priority);
      chip.source(source, true);
    }
    chip.set(0x2000, 0xffff_ffff);
    chip.threshold(0, 7);
    expect(chip.external[0]).toBe(false);
    expect([chip.claim(0), chip.claim(0), chip.claim(0), chip.claim(0)]).toEqual([5, 6, 3, 0]);
    expect(chip.get(Pending)).toBe(0);
  });

  it('takes one request of a source at a time, and the next when that is completed', () => {
    const chip = plic();
    chip.priority(1, 1);
    chip.enable(0, 1);
    chip.source(1, true);
    expect(chip.claim(0)).toBe(1);
    chip.source(1, false);
    chip.source(1, true);
    expect([chip.get(Pending), chip.external[0]]).toEqual([0, false]);
    chip.complete(0, 1);
    expect([chip.get(Pending), chip.external[0]]).toEqual([2, true]);
  });

  it('keeps a request that was not claimed when the level goes', () => {
    const chip = plic();
    chip.source(2, true);
    chip.source(2, false);
    expect(chip.get(Pending)).toBe(4);
  });

  it('ignores a completion by a context that has not the source enabled, and reports it', () => {
    const chip = plic();
    chip.priority(1, 1);
    chip.enable(0, 1);
    chip.source(1, true);
    chip.claim(0);
    chip.complete(1, 1);
    expect(chip.get(Pending)).toBe(0);
    expect(chip.bench.guestErrors.map(({ message }) => message)).toEqual([
      'context 1 completes source 1, which it has not claimed or not enabled',
    ]);
    chip.complete(0, 1);
    expect(chip.get(Pending)).toBe(2);
  });

  it('has no registers of source 0, and zeros for sources and contexts that are not there', () => {
    const chip = plic(31, 1);
    for (const register of [4 * 40, 0x2004, 0x2080, 0x20_1000]) {
      chip.set(register, 0xffff_ffff);
      expect(chip.get(register)).toBe(0);
    }
    chip.set(0x2000, 0xffff_ffff);
    expect(chip.get(0x2000)).toBe(0xffff_fffe);
    chip.source(40, true);
    expect(chip.get(Pending + 4)).toBe(0);
  });

  it('interrupts the processor of a machine by context 0, as an external interrupt of machine mode', () => {
    const { bench, priority, enable, source } = plic();
    expect(bench.device.pending).toBe(false);
    priority(1, 1);
    enable(0, 1);
    source(1, true);
    expect([bench.device.pending, bench.device.acknowledge()]).toEqual([true, 11]);
  });
});
