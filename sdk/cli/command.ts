import { BackplaneError } from '../base/errors.ts';
import type { Arguments, OptionSyntax } from './arguments.ts';
import type { Terminal } from './terminal.ts';

export interface CommandContext {
  readonly terminal: Terminal;
  readonly arguments: Arguments;
  /** The user wants one JSON value on standard output and nothing else there. */
  readonly json: boolean;
}

/** The command has done its work and printed its results, and what it was to carry out did not come to its end: status 2. */
export class Unfinished extends BackplaneError {}

/** One word of the command line: each has a file of its own in `commands/`. */
export interface Command {
  readonly usage: string;
  readonly summary: string;
  /** Printed by `-help` below the usage: what it does, its options, examples. */
  readonly help: string;
  readonly options: OptionSyntax;
  run(context: CommandContext): Promise<void>;
}

/** Options that every command understands. */
export const commonOptions = { help: true, h: true, json: true, verbose: true } as const satisfies OptionSyntax;
