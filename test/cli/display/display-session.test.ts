import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { testFolder } from '../../backend/node/fake-host.ts';
import { needs, whyNoX86 } from '../../needs.ts';
import { builtCommand } from '../built-command.ts';
import { inTerminal, type TerminalStep, whyNoPseudoTerminal } from '../pseudo-terminal.ts';
import { NoCommand, screenKernel } from './screen-kernel.ts';

const folder = testFolder('display');
const at = (name: string) => join(folder, name);
const Title = 'The title of a guest';
const Enter = '\x1b[?1049h';
const Leave = '\x1b[?1049l';
/** Each is a process of its own, which takes its time. */
const slow = { tags: 'package' };

let command = '';
beforeAll(() => {
  command = builtCommand(folder);
  writeFileSync(at('kernel'), screenKernel(Title));
});

/** Runs the kernel with its screen at a terminal of so many rows and columns. The settings of the terminal are looked at before and after. */
async function session(steps: readonly TerminalStep[], setup = 'stty rows 30 cols 100', ...more: readonly string[]) {
  const words = [command, 'run', '-kernel', at('kernel'), '-display', 'curses', ...more]
    .map((word) => `'${word}'`)
    .join(' ');
  const run = `echo $$ > ${at('pid')}; exec ${words}`.replaceAll('$', '\\$');
  const script = `${setup}; stty -g > ${at('before')}; sh -c "${run}"; echo $? > ${at('exit')}; stty -g > ${at('after')}`;
  const named = steps.map(
    ([awaited, action, what]): TerminalStep => [awaited, action, what === 'PID' ? at('pid') : what],
  );
  const { shown, ...ended } = await inTerminal(['sh', '-c', script], named, 60);
  const read = (name: string) => (existsSync(at(name)) ? readFileSync(at(name), 'latin1').trim() : '');
  expect(read('before')).not.toBe('');
  expect(read('after')).toBe(read('before'));
  return { ...ended, exit: read('exit'), shown: Buffer.from(shown, 'latin1').toString() };
}

/** The terminal is its user's again: on its own screen, with a cursor, and nothing is drawn after. */
function expectGivenBack(shown: string): void {
  expect(shown.split(Enter).length).toBe(shown.split(Leave).length);
  expect(shown.lastIndexOf(Leave)).toBeGreaterThan(shown.lastIndexOf(Enter));
  expect(shown.slice(0, shown.lastIndexOf(Leave))).toMatch(/\?25h$/);
}

describe('a run with its screen at a terminal', needs('host', whyNoPseudoTerminal() ?? whyNoX86()), () => {
  it('shows the screen in its colours, has the keys as those of the keyboard, and ends with Ctrl-A x', async () => {
    // The codes of A: 0x1e, and 0x9e when it is released.
    const ended = await session([
      [Title, 'type', 'a'],
      ['\u00e2\u0096\u00b2', 'type', '\x01x'],
    ]);
    expect({ steps: ended.steps, exit: ended.exit }).toEqual({ steps: 2, exit: '0' });
    expectGivenBack(ended.shown);
    expect(ended.shown).toContain(`\x1b[97;44m${Title}`);
    // The report is told behind it, with the last screen.
    const [, after = ''] = ended.shown.split(Leave);
    expect(after).toMatch(new RegExp(`The screen at the end:\\r\\n${Title}\\r\\n▲₧\\r\\n`));
    expect(after).toContain('The run was ended by Ctrl-A x.');
  });

  it('leaves with its screen when the guest halts for ever: Escape is a key', slow, async () => {
    const ended = await session([[Title, 'type', '\x1b']]);
    expect({ steps: ended.steps, exit: ended.exit }).toEqual({ steps: 1, exit: '0' });
    expectGivenBack(ended.shown);
    expect(ended.shown).toContain('The screen at the end:');
  });

  it('gives the terminal to the monitor and takes it back', slow, async () => {
    const ended = await session([
      [Title, 'type', '\x01c'],
      ['(backplane) ', 'type', 'info chardev\r'],
      ['keyboard', 'type', '\x01c'],
      [Title, 'type', 'b'],
      ['0', 'type', '\x01x'],
    ]);
    expect({ steps: ended.steps, exit: ended.exit }).toEqual({ steps: 5, exit: '0' });
    expectGivenBack(ended.shown);
    // The monitor is on the screen of the user.
    const monitor = ended.shown.indexOf('(backplane) ');
    expect(ended.shown.lastIndexOf(Leave, monitor)).toBeGreaterThan(ended.shown.lastIndexOf(Enter, monitor));
  });

  it('shows what fits on a small terminal, and no colours with NO_COLOR', slow, async () => {
    const ended = await session([['The ti', 'type', '\x01x']], 'stty rows 5 cols 6; export NO_COLOR=1');
    expect(ended.exit).toBe('0');
    const [drawn = ''] = ended.shown.split(Leave);
    expect(drawn).toContain('\x1b[7mThe ti');
    expect(drawn).not.toContain(Title);
    expect(drawn).not.toContain(';4');
  });

  it('has 80 columns and 25 rows where the terminal does not know its size', slow, async () => {
    const ended = await session([[Title, 'type', '\x01x']], 'stty rows 0 cols 0');
    expect(ended.exit).toBe('0');
    expect(ended.shown).toContain('\x1b[25;1H');
  });

  it('is drawn again when it was stopped and goes on', slow, async () => {
    const ended = await session([
      [Title, 'SIGTSTP', 'PID'],
      [Leave, 'wait', '0.3'],
      ['', 'SIGCONT', 'PID'],
      [Title, 'type', '\x01x'],
    ]);
    expect({ steps: ended.steps, exit: ended.exit }).toEqual({ steps: 4, exit: '0' });
    expectGivenBack(ended.shown);
  });

  it.each(['SIGTERM', 'SIGQUIT'] as const)('gives the terminal back after %s', slow, async (signal) => {
    const ended = await session([[Title, signal, 'PID']]);
    expect(ended.exit).toBe(signal === 'SIGTERM' ? '0' : '131');
    expectGivenBack(ended.shown);
  });

  it('keeps what is told until the terminal is free', slow, async () => {
    const ended = await session([[Title, 'type', '\x01x']]);
    const [drawn = '', after = ''] = ended.shown.split(Leave);
    // The kernel gives the keyboard controller a command that it does not have.
    expect(drawn).not.toContain('guest error');
    expect(after).toContain(`guest error: keyboard: command 0x${NoCommand.toString(16)}`);
  });
});
