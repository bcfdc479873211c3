import fc from 'fast-check';
import { expect, it } from 'vitest';
import { advise } from '../../../sdk/analysis/advisor/advise.ts';
import { withSuggestion } from '../../../sdk/analysis/advisor/changes.ts';
import { replayTrace } from '../../../sdk/analysis/replay.ts';
import { MICROSECOND, MILLISECOND } from '../../../sdk/clock/index.ts';
import { times } from '../../depth.ts';
import { isapc, pcI440fx } from '../../small-machines.ts';
import { smallTrace } from '../small-trace.ts';

/** Ports with and without a device, some coalesced; the VGA window, a page behind it, and a page that nobody has. */
const port = fc.constantFrom(0x70, 0x71, 0x402, 0x402, 0x3d4, 0x3d5, 0xcf8, 0xcfc, 0x21, 0xf0);
const address = fc.constantFrom(0xb_8000, 0xb_fffe, 0xfed0_0000, 0xfed0_0004, 0xfed0_0ffe, 0xfed0_0ff8);
const value = fc.constantFrom(0, 1, 0x0b, 0x41);
const access = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constant('out' as const), port, value, fc.constantFrom(1, 1, 2, 4)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('in' as const), port, value, fc.constant(1)) },
  { weight: 4, arbitrary: fc.tuple(fc.constant('store' as const), address, value, fc.constantFrom(1, 4, 8)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('load' as const), address, value, fc.constant(4)) },
);
const silence = fc.constantFrom(3 * MICROSECOND, 400 * MICROSECOND, 4 * MILLISECOND, 11 * MILLISECOND);
/** Long rows of one access fill the ring. */
const stretch = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(access).map((one) => one) },
  { weight: 2, arbitrary: silence.map((duration) => [duration]) },
  {
    weight: 1,
    arbitrary: fc.tuple(access, fc.integer({ min: 60, max: 400 })).map(([one, times]) => Array(times).fill(one)),
  },
);

it('predicts every suggestion exactly, whatever the guest did', () => {
  const script = fc.array(stretch, { minLength: 5, maxLength: 60 }).map((parts) => parts.flat());
  let suggestions = 0;
  fc.assert(
    fc.property(script, fc.boolean(), (accesses, hasPci) => {
      const definition = hasPci ? pcI440fx : isapc;
      const trace = smallTrace(accesses);
      const advice = advise(trace, { definition });
      for (const suggestion of [...advice.coalesce.slice(0, 3), ...advice.ioeventfds.slice(0, 2)]) {
        suggestions++;
        const replay = replayTrace(trace, { definition: withSuggestion(definition, suggestion) });
        const { userspaceExits, coalescedWrites, ringFullExits, kicks } = replay.statistics;
        const { prediction } = suggestion;
        expect({ userspaceExits, coalescedWrites, ringFullExits, kicks }).toEqual({
          userspaceExits: prediction.userspaceExits,
          coalescedWrites: prediction.coalescedWrites,
          ringFullExits: prediction.ringFullExits,
          kicks: prediction.kicks,
        });
        replay.machine.dispose();
      }
    }),
    { numRuns: times(6, 15) },
  );
  expect(suggestions).toBeGreaterThan(times(3, 15));
});

it('suggests no ioeventfd where one of the writes is the part of a store that crosses a page', () => {
  const trace = smallTrace([['store', 0xfed0_0ffe, 0, 8], ...Array(60).fill(['store', 0xfed0_0ffe, 0, 1])]);
  expect(advise(trace, { definition: isapc }).ioeventfds).toEqual([]);
  const alike = smallTrace(Array(60).fill(['store', 0xfed0_0ffe, 0, 1]));
  expect(advise(alike, { definition: isapc }).ioeventfds).toHaveLength(1);
});
