import { printable, printableLines, sentence, times } from '../../../base/text.ts';
import { afterHostTime, hostTurn } from '../../../clock/host-time.ts';
import type { GuestError } from '../../../device/index.ts';
import { within } from '../emulator.ts';
import type { GuestConsole } from './console.ts';

const MostLines = 10;
/** Milliseconds that the console may be behind the shell: each is a serial line of its own. */
const ConsoleDelay = 50;
/** Milliseconds after which Linux counts as unable to print stacks: it is much faster. */
const ReportTimeout = 20_000;
const StartOfReport = /sysrq: Show Blocked State/;
/** A list of keys, behind the report: a key is acted on when the one before has been. */
const EndOfReport = /sysrq: HELP : /;

/** Of a device of this process. */
export interface GuestErrorSource {
  readonly guestErrors: readonly GuestError[];
}

/**
 * Call it before a command. The function that it answers tells in sentences what the kernel and the device have said since, for the
 * message of an error.
 */
export function whatHappens(
  console: GuestConsole,
  device: GuestErrorSource | undefined,
): (most?: number) => Promise<string> {
  const printed = console.printed;
  const before = device?.guestErrors ?? [];
  return async (most = MostLines) => {
    await new Promise<void>((resolve) => void afterHostTime(ConsoleDelay, resolve));
    // What had come by then, also where this process was too busy to read it.
    await hostTurn();
    const lines = console.since(printed, most);
    const kernel = lines.length === 0 ? '' : ` The kernel printed:\n${printableLines(lines.join('\n'))}\n`;
    const errors = newErrors(before, device?.guestErrors ?? []);
    return errors.length === 0 ? kernel : `${kernel} Guest errors of the device:\n${errors.join('\n')}\n`;
  };
}

function newErrors(before: readonly GuestError[], now: readonly GuestError[]): readonly string[] {
  const counts = new Map(before.map(({ device, message, count }) => [`${device}: ${message}`, count]));
  return now.flatMap(({ device, message, count }) => {
    const text = `${device}: ${message}`;
    const more = count - (counts.get(text) ?? 0);
    return more === 0 ? [] : [`${sentence(printable(text))}${more === 1 ? '' : ` (${times(more)})`}`];
  });
}

/**
 * Has Linux print the stack of each task that waits in it, and waits for the end of that. `sendBreak` puts a break on the line of the
 * console. @see Documentation/admin-guide/sysrq.rst, "w" and "h"
 */
export async function blockedTasks(console: GuestConsole, sendBreak: () => Promise<unknown>): Promise<void> {
  const press = async (key: string, answer: Promise<void>): Promise<void> => {
    await sendBreak();
    console.send(key);
    await answer;
  };
  const report = async (): Promise<void> => {
    await press('w', console.line(StartOfReport));
    await press('h', console.line(EndOfReport, 'forget it'));
  };
  await within(ReportTimeout, report());
}
