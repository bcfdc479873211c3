import { spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { Root } from './bundle.ts';
import type { Job } from './console-documents.ts';

const ProbeTimeout = 30_000;

const commandLine = (script: string, args: readonly string[]): string[] => [
  '--import',
  'tsx',
  join(Root, script),
  ...args,
];

/** Why this host's own KVM is not used, in words; undefined where it can be. */
export function whyNotHere(): string | undefined {
  if (process.arch !== 'x64' || process.platform !== 'linux') return 'this host is no x86-64 Linux';
  try {
    closeSync(openSync('/dev/kvm', 'r+'));
  } catch (cause) {
    return `/dev/kvm does not open (${(cause as NodeJS.ErrnoException).code})`;
  }
  // A KVM in software may open and run 64-bit user code only, or hang.
  const { status, stdout } = spawnSync(process.execPath, commandLine('test/real-kvm/probe.ts', []), {
    cwd: Root,
    encoding: 'utf8',
    timeout: ProbeTimeout,
    killSignal: 'SIGKILL',
  });
  if (status === 0) return undefined;
  const said = stdout.trim() || (status === null ? 'it does not come back' : `status ${status}`);
  return `/dev/kvm opens and cannot run 16-bit code (${said})`;
}

/** Runs a script of the checkout in a process of its own, on this host's KVM. */
export function runHere(
  { script, args }: Job,
  timeout: number,
): Promise<{ output: string; status: number | undefined }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, commandLine(script, args), {
      cwd: Root,
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout,
      killSignal: 'SIGKILL',
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.on('error', reject);
    child.on('close', (status) => resolve({ output, status: status ?? undefined }));
  });
}
