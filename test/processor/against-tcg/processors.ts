import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Stop } from '../../../sdk/accelerator/kvm/simulated-kernel/processor.ts';
import { findQemu } from '../../../sdk/testing/qemu/index.ts';
import type { MachineCode } from '../../../sdk/x86.ts';
import { BareProcessor } from '../bare-processor.ts';
import { DebugExitPort, In, Out, Place, ramSizeFor, resultsAt } from './layout.ts';

const MultibootMagic = 0x1bad_b002;
/** The header says itself where the image goes. @see Multiboot Specification 0.6.96, 3.1.3 */
const HasAddresses = 0x1_0000;
/** What isa-debug-exit makes of a 0. */
const CleanExit = 1;
/** The driver executes about a hundred for each case. */
const LongestCase = 1000;
/** Milliseconds. */
const LongestRun = 100_000;

/** An image for some cases, in RAM of its own. */
export class Image {
  readonly bytes: Uint8Array;
  readonly view: DataView;

  constructor(readonly cases: number) {
    this.bytes = new Uint8Array(resultsAt(cases));
    this.view = new DataView(this.bytes.buffer);
  }

  /** The file for QEMU's -kernel. */
  file(entry: number): Uint8Array {
    const header = [MultibootMagic, HasAddresses, -(MultibootMagic + HasAddresses)];
    const addresses = [Place.image, Place.image, this.bytes.length, this.bytes.length, entry];
    for (const [index, word] of [...header, ...addresses].entries()) {
      this.view.setUint32(Place.image + 4 * index, word >>> 0, true);
    }
    return this.bytes.subarray(Place.image);
  }
}

/** The results of QEMU's TCG: read out of the file that is the RAM of its machine. */
export async function runTcg(image: Image, entry: number): Promise<Uint8Array> {
  const binary = findQemu();
  if (binary === undefined) throw new Error('There is no QEMU.');
  const folder = mkdtempSync(join(tmpdir(), 'backplane-tcg-'));
  const [kernel, ram] = [join(folder, 'image'), join(folder, 'ram')];
  const size = ramSizeFor(image.cases);
  try {
    writeFileSync(kernel, image.file(entry));
    const child = spawn(
      binary,
      [
        ...['-accel', 'tcg', '-cpu', 'pentium3', '-nodefaults', '-display', 'none', '-no-reboot'],
        ...['-m', `size=${size}B`, '-machine', 'pc,memory-backend=ram'],
        ...['-object', `memory-backend-file,id=ram,size=${size}B,mem-path=${ram},share=on`],
        ...['-device', `isa-debug-exit,iobase=0x${DebugExitPort.toString(16)},iosize=1`, '-kernel', kernel],
      ],
      { stdio: ['ignore', 'inherit', 'inherit'], timeout: LongestRun },
    );
    const status = await new Promise((resolve) => child.on('close', resolve));
    if (status !== CleanExit) throw new Error(`QEMU ended with status ${status} before the last case.`);
    const results = new Uint8Array(image.cases * Out.size);
    const file = openSync(ram, 'r');
    readSync(file, results, 0, results.length, resultsAt(image.cases));
    closeSync(file);
    return results;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The results of our processor. */
export function runOurs(machineCode: MachineCode, image: Image, entry: number): Uint8Array {
  const guest = new BareProcessor(machineCode, ramSizeFor(image.cases));
  guest.ram.set(image.bytes.subarray(Place.image), Place.image);
  guest.begin(32, entry);
  while (guest.processor.instructions < LongestCase * (image.cases + 10)) {
    const stop = guest.step(1_000_000);
    if (stop === Stop.Operation && guest.operation.address === DebugExitPort) {
      const start = resultsAt(image.cases);
      return guest.ram.slice(start, start + image.cases * Out.size);
    }
    if (stop !== Stop.Operation && stop !== Stop.Limit) {
      throw new Error(guest.processor.failure?.message ?? `It stops (${stop}) at ${guest.processor.whereabouts}.`);
    }
  }
  const current = guest.ram.slice(Place.current, Place.current + 4);
  const place = (new DataView(current.buffer).getUint32(0, true) - Place.records) / In.size;
  throw new Error(`It does not end: case ${place}, ${guest.processor.whereabouts}.`);
}
