import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterHostTime, hostNanoseconds } from '../../clock/index.ts';
import type { Workload } from '../../host-kvm/workloads.ts';

const FirmwareSize = 0x1_0000;
const ResetVector = 0xfff0;
/** Of `-debugcon`. */
const DebugPort = 0xe9;
/** The first runs are not measured: QEMU starts in them. */
const UnmeasuredRuns = 20;
/** Milliseconds that QEMU has for all runs. */
const Patience = 60_000;

export interface StockQemuSetup {
  /** The program. */
  readonly qemu: string;
  readonly workload: Workload;
  /** How often a guest does the workload in one run, and how many runs are measured. */
  readonly times: number;
  readonly runs: number;
  /** Default: 'kvm'. */
  readonly accelerator?: 'kvm' | 'tcg';
}

/** A byte to the debug console, the workload so many times, and again: a firmware of a PC, in real mode. */
export function workloadFirmware({ body }: Workload, times: number): Uint8Array {
  // mov ecx, times; the body; dec ecx; jnz back to the body
  const count = new Uint8Array(Uint32Array.of(times).buffer);
  const loop = [0x66, 0xb9, ...count, ...body, 0x66, 0x49, 0x75, 0x100 - (body.length + 4)];
  // mov al, '.'; out DebugPort, al; the loop; jmp to the start
  const run = [0xb0, 0x2e, 0xe6, DebugPort, ...loop];
  const firmware = new Uint8Array(FirmwareSize);
  firmware.set([...run, 0xeb, 0x100 - (run.length + 2)]);
  // jmp far f000:0000
  firmware.set([0xea, 0, 0, 0, 0xf0], ResetVector);
  return firmware;
}

/**
 * Nanoseconds of each pair or write in an installed QEMU, run by run: the host's time between two bytes of the debug console. Or why
 * there are none.
 */
export async function measureStockQemu(setup: StockQemuSetup): Promise<number[] | string> {
  const folder = mkdtempSync(join(tmpdir(), 'backplane-measure-'));
  try {
    const bios = join(folder, 'workload.bin');
    writeFileSync(bios, workloadFirmware(setup.workload, setup.times));
    const { qemu, accelerator = 'kvm' } = setup;
    const words = ['-M', 'pc', '-accel', accelerator, '-m', '16', '-nodefaults', '-display', 'none', '-bios', bios];
    return await timesOf(spawn(qemu, [...words, '-debugcon', 'stdio']), setup);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function timesOf(child: ChildProcess, { times, runs }: StockQemuSetup): Promise<number[] | string> {
  return new Promise((resolve) => {
    const taken: number[] = [];
    let [before, said] = [0, ''];
    const cancel = afterHostTime(Patience, () => end(`it was too slow: ${taken.length} runs in ${Patience / 1000} s`));
    const end = (failure?: string): void => {
      cancel();
      child.kill('SIGKILL');
      resolve(failure ?? taken.slice(UnmeasuredRuns, UnmeasuredRuns + runs));
    };
    child.stdout?.on('data', (bytes: Uint8Array) => {
      const now = hostNanoseconds();
      // Several at once: this process was late, and their runs are taken as equal.
      if (before > 0) for (const _ of bytes) taken.push((now - before) / bytes.length / times);
      before = now;
      if (taken.length >= UnmeasuredRuns + runs) end();
    });
    child.stderr?.on('data', (text: Uint8Array) => {
      said = (said + String(text)).slice(0, 1000);
    });
    child.on('error', ({ message }) => end(message));
    child.on('exit', (status) => end(said.trim().split('\n')[0] || `it ended with status ${status}`));
  });
}
