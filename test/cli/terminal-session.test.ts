import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../sdk/testing/random.ts';
import { testFolder } from '../backend/node/fake-host.ts';
import { times } from '../depth.ts';
import { needs } from '../needs.ts';
import { builtCommand } from './built-command.ts';
import { echoRun } from './echo-run.ts';
import { inTerminal, type Shown, type TerminalStep, whyNoPseudoTerminal } from './pseudo-terminal.ts';

const folder = testFolder('terminal');
const at = (name: string) => join(folder, name);
const run = echoRun(folder);
let command = '';
beforeAll(() => {
  command = builtCommand(folder);
});

const quoted = (words: readonly string[]) => words.map((word) => `'${word}'`).join(' ');
let runs = 0;

interface Session extends Shown {
  /** Of the command itself; the terminal's shell goes on behind it. */
  readonly exit: string;
  readonly before: string;
  readonly after: string;
}

/** Runs the echo at a terminal, from a shell that looks at the terminal's settings before and after. */
async function session(steps: readonly TerminalStep[], ...more: string[]): Promise<Session> {
  const name = at(`session-${runs++}`);
  const words = quoted([command, ...run, '-chardev', 'stdio,id=c0', ...more]);
  const inner = `echo $$ > ${name}.pid; echo started; exec ${words}`;
  const script = `stty -g > ${name}.before; sh -c "${inner.replaceAll('$', '\\$')}"; echo $? > ${name}.exit; stty -g > ${name}.after`;
  const named = steps.map(
    ([awaited, action, what]): TerminalStep => [awaited, action, what === 'PID' ? `${name}.pid` : what],
  );
  const shown = await inTerminal(['sh', '-c', script], named);
  const read = (end: string) => (existsSync(`${name}.${end}`) ? readFileSync(`${name}.${end}`, 'latin1').trim() : '');
  return { ...shown, exit: read('exit'), before: read('before'), after: read('after') };
}

const ready = 'Ctrl-A x ends the run';

/** Each is a process of its own, which takes its time. */
const slow = { tags: 'package' };

describe('a run at a terminal', needs('host', whyNoPseudoTerminal()), () => {
  const expectRestored = ({ before, after }: Session) => {
    expect(before).not.toBe('');
    expect(after).toBe(before);
  };

  it('has each key at once, Ctrl-C too, and ends with Ctrl-A x; -save is written', async () => {
    const saved = at('saved.json');
    const steps: TerminalStep[] = [
      [ready, 'type', 'ab\x03c\x01\x01'],
      ['ab\x03c\x01', 'type', '\x01x'],
    ];
    const ended = await session(steps, '-save', saved);
    expect({ steps: ended.steps, exit: ended.exit }).toEqual({ steps: 2, exit: '0' });
    expectRestored(ended);
    expect(readFileSync(saved, 'latin1')).toContain('backplane-snapshot');
    // The report begins on a line of its own, and says what has ended the run.
    expect(ended.shown).toContain('ab\x03c\x01\r\n');
    expect(ended.shown).toContain('The run was ended by Ctrl-A x.');
  });

  it('goes on from what Ctrl-A x has saved in the middle of a line: no key is lost or echoed twice', slow, async () => {
    const random = new Random(1);
    // Two signs that nothing else shows, in an order that does not repeat.
    const signs = (count: number) => Array.from({ length: count }, () => (random.oneIn(2) ? '~' : '^')).join('');
    for (let run = 0; run < times(1, 4); run++) {
      const saved = at(`middle-${run}.json`);
      const typed = signs(1 + random.below(600));
      const first = await session([[ready, 'type', `${typed}\x01x`]], '-save', saved);
      expect({ exit: first.exit, said: first.shown.includes('Ctrl-A x.') }).toEqual({ exit: '0', said: true });
      expectRestored(first);
      const more = signs(10);
      const second = await session([[ready, 'type', `${more}q`]], '-loadvm', saved);
      expect(second.exit).toBe('0');
      const echoed = `${first.shown}${second.shown}`.replaceAll(/[^~^]/g, '');
      expect(echoed).toBe(typed + more);
    }
  });

  it('has a monitor on Ctrl-A c, whose keys the guest does not get', slow, async () => {
    const prompt = '(backplane) ';
    const steps: TerminalStep[] = [
      [ready, 'type', 'one\x01c'],
      [prompt, 'type', 'info machine\r'],
      ['machine: isapc', 'type', 'stop\r'],
      [prompt, 'type', 'i /b 0x2f9\r'],
      ['portb[0x02f9] = 0x02', 'type', 'qiut\r'],
      [prompt, 'type', 'con\t'],
      ['cont', 'type', '\r'],
      [prompt, 'type', '\x01ctwo'],
      ['two', 'type', '\x01c'],
      [prompt, 'type', 'quit\r'],
    ];
    const ended = await session(steps);
    expect({ steps: ended.steps, exit: ended.exit }).toEqual({ steps: steps.length, exit: '0' });
    expect(ended.shown).toContain("The run was ended by 'quit' in the monitor.");
    expectRestored(ended);
  });

  it.each([
    ['SIGTERM', '0'],
    ['SIGHUP', '0'],
    ['SIGINT', '0'],
    ['SIGQUIT', '131'],
    ['SIGABRT', '134'],
  ] as const)('is itself again after %s', slow, async (signal, exit) => {
    const ended = await session([
      [ready, 'type', 'x'],
      ['x', signal, 'PID'],
    ]);
    expect({ steps: ended.steps, exit: ended.exit }).toEqual({ steps: 2, exit });
    expectRestored(ended);
  });

  it('is itself again after a device threw, and after a plugin called process.exit()', slow, async () => {
    for (const [key, said] of [
      ['!', 'no exclamation'],
      ['#', 'process.exit()'],
    ] as const) {
      const ended = await session([[ready, 'type', key]]);
      expect(ended.exit).toMatch(/[17]/);
      expect(ended.shown).toContain(said);
      expectRestored(ended);
    }
  });

  it('is raw again after it was stopped and goes on', slow, async () => {
    const ended = await session([
      [ready, 'SIGTSTP', 'PID'],
      ['', 'wait', '0.3'],
      ['', 'SIGCONT', 'PID'],
      ['', 'wait', '0.3'],
      ['', 'type', 'k\x03'],
      ['k\x03', 'type', 'q'],
    ]);
    expect({ steps: ended.steps, exit: ended.exit }).toEqual({ steps: 6, exit: '0' });
    expectRestored(ended);
  });

  it('is itself again after Ctrl-C at twenty random points, and no file is left behind', {
    tags: 'package',
    timeout: 120_000,
  }, async () => {
    const random = new Random(20);
    const points = Array.from({ length: 20 }, () => random.below(1500) / 1000);
    const rest = points.map(
      (seconds, index) => () =>
        session(
          [
            ['started', 'wait', String(seconds)],
            ['', 'SIGINT', 'PID'],
          ],
          '-chardev',
          `socket,id=s${index},path=${at(`socket-${index}`)},server=on,wait=off`,
          // Its log ends after a million polls: a guest that is to be saved has the pace of the host.
          ...(index % 2 === 0 ? ['-save', at(`at-${index}.json`), '-clock', 'host'] : []),
        ),
    );
    const worker = async () => {
      for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
        const ended = await next();
        expect(ended.exit, ended.shown).toMatch(/^(0|130)$/);
        expectRestored(ended);
      }
    };
    await Promise.all([worker(), worker(), worker()]);
    expect(readdirSync(folder).filter((name) => /partial|overlay|^socket|^\./.test(name))).toEqual([]);
  });
});

describe('a run whose standard input is no terminal', () => {
  it('gets its bytes until their end, answers, and reports on standard error', async () => {
    const child = spawn(command, [...run, '-chardev', 'stdio,id=c0']);
    let [said, reported] = ['', ''];
    child.stdout.on('data', (text) => {
      said += String(text);
    });
    child.stderr.on('data', (text) => {
      reported += String(text);
    });
    child.stdin.end('helloq');
    const status = await new Promise((resolve) => child.on('close', resolve));
    expect({ status, said }).toEqual({ status: 0, said: 'hello' });
    expect(reported).toContain('The guest has finished.');
  });
});
