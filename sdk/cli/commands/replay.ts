import type { RecordedTrace } from '../../accelerator/index.ts';
import { type ReplaySetup, replayTrace } from '../../analysis/replay.ts';
import { ReplaySampler } from '../../analysis/report/input.ts';
import { BackplaneError } from '../../base/errors.ts';
import type { Command } from '../command.ts';
import {
  acceleratorMaker,
  acceleratorSyntax,
  chooseAccelerator,
  chooseTimerLimit,
  timerLimitHelp,
  timerLimitSyntax,
} from '../options/accelerator.ts';
import { chooseMachine, type MachineChoice, machineHelp, machineSyntax } from '../options/machine.ts';
import { observeWith, reportObservers } from '../plugins/plugin.ts';
import { isExact, replayExactly } from '../replay/exact.ts';
import { comparedModes, type ReplayMode, singleMode } from '../replay/modes.ts';
import { type RecordedClock, recordedClock } from '../replay/recorded-clock.ts';
import { formatReplay, type ReplayedMode, replayData } from '../replay/report.ts';
import {
  asRecorded,
  machineOf,
  namedRecording,
  readRecording,
  replaySetup,
  startOfClock,
  warnOfAccessesAlone,
} from '../replay/setup.ts';
import type { Terminal } from '../terminal.ts';

export const replayCommand: Command = {
  usage:
    'backplane replay TRACE [-machine MACHINE] [-device DEVICE]... [-plugin WHAT]... [-accel ACCELERATOR] [-compare] [-report FILE] [-profile]',
  summary: 'put a recorded boot through a machine and count its exits',
  help: `Replays a recording of a guest's accesses, in the recording's own time, and reports its exits: a table of ports and one of MMIO
pages in the form of 'perf kvm stat report', the counts, and how the machine's answers agree with what the guest really got.
TRACE is a name (linux61-boot-rtc, seabios-pc-tcg) or the path of a file, plain or gzip. A recording of 'backplane run -record' is run
again on its machine, without its program, with equal counts; -compare, -accel, -rtc, -m and options of the machine ask for others.

Options:
${machineHelp}
  -accel ACCELERATOR    kvm-sim and its options: kvm-sim,coalesced-pio=off; or kvm: as machine code on the host's /dev/kvm
${timerLimitHelp}
  -compare              replay three times: coalescing off, with QEMU's overlay, and as asked for
  -rtc base=DATE        start the real-time clock there; default: from the recording's own readings of it
  -report FILE.html     with -compare: the comparison as one page to look at, with charts and the machine's maps; over a page that is there
  -profile              measure the host time of device handlers
  -show-output ID       of a recorded run: print what the guest sent to this back end
  -json                 the report as a JSON value

Examples:
  backplane replay linux61-boot-rtc -compare
  backplane replay seabios-pc-tcg -accel kvm-sim,coalesced-mmio=off
  backplane replay seabios-pc-tcg -compare -report seabios.html
  backplane replay seabios-pc-tcg -compare -accel kvm
  backplane replay boot.iotrace.gz -machine isapc -json`,
  options: {
    ...machineSyntax,
    ...acceleratorSyntax,
    ...timerLimitSyntax,
    compare: true,
    report: 'FILE.html',
    'show-output': 'ID',
    rtc: 'base=DATE',
  },
  async run(context) {
    const { terminal, arguments: args, json } = context;
    const name = namedRecording('replay', args.positional);
    const trace = await readRecording(name, terminal);
    const given = await chooseMachine(args, undefined, machineOf(trace));
    if (isExact(trace, args, given)) return replayExactly(trace, given, context);
    warnOfAccessesAlone(trace, given, terminal);
    const machine = asRecorded(trace, given);
    const accelerator = chooseAccelerator(args);
    const { options } = accelerator;
    const modes = args.has('compare') ? comparedModes(machine, options) : singleMode(machine, options);
    const createAccelerator = await acceleratorMaker(accelerator);
    const page = args.value('report');
    if (page !== undefined && !args.has('compare'))
      throw new BackplaneError('misplaced-argument', '-report shows a comparison. Add -compare.');
    const html = page === undefined ? undefined : await import('../replay/html-report.ts');
    if (page !== undefined) html?.checkReportTarget(page);
    const samplers = modes.map(() => new ReplaySampler(trace));
    const clock = startOfClock(args) ?? recordedClock(trace);
    const timers = chooseTimerLimit(args);
    const replayed = modes.map((mode, index) => {
      const step = modes.length > 1 ? ` ${index + 1}/${modes.length}` : '';
      const label = `replay${step}, ${mode.column}`;
      const watched = page === undefined ? {} : { observe: samplers[index]!.observe };
      return replayMode(trace, { machine, mode, createAccelerator, clock, terminal, label, timers, ...watched });
    });
    terminal.progress('');
    // A comparison shows QEMU's map on purpose, so its warning is left out.
    const warnings = modes.length === 1 ? (replayed[0]?.replay.machine.warnings ?? []) : [];
    for (const warning of [...machine.warnings, ...warnings]) terminal.note(`warning: ${warning}`);
    const report = { trace, clock, modes: replayed };
    if (page !== undefined && html !== undefined) {
      const bytes = await html.writeHtmlReport(
        page,
        report,
        samplers.map(({ samples }) => samples),
      );
      terminal.note(`${page}: ${Math.ceil(bytes / 1024)} KiB`);
    }
    terminal.print(json ? JSON.stringify(replayData(report), null, 2) : formatReplay(report, terminal));
  },
};

interface ReplayRequest {
  readonly machine: MachineChoice;
  readonly mode: ReplayMode;
  readonly createAccelerator: NonNullable<ReplaySetup['createAccelerator']>;
  readonly clock: RecordedClock | undefined;
  readonly terminal: Terminal;
  readonly label: string;
  readonly timers: Pick<ReplaySetup, 'timerLimit'>;
  readonly observe?: NonNullable<ReplaySetup['observe']>;
}

function replayMode(trace: RecordedTrace, request: ReplayRequest): ReplayedMode {
  const { machine, mode, createAccelerator, clock, terminal, label, timers, observe } = request;
  let absentFunctions = 0;
  const setup = replaySetup(machine, clock, () => absentFunctions++);
  let endObservers = () => {};
  const replay = replayTrace(trace, {
    ...setup,
    ...timers,
    request: {
      ...setup.request,
      options: mode.machineOptions,
      onObserverFailure: reportObservers(terminal),
    },
    onBuilt: (built) => {
      endObservers = observeWith(machine.plugins, built);
    },
    accelerator: mode.accelerator,
    createAccelerator,
    ...(observe === undefined ? {} : { observe }),
    onProgress: (done, total) => terminal.progress(`${label}: ${done} of ${total} accesses`),
  });
  endObservers();
  return { mode, replay, absentFunctions };
}
