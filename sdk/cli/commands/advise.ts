import { advise } from '../../analysis/advisor/advise.ts';
import { withSuggestion } from '../../analysis/advisor/changes.ts';
import type { Advice, Suggestion } from '../../analysis/advisor/suggestion.ts';
import { formatAdvice, placeOf } from '../../analysis/advisor/text.ts';
import { type ReplaySetup, replayTrace } from '../../analysis/replay.ts';
import { BackplaneError } from '../../base/errors.ts';
import { count, formatTable } from '../../base/text.ts';
import type { ConcreteDeviceClass } from '../../device/index.ts';
import { checkRange } from '../../testing/conformance/range-check.ts';
import type { Arguments, Command } from '../command.ts';
import { chooseTimerLimit, timerLimitHelp, timerLimitSyntax } from '../options/accelerator.ts';
import { chooseMachine, machineHelp, machineSyntax } from '../options/machine.ts';
import { recordedClock } from '../replay/recorded-clock.ts';
import {
  asRecorded,
  machineOf,
  namedRecording,
  readRecording,
  replaySetup,
  startOfClock,
  warnOfAccessesAlone,
} from '../replay/setup.ts';

const DefaultRows = 10;
const Explained = 3;

export const adviseCommand: Command = {
  usage: 'backplane advise TRACE [-machine MACHINE] [-m SIZE] [-device DEVICE] [-top N] [-check] [-json]',
  summary: 'say what coalescing more ports and pages would save',
  help: `Goes through a recording for everything that it writes outside of all coalesced zones of the machine, and says of each port, MMIO register
and page: how many userspace exits would vanish (exactly: by KVM's rules), how long the writes would wait, and whether they may: a device
that the machine has is run alone over random scripts, with the range coalesced and without; elsewhere it is what a PC has there. What may
wait comes first, with the declaration to paste. The same for writes that may be mere signals (ioeventfd).
TRACE is a name (linux61-boot-rtc, seabios-pc-tcg) or the path of a file, plain or gzip.

Options:
${machineHelp}
  -rtc base=DATE        start the real-time clock there; default: from the recording's own readings of it
${timerLimitHelp}
  -top N                how many rows each table has; default ${DefaultRows}
  -check                carry out the first ${Explained} suggestions and replay the recording, to show that the numbers hold
  -json                 everything as a JSON value: recording, machine, accesses; today and each suggestion's prediction (userspaceExits,
                        coalescedWrites, ringFullExits, kicks, signals, taken, longestWait and meanWait in ns); coalesce and ioeventfds,
                        lists of suggestions (kind, isPort, start, size, offset, device and region if modelled, what, match, writes, saved,
                        verdict: same, differs, waits, unsound, not modelled or not checked; reasons, check: scripts, seed, difference with
                        message and script, refused, unseen; declaration); untried, unreachable: counts;
                        with -check also checked: suggestions with replayedExits

Examples:
  backplane advise seabios-pc-tcg
  backplane advise linux61-boot-rtc -machine pc,reset-control=overlay -check`,
  options: { ...machineSyntax, ...timerLimitSyntax, rtc: 'base=DATE', top: 'N', check: true },
  async run({ terminal, arguments: args, json }) {
    const name = namedRecording('advise', args.positional);
    const rows = rowsOf(args);
    const trace = await readRecording(name, terminal);
    const machine = asRecorded(trace, await chooseMachine(args, undefined, machineOf(trace)));
    warnOfAccessesAlone(trace, machine, terminal);
    const clock = startOfClock(args) ?? recordedClock(trace);
    const setup: ReplaySetup = { ...replaySetup(machine, clock), ...chooseTimerLimit(args) };
    for (const warning of machine.warnings) terminal.note(`warning: ${warning}`);
    terminal.progress(`advise: replaying ${trace.length} accesses`);
    const advice = advise(trace, setup, {
      onProgress: (tried, total) => terminal.progress(`advise: ${tried} of ${total} places tried`),
      check: ({ metadata, given }, { values, addresses, ...range }) =>
        checkRange(metadata.deviceClass as ConcreteDeviceClass, range, { options: given, values, addresses }),
    });
    const checked = args.has('check') ? firstOf(advice).map((one) => ({ one, ...replayed(one) })) : [];
    terminal.progress('');
    if (json) {
      const checks = checked.map(({ one, userspaceExits }) => ({ ...one, replayedExits: userspaceExits }));
      terminal.print(JSON.stringify(args.has('check') ? { ...advice, checked: checks } : advice, null, 2));
      return;
    }
    terminal.print(formatAdvice(advice, { rows, explained: Math.min(rows, Explained), width: terminal.width }));
    if (args.has('check')) terminal.print(`\n${formatChecks(checked)}`);

    function replayed(suggestion: Suggestion): { userspaceExits: number } {
      terminal.progress(`advise: carrying out ${placeOf(suggestion)}`);
      const definition = withSuggestion(setup.definition, suggestion);
      return replayTrace(trace, { ...setup, definition }).statistics.summary();
    }
  },
};

const firstOf = ({ coalesce, ioeventfds }: Advice) => [...coalesce.slice(0, Explained), ...ioeventfds.slice(0, 1)];

function formatChecks(checked: readonly { one: Suggestion; userspaceExits: number }[]): string {
  const rows = checked.map(({ one, userspaceExits }) => {
    const { userspaceExits: predicted } = one.prediction;
    return [
      placeOf(one),
      count(predicted),
      count(userspaceExits),
      predicted === userspaceExits ? 'as predicted' : 'DIFFERS',
    ];
  });
  return `Carried out and replayed:\n\n${formatTable([['', 'predicted', 'replayed', ''], ...rows])}`;
}

function rowsOf(args: Arguments): number {
  const text = args.value('top') ?? `${DefaultRows}`;
  const rows = Number(text);
  if (/^\d{1,6}$/.test(text) && rows > 0) return rows;
  throw new BackplaneError('invalid-number', `-top ${text}: not a number of rows. Write -top 20.`);
}
