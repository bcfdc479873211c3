import { readFileSync } from 'node:fs';
import type { SimulatedAcceleratorOptions } from '../../accelerator/index.ts';
import { BackplaneError } from '../../base/errors.ts';
import { didYouMean } from '../../base/text.ts';
import type { Arguments, Command } from '../command.ts';
import {
  formatMeasurement,
  type MeasuredRow,
  type MeasuredUnit,
  type MeasureSetup,
  measureCoalescing,
  rowOfQemu,
} from '../measure/coalescing.ts';
import { chooseAccelerator, parseCount } from '../options/accelerator.ts';
import { chooseMachine, machineHelp, machineSyntax } from '../options/machine.ts';
import { comparedModes } from '../replay/modes.ts';
import { readRecording } from '../replay/setup.ts';
import type { Terminal } from '../terminal.ts';

const DefaultTimes = 2000;
const DefaultRuns = 20;
const DefaultGuestRuns = 5;
const Subjects = ['coalescing', 'guest'];

export const measureCommand: Command = {
  usage:
    'backplane measure coalescing|guest [-guest GUEST] [-limit N] [-accel kvm] [-times N] [-runs N] [-icount] [-machine MACHINE] [-json]',
  summary: 'measure what coalescing saves a running guest, or how long a Linux guest takes',
  help: `coalescing: executes a guest in machine code that reads its clock in a loop: without coalescing, with QEMU's port map, and with ours. Linux
does so where 'backplane fetch linux-i386' was run, and else the package's own firmware. The counts of a recorded boot stand beside it.
Exits are counted, by KVM's rules; times are modelled.

coalescing -accel kvm: runs small guests on the host's /dev/kvm: pairs of accesses to the RTC, to PCI configuration, and bursts of writes.
Exits are exact; nothing of the table is modelled. An installed QEMU does the same on the same KVM, beside it. It takes some minutes.

guest: starts Linux in QEMU as linuxGuest() does, by a boot and from a saved state, and runs commands in it. See 'backplane fetch'.

Options:
  -guest GUEST          linux or firmware; default linux, where it was fetched
  -limit INSTRUCTIONS   counted instructions of that guest; default 20 million of Linux, 2 million of the firmware
  -accel kvm            measure the host's KVM, and no running guest
  -times N              pairs or writes in one run, up to 65535; default 2000
  -runs N               measured runs of each, after twenty that are not; default 20. For a guest: default 5
  -icount               the clock of this host counts executed instructions (QEMU's -icount shift=0,sleep=off): print those, and no time
${machineHelp}
  -json                 the table as a JSON value

Examples:
  backplane measure coalescing
  backplane measure coalescing -guest firmware -limit 500000
  backplane measure coalescing -accel kvm
  backplane measure coalescing -accel kvm -times 2000 -runs 5
  backplane measure guest`,
  options: {
    ...machineSyntax,
    ...{ guest: 'GUEST', limit: 'INSTRUCTIONS', accel: 'ACCELERATOR', times: 'N', runs: 'N', icount: true },
  },
  async run({ terminal, arguments: args, json }) {
    if (checkSubject(args) === 'guest') {
      const { formatGuestFigures, measureGuest } = await import('../measure/guest.ts');
      const runs = wholeNumber(args, 'runs', DefaultGuestRuns);
      const figures = await measureGuest(runs, (what) => terminal.progress(`measure: ${what}`));
      terminal.progress('');
      return terminal.print(json ? JSON.stringify({ runs, figures }, null, 2) : formatGuestFigures(figures, runs));
    }
    const accelerator = chooseAccelerator(args);
    if (accelerator.name === 'kvm-sim') return measureRunning(args, accelerator.options, terminal, json);
    refuseOf(args, ['guest', 'limit'], 'are of a running guest on the simulated kernel: leave -accel kvm out');
    const [times, runs] = [wholeNumber(args, 'times', DefaultTimes), wholeNumber(args, 'runs', DefaultRuns)];
    const unit = unitOf(args);
    const machine = await chooseMachine(args);
    for (const warning of machine.warnings) terminal.note(`warning: ${warning}`);
    const { hostKvmAccelerator } = await import('../../host-kvm/accelerator.ts');
    const { workloadBinary, workloads } = await import('../../host-kvm/workloads.ts');
    const modes = comparedModes(machine, {});
    const setup = { machine, modes, workloads, times, runs, unit };
    const rows: MeasuredRow[] = measureCoalescing({
      ...setup,
      accelerator: hostKvmAccelerator,
      binaryOf: workloadBinary,
      onProgress: (what) => terminal.progress(`measure: ${what}`),
    });
    if (unit === 'microseconds') rows.push(...(await rowsOfQemu(setup, terminal)));
    terminal.progress('');
    terminal.print(json ? JSON.stringify({ unit, times, runs, rows }, null, 2) : formatMeasurement(rows, setup));
  },
};

/** A guest that runs, and the recorded boot beside it. */
async function measureRunning(
  args: Arguments,
  options: SimulatedAcceleratorOptions,
  terminal: Terminal,
  json: boolean,
): Promise<void> {
  refuseOf(
    args,
    ['times', 'runs', 'icount'],
    "are of the host's KVM; the simulated one counts exits, and models times: add -accel kvm",
  );
  const limit = parseCount(args, 'limit', 'instructions');
  const machine = await chooseMachine(args);
  for (const warning of machine.warnings) terminal.note(`warning: ${warning}`);
  const { clockGuest } = await import('../measure/live-guests.ts');
  const { formatLive, liveData, measureLive, measureRecorded } = await import('../measure/live.ts');
  const guest = await clockGuest(args.value('guest'));
  const machineCode = await (await import('../x86-wasm.ts')).x86MachineCode();
  const onProgress = (what: string) => terminal.progress(`measure: ${what}`);
  const setup = { machine, modes: comparedModes(machine, options), onProgress };
  const live = measureLive({ ...setup, guest, machineCode, instructions: limit ?? guest.instructions });
  const guests = [live, measureRecorded(await readRecording(BesideIt, terminal), setup)];
  terminal.progress('');
  terminal.print(json ? JSON.stringify(liveData(guests), null, 2) : formatLive(guests));
}

/** The recording that comes with the package, of a boot that reads its clock. */
const BesideIt = 'linux61-boot-rtc';

function refuseOf(args: Arguments, options: readonly string[], why: string): void {
  const given = options.find((option) => args.has(option));
  if (given === undefined) return;
  const names = options.map((option) => `-${option}`);
  throw new BackplaneError(
    'not-measurable',
    `measure coalescing: ${names.slice(0, -1).join(', ')} and ${names.at(-1)} ${why}, or leave -${given} out.`,
  );
}

/** An installed QEMU on the same KVM, beside the table. Without one the table is whole, and says why. */
async function rowsOfQemu(
  { workloads, times, runs }: Pick<MeasureSetup, 'workloads' | 'times' | 'runs'>,
  terminal: Terminal,
): Promise<MeasuredRow[]> {
  const { findQemu, whyNoQemu } = await import('../../testing/qemu/process.ts');
  const { measureStockQemu } = await import('../measure/stock-qemu.ts');
  const qemu = findQemu();
  let missing = whyNoQemu();
  const rows: MeasuredRow[] = [];
  for (const workload of qemu === undefined ? [] : workloads) {
    terminal.progress(`measure: ${workload.name}, QEMU itself`);
    const taken = await measureStockQemu({ qemu: qemu as string, workload, times, runs });
    if (typeof taken !== 'string') rows.push(rowOfQemu(workload, times, taken));
    else missing = taken;
  }
  if (missing !== undefined) terminal.note(`QEMU itself is not measured: ${missing}`);
  return rows;
}

function checkSubject(args: Arguments): string {
  const [subject, ...more] = args.positional;
  if (subject === undefined || more.length > 0 || !Subjects.includes(subject)) {
    const given = args.positional.join(' ');
    const hint = didYouMean(subject ?? '', Subjects, "Write 'backplane measure coalescing', or 'measure guest'.");
    throw new BackplaneError('unknown-subject', `measure ${given}: there is no such measurement. ${hint}`);
  }
  return subject;
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
