import { fileURLToPath } from 'node:url';
import { pcI440fx } from '../../../machines/index.ts';
import { replayTrace } from '../../../sdk/analysis/replay.ts';
import { localApic, selectedFunctions } from '../../../sdk/cli/replay/setup.ts';
import { readTrace } from '../../../sdk/cli/replay/trace-file.ts';
import { MiB } from '../../../sdk/memory/index.ts';
import type { BenchCase } from '../bench-case.ts';

/** As `backplane replay NAME` does it, less the parsing and the report: a machine built, and every access of the boot made. */
export const cases: readonly BenchCase[] = ['seabios-pc-tcg', 'linux61-boot-rtc'].map((name) => ({
  table: 'Replay of a recorded boot on pc',
  name,
  throughput: 'accesses',
  prepare: async () => {
    const file = new URL(`../../../examples/recordings/${name}.iotrace.gz`, import.meta.url);
    const trace = await readTrace(fileURLToPath(file), { name });
    const run = () => {
      const { machine } = replayTrace(trace, {
        definition: pcI440fx,
        request: { ram: 16 * MiB },
        conditional: (built) => [...selectedFunctions(built, () => {}), localApic],
      });
      machine.dispose();
    };
    return { operations: trace.length, run };
  },
}));
