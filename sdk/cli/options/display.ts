import { BackplaneError } from '../../base/errors.ts';
import { didYouMean } from '../../base/text.ts';
import { type ShowsText, showsText } from '../../device/index.ts';
import type { Machine } from '../../machine/index.ts';
import type { Arguments, OptionSyntax } from '../command.ts';

/** The option that shows the screen of a machine. */
export const displaySyntax = { display: 'curses|none' } as const satisfies OptionSyntax;

export const displayHelp = `  -display curses|none  curses: the text screen of the machine at this terminal, whose keys are those of its keyboard; guest time is
                        then paced by the host's unless -clock says otherwise, and the serial port is not at the terminal`;

const displays = ['curses', 'none'] as const;
/** The back end of the keyboard, by the name under which a PC asks for it. */
const keys = 'stdio,id=keyboard';

/** Whether the screen is to be shown. Refused where there is no terminal for it. */
export function chooseDisplay(args: Arguments): boolean {
  const text = args.value('display') ?? 'none';
  const display = displays.find((known) => known === text);
  if (display === undefined)
    throw new BackplaneError(
      'unknown-display',
      `-display ${text}: there is no such display. ${didYouMean(text, displays)}`,
    );
  if (display === 'none') return false;
  const { stdin, stdout, env } = process;
  if (stdin.isTTY === true && stdout.isTTY === true && env['TERM'] !== 'dumb') return true;
  throw new BackplaneError(
    'no-terminal',
    `-display ${text}: standard input and output are no terminal that can show a screen. Leave -display out.`,
  );
}

/** The terminal has the keys of the keyboard, and guest time keeps to the host's. */
export function displayArguments(args: Arguments): Arguments {
  const all = (option: string): readonly string[] => {
    const given = args.all(option);
    if (option === 'chardev' && !given.some((one) => one.split(',').includes('id=keyboard'))) return [...given, keys];
    return option === 'clock' && given.length === 0 ? ['host'] : given;
  };
  const value = (option: string) => (option === 'clock' ? (args.value(option) ?? 'host') : args.value(option));
  return { ...args, all, value };
}

/** The first device of a machine that has a screen. */
export function screenOf({ devices, definition }: Machine): ShowsText {
  for (const { device } of devices) if (showsText(device)) return device;
  throw new BackplaneError(
    'no-screen',
    `-display curses: machine '${definition.name}' has no device with a text screen. Leave -display out, or add one: -device VGA.`,
  );
}
