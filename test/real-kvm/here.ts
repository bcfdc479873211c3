import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { HostKernel } from '../../sdk/host-kvm/host-kernel.ts';
import { attachMachineCode } from '../reference/machine-code-vector-guest.ts';
import { runVector } from '../reference/vector-runner.ts';
import { Root } from './bundle.ts';
import type { Job } from './console-documents.ts';

/** Why this host's own KVM is not used, in words; undefined where it can be. */
export function whyNotHere(): string | undefined {
  if (process.arch !== 'x64' || process.platform !== 'linux') return 'this host is no x86-64 Linux';
  try {
    closeSync(openSync('/dev/kvm', 'r+'));
  } catch (cause) {
    return `/dev/kvm does not open (${(cause as NodeJS.ErrnoException).code})`;
  }
  return whyNoSixteenBitCode();
}

/** A KVM in software may open and run 64-bit user code only: three instructions in real mode are tried. */
function whyNoSixteenBitCode(): string | undefined {
  let kernel: HostKernel | undefined;
  try {
    kernel = new HostKernel();
    const guest = [{ op: 'out', port: 0x80, bytes: [1] }, { op: 'in', port: 0x80, size: 2 }, { op: 'hlt' }] as const;
    const expect = [
      { exit: 'io', direction: 'out', port: 0x80, size: 1, count: 1, data: [1] },
      { exit: 'io', direction: 'in', port: 0x80, size: 2, count: 1 },
      { exit: 'hlt' },
    ] as const;
    const probe = { id: 'probe', what: '16-bit code', setup: [], drainAtEveryExit: true, guest, expect };
    runVector(kernel, probe, attachMachineCode);
    return undefined;
  } catch (cause) {
    return `/dev/kvm cannot run 16-bit code (${(cause as Error).message.split('\n')[0]})`;
  } finally {
    kernel?.dispose();
  }
}

/** Runs a script of the checkout in a process of its own, on this host's KVM. */
export function runHere(
  { script, args }: Job,
  timeout: number,
): Promise<{ output: string; status: number | undefined }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', 'tsx', join(Root, script), ...args], {
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
