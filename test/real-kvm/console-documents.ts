/** What stands before each document on the serial console of the emulated machine. */
export const Marker = '@@backplane ';

/** A line of the serial console that is ours. */
export type ConsoleDocument =
  | { readonly stdout: string }
  | { readonly stderr: string }
  | { readonly started: number }
  | { readonly status: number };

export interface InsideJob {
  /** The file to run, as a path in the machine, and its arguments. */
  readonly script: string;
  readonly args: readonly string[];
}
