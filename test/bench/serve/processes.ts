import { type ChildProcess, execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { end, launch, type QemuProgram } from '../../../sdk/testing/qemu/child.ts';

const StartTimeout = 60_000;
const LookEvery = 20;
/** Flags of a socket in /proc/net/unix. @see Linux, include/uapi/linux/net.h, __SO_ACCEPTCON */
const Listening = '00010000';

/** Programs in a folder of their own; they and the folder are gone at its end, and when this process dies. */
export class Processes implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'backplane-bench-'));
  private readonly children: ChildProcess[] = [];

  path(name: string): string {
    return join(this.folder, name);
  }

  /** A program of this folder in C, compiled. */
  compiled(name: string): string {
    const program = this.path(name);
    const source = fileURLToPath(new URL(`./${name}.c`, import.meta.url));
    try {
      execFileSync('cc', ['-O2', '-o', program, source], { stdio: ['ignore', 'ignore', 'pipe'] });
    } catch (cause) {
      const why = (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no cc' : (cause as Error).message;
      throw new Error(
        `${name}.c cannot be compiled: ${why}. Install a C compiler (Debian: apt-get install gcc libc6-dev).`,
      );
    }
    return program;
  }

  /** Starts a program, and waits until it listens at these sockets. */
  async start(program: string | QemuProgram, args: readonly string[], sockets: readonly string[]): Promise<void> {
    const child = launch(program, args);
    this.children.push(child);
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-2000);
    });
    const name = typeof program === 'string' ? program : program.path;
    const deadline = Date.now() + StartTimeout;
    while (!isListening(sockets)) {
      if (child.exitCode !== null) throw new Error(`${name} ended with status ${child.exitCode}: ${said.trim()}`);
      if (Date.now() > deadline) throw new Error(`${name} does not listen at ${sockets.join(', ')}: ${said.trim()}`);
      await sleep(LookEvery);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.children.reverse()) await end(child);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A client that only asked would be the one that a device has at a time. @see Linux 6.12, net/unix/af_unix.c, unix_seq_show */
function isListening(sockets: readonly string[]): boolean {
  const lines = readFileSync('/proc/net/unix', 'utf8').split('\n');
  return sockets.every((path) => lines.some((line) => line.split(' ')[3] === Listening && line.endsWith(` ${path}`)));
}

/** What a program prints. */
export function outputOf(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { maxBuffer: 2 ** 24, timeout: StartTimeout }, (failure, stdout, stderr) => {
      if (failure === null) resolve(stdout);
      else reject(new Error(`${program} ${args.join(' ')}: ${stderr.trim() || failure.message}`));
    });
  });
}
