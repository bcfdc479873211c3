import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defineMachine, device, IsaDevice, place, portRegion, use } from '../../sdk/index.ts';
import { findOverlaps } from '../../sdk/machine/checks.ts';
import type { MappedRange } from '../../sdk/machine/wiring.ts';
import { Machine, type WiringError } from '../../sdk/runtime.ts';
import { toyMachine } from './toys.ts';

const ranges = fc.array(
  fc.record({ start: fc.nat(60), size: fc.nat(12), priority: fc.integer({ min: -1, max: 1 }), mine: fc.boolean() }),
  { maxLength: 12 },
);

const sharesAByte = (a: MappedRange, b: MappedRange): boolean => {
  for (let byte = a.start; byte < a.start + a.size; byte++) if (byte >= b.start && byte < b.start + b.size) return true;
  return false;
};

const pairName = (a: string, b: string): string => [a, b].sort().join(' ');

describe('the report of overlaps', () => {
  it('names exactly the pairs that share a byte with equal priority, for any set of ranges', () => {
    fc.assert(
      fc.property(ranges, (drawn) => {
        const all = drawn.map(({ mine, ...range }, n) => ({
          ...range,
          name: `r${n}`,
          device: mine ? `d${n}` : undefined,
        }));
        const expected = all.flatMap((a, n) =>
          all
            .slice(n + 1)
            .filter((b) => a.priority === b.priority && (a.device ?? b.device) !== undefined && sharesAByte(a, b))
            .map((b) => pairName(a.name, b.name)),
        );
        expect(
          findOverlaps(all)
            .map(([a, b]) => pairName(a.name, b.name))
            .sort(),
        ).toEqual(expected.sort());
      }),
      { numRuns: 300 },
    );
  });

  const region = portRegion({ name: 'block', size: 4 });

  @device({ type: 'block', description: 'four ports' })
  class Block extends IsaDevice {
    @region.read()
    read(): number {
      return 0;
    }
  }

  it('agrees with a naive check for any set of devices in a machine', () => {
    const places = fc.array(fc.record({ at: fc.nat(40), priority: fc.nat(1) }), { maxLength: 8 });
    fc.assert(
      fc.property(places, (drawn) => {
        const devices = drawn.map(({ at, priority }, n) =>
          use(Block, { id: `b${n}`, at: [place(region, at, { priority })] }),
        );
        const expected = drawn.flatMap((a, n) =>
          drawn.flatMap((b, m) =>
            m > n && a.priority === b.priority && Math.abs(a.at - b.at) < 4 ? [pairName(`b${n}`, `b${m}`)] : [],
          ),
        );
        let reported: string[] = [];
        try {
          Machine.create(defineMachine({ ...toyMachine, devices }));
        } catch (error) {
          const { problems } = error as WiringError;
          reported = problems.map(({ message }) => {
            const [, first, second] = /of device '(b\d)'.*of device '(b\d)'/.exec(message) ?? [];
            return pairName(String(first), String(second));
          });
        }
        expect(reported.sort()).toEqual(expected.sort());
      }),
      { numRuns: 60 },
    );
  });
});
