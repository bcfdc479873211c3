/** What stands before each document on the serial console of the emulated machine. */
export const Marker = '@@backplane ';

/** A line of the serial console that is ours: what a job prints, that it has begun, and its status. */
export type ConsoleDocument = { readonly job: number } & (
  | { readonly stdout: string }
  | { readonly stderr: string }
  | { readonly started: true }
  | { readonly status: number }
);

/** A script that runs in the machine in a process of its own. */
export interface Job {
  /** From the top of the checkout: `test/real-kvm/vectors.ts`. */
  readonly script: string;
  readonly args: readonly string[];
}
