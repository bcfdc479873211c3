import { type ChildProcess, spawn } from 'node:child_process';

/** A QEMU that can be started, and what belongs to its start. `vfioUserQemu()` finds one. */
export interface QemuProgram {
  /** The file of the emulator itself. */
  readonly path: string;
  /** What is executed: the emulator, or a loader for it. */
  readonly program: string;
  /** Before all other arguments. */
  readonly args: readonly string[];
  /** Added to the environment. */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Starts a program that ends with this process even if this one is killed. A child of the shell holds the other end of a pipe,
 * and kills the program when the pipe closes.
 */
export function launch(
  binary: string | QemuProgram,
  args: readonly string[],
  output: 'ignore' | 'pipe' = 'ignore',
): ChildProcess {
  const script = '(read -r _ <&3; kill -9 $$) >/dev/null 2>&1 & exec 3<&-; exec "$0" "$@"';
  const { program, args: first, env } = typeof binary === 'string' ? { program: binary, args: [], env: {} } : binary;
  return spawn('/bin/sh', ['-c', script, program, ...first, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', output, 'pipe', 'pipe'],
  });
}

/** The file that a message names. */
export const pathOf = (binary: string | QemuProgram): string => (typeof binary === 'string' ? binary : binary.path);

/** Kills it, and waits until it is gone. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }
  for (const stream of child.stdio) stream?.destroy();
}
