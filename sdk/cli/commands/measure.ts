import { readFileSync } from 'node:fs';
import { BackplaneError } from '../../base/errors.ts';
import { didYouMean } from '../../base/text.ts';
import type { Arguments, Command } from '../command.ts';
import { formatMeasurement, type MeasuredUnit, measureCoalescing } from '../measure/coalescing.ts';
import { chooseMachine, machineHelp, machineSyntax } from '../options/machine.ts';
import { comparedModes } from '../replay/modes.ts';

const DefaultTimes = 2000;
const DefaultRuns = 20;
const Subjects = ['coalescing'];

export const measureCommand: Command = {
  usage: 'backplane measure coalescing -accel kvm [-times N] [-runs N] [-icount] [-machine MACHINE] [-json]',
  summary: "measure on the host's KVM what coalescing saves",
  help: `Runs small guests on the host's /dev/kvm: pairs of accesses to the RTC, to PCI configuration, and bursts of writes. Each runs without
coalescing, with QEMU's port map, and with ours. Exits are exact; nothing of the table is modelled.

Options:
  -accel kvm            the host's KVM; there is no other that can be measured
  -times N              pairs or writes in one run, up to 65535; default 2000
  -runs N               measured runs of each, after twenty that are not; default 20
  -icount               the clock of this host counts executed instructions (QEMU's -icount shift=0,sleep=off): print those, and no time
${machineHelp}
  -json                 the table as a JSON value

Examples:
  backplane measure coalescing -accel kvm
  backplane measure coalescing -accel kvm -times 2000 -runs 5`,
  options: { ...machineSyntax, accel: 'ACCELERATOR', times: 'N', runs: 'N', icount: true },
  async run({ terminal, arguments: args, json }) {
    checkSubject(args);
    const [times, runs] = [wholeNumber(args, 'times', DefaultTimes), wholeNumber(args, 'runs', DefaultRuns)];
    const unit = unitOf(args);
    const machine = await chooseMachine(args);
    for (const warning of machine.warnings) terminal.note(`warning: ${warning}`);
    const { hostKvmAccelerator } = await import('../../host-kvm/accelerator.ts');
    const { workloadBinary, workloads } = await import('../../host-kvm/workloads.ts');
    const modes = comparedModes(machine, {});
    const setup = { machine, modes, workloads, times, runs, unit };
    const rows = measureCoalescing({
      ...setup,
      accelerator: hostKvmAccelerator,
      binaryOf: workloadBinary,
      onProgress: (what) => terminal.progress(`measure: ${what}`),
    });
    terminal.progress('');
    terminal.print(json ? JSON.stringify({ unit, times, runs, rows }, null, 2) : formatMeasurement(rows, setup));
  },
};

function checkSubject(args: Arguments): void {
  const [subject, ...more] = args.positional;
  if (subject === undefined || more.length > 0 || !Subjects.includes(subject)) {
    const given = args.positional.join(' ');
    const hint = didYouMean(subject ?? '', Subjects, "Write 'backplane measure coalescing -accel kvm'.");
    throw new BackplaneError('unknown-subject', `measure ${given}: there is no such measurement. ${hint}`);
  }
  if (args.value('accel') === 'kvm') return;
  throw new BackplaneError(
    'not-measurable',
    "measure coalescing: only the host's KVM can be measured; what -accel kvm-sim takes is modelled. Add -accel kvm.",
  );
}

function wholeNumber(args: Arguments, name: string, otherwise: number): number {
  const text = args.value(name);
  if (text === undefined) return otherwise;
  if (/^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new BackplaneError('invalid-number', `-${name} ${text}: give a whole number from 1 to 65535.`);
}

/** An emulated processor has no time that says anything. */
function unitOf(args: Arguments): MeasuredUnit {
  if (args.has('icount')) return 'instructions';
  if (!/QEMU TCG/.test(processorName())) return 'microseconds';
  throw new BackplaneError(
    'not-measurable',
    'measure coalescing: the processor of this host is emulated (TCG), and its time ranges by half from run to run. Start QEMU with -icount ' +
      'shift=0,sleep=off, and give -icount here: then instructions are counted.',
  );
}

function processorName(): string {
  try {
    return /^model name\s*: (.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? '';
  } catch {
    return '';
  }
}
