import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Why code cannot be compared with that of GNU as; undefined where it can. */
export function whyNoGas(): string | undefined {
  const missing = ['as', 'ld', 'objdump'].find((name) => spawnSync(name, ['--version']).error !== undefined);
  return missing === undefined ? undefined : `'${missing}' of GNU binutils is not installed.`;
}

function inFolder<T>(body: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'backplane-gas-'));
  try {
    return body(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Bytes that GNU as makes of lines in Intel's syntax, linked to an address. */
export const assembleWithGas = (lines: readonly string[], bits: 16 | 32, origin = 0): Uint8Array =>
  inFolder((folder) => {
    const at = (name: string) => join(folder, name);
    writeFileSync(at('x.s'), ['.intel_syntax noprefix', `.code${bits}`, ...lines, ''].join('\n'));
    execFileSync('as', ['--32', at('x.s'), '-o', at('x.o')], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    const place = ['-m', 'elf_i386', '-Ttext', `0x${origin.toString(16)}`, '-e', '0', '--oformat', 'binary'];
    execFileSync('ld', [...place, at('x.o'), '-o', at('x')]);
    return new Uint8Array(readFileSync(at('x')));
  });

/** What objdump reads in bytes, a line for each instruction: the address, then the text. */
export const disassemble = (bytes: Uint8Array, bits: 16 | 32): { address: number; text: string }[] =>
  inFolder((folder) => {
    const file = join(folder, 'x');
    writeFileSync(file, bytes);
    const machine = ['-D', '-b', 'binary', '-m', bits === 16 ? 'i8086' : 'i386', '-M', 'intel'];
    const printed = execFileSync('objdump', [...machine, file], { encoding: 'utf8', maxBuffer: 2 ** 28 });
    return [...printed.matchAll(/^ *([0-9a-f]+):\t[0-9a-f ]+\t(.*?)\s*$/gm)].map(([, address = '', text = '']) => ({
      address: Number.parseInt(address, 16),
      text,
    }));
  });
