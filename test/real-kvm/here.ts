import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { Root } from './bundle.ts';

/** Why this host's own KVM is not used, in words; undefined where it can be. */
export function whyNotHere(): string | undefined {
  if (process.arch !== 'x64' || process.platform !== 'linux') return 'this host is no x86-64 Linux';
  try {
    closeSync(openSync('/dev/kvm', 'r+'));
  } catch (cause) {
    return `/dev/kvm does not open (${(cause as NodeJS.ErrnoException).code})`;
  }
  return 'whether /dev/kvm can run 16-bit code is not known';
}

/** Runs a script of the checkout in a process of its own; answers its status. */
export function runHere(script: string, args: readonly string[], timeout: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', 'tsx', join(Root, script), ...args], {
      cwd: Root,
      stdio: 'inherit',
      timeout,
      killSignal: 'SIGKILL',
    });
    child.on('error', reject);
    child.on('close', (status) => resolve(status ?? undefined));
  });
}
