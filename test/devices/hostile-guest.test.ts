import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { I8259 } from '../../devices/i8259.ts';
import { Mc146818Rtc } from '../../devices/mc146818-rtc.ts';
import { VgaText } from '../../devices/vga-text.ts';
import { SECOND } from '../../sdk/index.ts';
import type { AddressSpace } from '../../sdk/runtime.ts';
import { testBench } from '../../sdk/testing/index.ts';
import { times } from '../depth.ts';
import { PcBoard } from './pc-board.ts';

/** Something a guest does: an access of any width anywhere near the device, or waiting. */
interface Step {
  readonly address: number;
  readonly size: number;
  readonly write: boolean;
  readonly value: number;
  readonly wait: number;
}

const steps = (...addresses: readonly number[]) =>
  fc.array(
    fc.record({
      address: fc.constantFrom(...addresses),
      size: fc.constantFrom(1, 2, 4),
      write: fc.boolean(),
      value: fc.oneof(fc.integer({ min: 0, max: 0xff }), fc.integer({ min: 0, max: 0xffff_ffff })),
      wait: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2_000_000_000 })),
    }),
    { minLength: 10, maxLength: 120 },
  );

/** Does the steps; every value that comes back fits into its width. */
function attack(space: AddressSpace, program: readonly Step[], after: (step: Step) => void = () => {}): void {
  for (const step of program) {
    const { address, size, write, value } = step;
    if (write) space.write(address, value, size);
    else {
      const read = space.read(address, size);
      expect(Number.isInteger(read) && read >= 0 && read < 2 ** (8 * size)).toBe(true);
    }
    after(step);
  }
}

const isByte = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= 0xff;

describe('whatever a guest does, nothing is thrown and registers stay in their width:', () => {
  it.each([
    ['discard', 0],
    ['slew', 0],
    ['discard', 2 ** 53 - SECOND],
    ['slew', 2 ** 52 - SECOND],
  ] as const)('the RTC (%s, started at %s ns)', (lostTickPolicy, startAt) => {
    fc.assert(
      fc.property(steps(0x6e, 0x6f, 0x70, 0x70, 0x71, 0x71, 0x72), (program) => {
        const bench = testBench(Mc146818Rtc, { startAt, options: { lostTickPolicy } });
        const rtc = bench.device;
        attack(bench.io, program, ({ wait }) => {
          bench.clock.advance(Math.min(wait, 200_000_000));
          expect([rtc.statusA, rtc.statusB, rtc.statusC].every(isByte)).toBe(true);
          expect(rtc.statusC & 0x0f).toBe(0);
          expect(rtc.irq.level).toBe((rtc.statusC & 0x80) !== 0);
          expect(bench.clock.pendingTimers.length).toBeLessThanOrEqual(3);
        });
        bench.reset();
        expect(rtc.irq.level).toBe(false);
      }),
      { numRuns: times(30, 60) },
    );
  });

  it('the PICs, their lines and the processor included', () => {
    fc.assert(
      fc.property(steps(0x1f, 0x20, 0x21, 0x9f, 0xa0, 0xa1, 0x4cf, 0x4d0, 0x4d1), (program) => {
        const bench = testBench(I8259);
        const { master, slave } = bench.device;
        attack(bench.io, program, ({ wait, value }) => {
          bench.setPin(`line[${wait & 15}]`, (value & 1) === 0);
          if (value & 2) expect(isByte(bench.device.acknowledge())).toBe(true);
          expect([bench.device.masterTriggers, bench.device.slaveTriggers].every(isByte)).toBe(true);
          for (const chip of [master, slave]) {
            const { requests, inService, mask, vectorBase } = chip;
            expect([requests, inService, mask, vectorBase].every(isByte)).toBe(true);
            expect(chip.first).toBeLessThan(8);
          }
        });
      }),
      { numRuns: times(40, 80) },
    );
  });

  it.each([false, true])('host bridge, memory controller and ISA bridge (overlay: %s)', (overlay) => {
    const ports = [0xcf5, 0xcf6, 0xcf7, 0xcf8, 0xcf8, 0xcf8, 0xcf9, 0xcfa, 0xcfb, 0xcfc, 0xcfd, 0xcfe, 0xcff];
    const registers = fc.array(fc.tuple(fc.constantFrom(0, 1), fc.integer({ min: 0, max: 255 })), { maxLength: 20 });
    fc.assert(
      fc.property(steps(...ports), registers, (program, selections) => {
        const board = new PcBoard({ overlay });
        for (const [slot, register] of [[0, 0], ...selections] as const) {
          board.select(slot, register);
          attack(board.io, program.slice(0, 20));
          const { address } = board.bridge.configuration;
          expect(Number.isInteger(address) && address >= 0 && address <= 0xffff_ffff).toBe(true);
          expect([0, 2]).toContain(board.piix3.resetControl);
          expect(board.readConfig(0, 0, 4)).toBe(0x1237_8086);
          expect(board.readConfig(1, 0, 4)).toBe(0x7000_8086);
        }
        board.reset();
        expect(board.readConfig(0, 4, 2)).toBe(0);
      }),
      { numRuns: times(12, 25) },
    );
  });

  it('the VGA window', () => {
    fc.assert(
      fc.property(steps(0x9_fffe, 0xa_0000, 0xa_0001, 0xb_8000, 0xb_8003, 0xb_ffff, 0xb_fffd, 0xc_0000), (program) => {
        const bench = testBench(VgaText);
        attack(bench.memory, program);
        const lines = bench.device.text().split('\n');
        expect(lines).toHaveLength(25);
        expect(lines.every((line) => [...line].length <= 80)).toBe(true);
      }),
      { numRuns: times(30, 60) },
    );
  });
});
