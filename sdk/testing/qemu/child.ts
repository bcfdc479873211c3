import { type ChildProcess, spawn } from 'node:child_process';

/**
 * Starts a program that ends with this process even if this one is killed. A child of the shell holds the other end of a pipe,
 * and kills the program when the pipe closes.
 */
export function launch(binary: string, args: readonly string[], output: 'ignore' | 'pipe' = 'ignore'): ChildProcess {
  const script = '(read -r _ <&3; kill -9 $$) >/dev/null 2>&1 & exec 3<&-; exec "$0" "$@"';
  return spawn('/bin/sh', ['-c', script, binary, ...args], { stdio: ['ignore', output, 'pipe', 'pipe'] });
}

/** Kills it, and waits until it is gone. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }
  for (const stream of child.stdio) stream?.destroy();
}
