/** The command on a real KVM: a flat binary in each mode, and a recording in three modes. */
import { equal, match } from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BackplaneError } from '../../sdk/base/errors.ts';
import { runCommandLine } from '../../sdk/cli/main.ts';
import { runChecks } from './checks.ts';

const folder = mkdtempSync(join(tmpdir(), 'backplane-command-line-'));
const at = (name: string): string => join(folder, name);

/** Standard output and messages of one command, its status, and the code of its error. */
interface Said {
  readonly status: number;
  readonly text: string;
  readonly code: string | undefined;
}

async function backplane(...words: string[]): Promise<Said> {
  const lines: string[] = [];
  const say = (text: string): void => void lines.push(text);
  let code: string | undefined;
  const terminal = { print: say, note: say, progress: () => {}, bold: (text: string) => text };
  const status = await runCommandLine(words, terminal, (thrown) => {
    if (thrown instanceof BackplaneError) code = thrown.code;
  });
  return { status, text: lines.join('\n'), code };
}

/**
 * One binary for all modes, which tells them apart: it writes a digit to the first serial port, and waits until that has been sent.
 * 0x40 0x90 increments EAX and does nothing, and is one instruction in long mode; the five bytes behind are two instructions in real mode.
 */
const telling = [
  [0x31, 0xd2, 0xb6, 3, 0xb2, 0xfb, 0xb0, 3, 0xee], // xor edx, edx; mov dh, 3; mov dl, 0xfb; mov al, 3; out dx, al: words of 8 bits
  [0x31, 0xc0, 0x40, 0x90], // xor eax, eax; inc eax; nop
  [0xb9, 0, 0, 4, 2], // mov ecx, 0x02040000; in real mode mov cx, 0; add al, 2
  [0x04, 0x30, 0xb2, 0xf8, 0xee], // add al, '0'; mov dl, 0xf8; out dx, al
  [0xb2, 0xfd, 0xec, 0xa8, 0x40, 0x74, 0xfb, 0xfa, 0xf4], // mov dl, 0xfd; in al, dx; test al, 0x40; jz; cli; hlt
].flat();
writeFileSync(at('mode.bin'), Uint8Array.from(telling));
const loader = `loader,file=${at('mode.bin')},addr=0x1000,cpu-num=0`;

const run = (...more: string[]): Promise<Said> =>
  backplane('run', '-machine', 'isapc', '-accel', 'kvm', '-device', loader, ...more);

function beginsIn(digit: string, ...mode: string[]): () => Promise<void> {
  return async () => {
    const { status, text } = await run('-serial', `file:${at(digit)}`, ...mode);
    equal(status, 0, text);
    match(text, /^ *VM exits +not known$/m);
    match(text, /HLT of vCPU 0 .* with interrupts disabled/);
    equal(readFileSync(at(digit), 'latin1'), digit);
  };
}

const checks: Readonly<Record<string, () => Promise<void>>> = {
  'run -device loader begins in real mode': beginsIn('3'),
  'run -cpu-mode protected begins in protected mode': beginsIn('1', '-cpu-mode', 'protected'),
  'run -cpu-mode long begins in long mode': beginsIn('0', '-cpu-mode', 'long'),
  'replay -compare shows three modes, whose exits coalescing saves': async () => {
    const writes = Array.from({ length: 20 }, (_, index) => `${index + 1}000 PW 70 1 b`);
    writeFileSync(at('short.iotrace'), ['# iotrace v1', ...writes, '30000 PR 71 1 2', ''].join('\n'));
    const { status, text } = await backplane('replay', at('short.iotrace'), '-compare', '-accel', 'kvm');
    equal(status, 0, text);
    match(text, /^ *userspace exits +21 +1 +1$/m);
    match(text, /^ *writes coalesced +0 +20 +20$/m);
    match(text, /^ *userspace exits saved +- +95\.2 % +95\.2 %$/m);
  },
  'what the processor of the host does not show is refused': async () => {
    const { status, code } = await run('-save', at('never.json'));
    equal(`${status} ${code}`, '1 misplaced-argument');
  },
};

await runChecks('the command', checks);
rmSync(folder, { recursive: true });
