import { OperationKind } from '../../sdk/accelerator/guest/operation.ts';
import type { RecordedTrace } from '../../sdk/accelerator/index.ts';
import { TraceColumns } from '../../sdk/accelerator/trace/recorded-trace.ts';
import { MICROSECOND } from '../../sdk/clock/index.ts';

type Access = readonly [kind: 'out' | 'in' | 'store' | 'load', address: number, value: number, size?: number];

const kinds = {
  out: OperationKind.Out,
  in: OperationKind.In,
  store: OperationKind.Store,
  load: OperationKind.Load,
} as const;

/** A recording of these accesses, one a microsecond unless a number says how long the guest was silent. */
export function smallTrace(accesses: readonly (Access | number)[]): RecordedTrace {
  const columns = new TraceColumns();
  let now = 0;
  for (const access of accesses) {
    if (typeof access === 'number') {
      now += access;
      continue;
    }
    const [kind, address, value, size = 1] = access;
    columns.add(now, kinds[kind], address, size, value, 0);
    now += 1 * MICROSECOND;
  }
  return columns.finish('small', []);
}

/** The same accesses again and again. */
export const repeated = (times: number, accesses: (round: number) => readonly (Access | number)[]) =>
  Array.from({ length: times }, (_, round) => accesses(round)).flat();
