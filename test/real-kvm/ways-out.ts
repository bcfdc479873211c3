/** No way out of a guest on the host's KVM hangs: each is a child process under a limit. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Ending, waysOut } from './ways-out-children.ts';

/** An emulated machine takes seconds to start Node, and a busy one ten times as long; a way out that hangs takes for ever. */
const Limit = 240_000;

export interface WayOutResult {
  readonly name: string;
  /** What came instead of what must come; undefined if all is well. */
  readonly wrong: string | undefined;
}

/** The children are this package's sources under tsx, or the bundle that this file is in. */
const childScript = fileURLToPath(new URL('./ways-out-children.ts', import.meta.url));

/** Runs one way out in a child, and compares how that ends. */
export async function runWayOut(
  name: string,
  script = childScript,
  node: readonly string[] = process.execArgv,
): Promise<WayOutResult> {
  const expected = waysOut[name]!.ends;
  const child = spawn(process.execPath, [...node, script, name], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = await endOf(child, expected.interrupted === true);
  const isSame =
    ended.status === expected.status && ended.signal === expected.signal && ended.output.includes(expected.says ?? '');
  return { name, wrong: isSame ? undefined : `expected ${JSON.stringify(expected)}, got ${JSON.stringify(ended)}` };
}

function endOf(child: ChildProcess, isInterrupted: boolean): Promise<Ending & { readonly output: string }> {
  return new Promise((resolve) => {
    let output = '';
    const timeout = setTimeout(() => child.kill('SIGKILL'), Limit);
    let isSent = false;
    child.stdout?.on('data', (bytes: Buffer) => {
      output += bytes.toString();
      if (!isInterrupted || isSent || !output.includes('running')) return;
      isSent = true;
      // The guest is entered a moment after this line.
      setTimeout(() => child.kill('SIGINT'), 300);
    });
    child.on('close', (status, signal) => {
      clearTimeout(timeout);
      resolve({ status: status ?? undefined, signal: signal ?? undefined, output: output.trim() });
    });
  });
}

if (process.argv[1] !== undefined && /ways-out\.(ts|js)$/.test(process.argv[1])) {
  const names =
    process.argv.length > 2
      ? process.argv.slice(2)
      : Object.keys(waysOut).filter((name) => waysOut[name]!.anywhere !== true);
  const script = process.argv[1].replace(/ways-out\.(ts|js)$/, 'ways-out-children.$1');
  let failed = 0;
  for (const name of names) {
    const { wrong } = await runWayOut(name, script);
    if (wrong !== undefined) failed++;
    console.log(wrong === undefined ? `ok ${name}` : `FAILED ${name}: ${wrong}`);
  }
  console.log(`${names.length - failed} of ${names.length} ways out end as they must`);
  process.exitCode = failed === 0 ? 0 : 1;
}
