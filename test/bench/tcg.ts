import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  accessSync,
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { al, assemble, ax, cr0, ds, dx, eax, ebx, ecx, es, esp, linear, ss } from '../../sdk/assembler.ts';
import { type CodeLoop, Ram } from './code-loops.ts';

const Emulator = 'qemu-system-i386';
const Uart = { data: 0x3f8, status: 0x3fd, received: 1 } as const;
const Start = 0xf_0000;
const Size = 0x1_0000;

/** An installed `qemu-system-i386`. */
export const tcgCommand: string | undefined = (process.env['PATH'] ?? '')
  .split(delimiter)
  .filter((folder) => folder !== '')
  .map((folder) => join(folder, Emulator))
  .find(isExecutable);

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * A QEMU that executes a loop each time it is asked, with `-accel tcg`: its firmware reads a number of turns from the serial port,
 * counts them down, and writes a byte.
 */
export class TcgLoop {
  readonly #folder = mkdtempSync(join(tmpdir(), 'backplane-tcg-'));
  readonly #child: ChildProcess;
  readonly #input: number;
  readonly #output: number;
  readonly #answer = new Uint8Array(1);

  constructor(loop: CodeLoop) {
    const [image, pipe] = [join(this.#folder, 'loop.bin'), join(this.#folder, 'serial')];
    writeFileSync(image, firmwareOf(loop));
    execFileSync('mkfifo', [`${pipe}.in`, `${pipe}.out`]);
    const words = ['-accel', 'tcg', '-M', 'pc', '-m', '16', '-nodefaults', '-display', 'none', '-bios', image];
    this.#child = spawn(tcgCommand!, [...words, '-serial', `pipe:${pipe}`], { stdio: 'ignore' });
    this.#input = openSync(`${pipe}.in`, 'r+');
    this.#output = openSync(`${pipe}.out`, 'r+');
  }

  /** Waits for the end of so many turns. */
  run(turns: number): void {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, turns, true);
    writeSync(this.#input, bytes);
    readSync(this.#output, this.#answer);
  }

  end(): void {
    this.#child.kill();
    closeSync(this.#input);
    closeSync(this.#output);
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** 64 KiB for the end of 4 GiB. */
function firmwareOf(loop: CodeLoop): Uint8Array {
  const { bytes } = assemble({ origin: Start, bits: 16 }, (a) => {
    a.label('entry');
    a.cli();
    a.mov(ax, Start >> 4);
    a.mov(ds, ax);
    a.bits(16, Start);
    a.lgdt('register');
    a.mov(eax, cr0);
    a.or(eax, 1);
    a.mov(cr0, eax);
    a.jmpFar(8, linear('flat'), 32);
    a.bits(32);
    a.label('flat');
    a.mov(eax, 16);
    for (const segment of [ds, es, ss]) a.mov(segment, ax);
    a.mov(esp, Ram.stack);
    a.cld();
    a.label('next');
    a.mov(ecx, 4);
    a.label('byte');
    a.mov(dx, Uart.status);
    a.label('wait');
    a.in(al, dx);
    a.test(al, Uart.received);
    a.jz('wait');
    a.mov(dx, Uart.data);
    a.in(al, dx);
    a.shrd(ebx, eax, 8);
    a.loop('byte');
    loop.put(a);
    a.mov(dx, Uart.data);
    a.out(dx, al);
    a.jmp('next');
    a.align(8);
    a.label('table');
    a.dd(0, 0);
    a.dw(0xffff, 0, 0x9b00, 0xcf);
    a.dw(0xffff, 0, 0x9300, 0xcf);
    a.label('register');
    a.dw(0x17);
    a.dd('table');
    a.org(Start + Size - 16, 0xff);
    a.bits(16, Start);
    a.jmpFar(Start >> 4, 'entry');
    a.org(Start + Size, 0xff);
  });
  return bytes;
}
