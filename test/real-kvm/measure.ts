/** In one boot: the table of `backplane measure`, and the yardstick in C beside it. Prints one JSON value. */
import { execFileSync } from 'node:child_process';
import { parseArguments } from '../../sdk/cli/command.ts';
import { measureCoalescing } from '../../sdk/cli/measure/coalescing.ts';
import { chooseMachine, machineSyntax } from '../../sdk/cli/options/machine.ts';
import { comparedModes } from '../../sdk/cli/replay/modes.ts';
import { hostKvmAccelerator } from '../../sdk/host-kvm/accelerator.ts';
import { workloadBinary, workloads } from '../../sdk/host-kvm/workloads.ts';

/** The zones of the machine's ports in each mode, as the yardstick registers them. */
const zones = { off: 'none', overlay: '0x70/1,0xcf8/1,0xcfa/2', ours: '0x70/1,0xcf8/4' } as const;

const [yardstick = '/yardstick', times = '2000', runs = '5'] = process.argv.slice(2);
const machine = await chooseMachine(parseArguments([], machineSyntax));
const modes = comparedModes(machine, {});
const rows = measureCoalescing({
  machine,
  modes,
  workloads,
  times: Number(times),
  runs: Number(runs),
  unit: 'instructions',
  accelerator: hostKvmAccelerator,
  binaryOf: workloadBinary,
  onProgress: () => {},
});
const yardsticks = workloads.flatMap((workload) =>
  modes.map(({ name }) => {
    const code = Buffer.from(workloadBinary(workload, Number(times)).bytes).toString('hex');
    const words = [times, runs, zones[name as keyof typeof zones], code];
    const { nanoseconds, userspaceExits } = JSON.parse(execFileSync(yardstick, words, { encoding: 'utf8' })) as {
      nanoseconds: number[];
      userspaceExits: number;
    };
    const [median = 0] = nanoseconds.sort((a, b) => a - b).slice(nanoseconds.length >> 1);
    return { workload: workload.name, mode: name, userspaceExits, median: median / Number(times) };
  }),
);
console.log(JSON.stringify({ rows, yardsticks }));
