import { describe, expect, it } from 'vitest';
import { type Command, commonOptions, parseArguments } from '../../sdk/cli/command.ts';
import { adviseCommand } from '../../sdk/cli/commands/advise.ts';
import { checkCommand } from '../../sdk/cli/commands/check.ts';
import { docCommand } from '../../sdk/cli/commands/doc.ts';
import { fetchCommand } from '../../sdk/cli/commands/fetch.ts';
import { infoCommand } from '../../sdk/cli/commands/info.ts';
import { migrateCommand } from '../../sdk/cli/commands/migrate.ts';
import { newCommand } from '../../sdk/cli/commands/new.ts';
import { replayCommand } from '../../sdk/cli/commands/replay.ts';
import { runCommand } from '../../sdk/cli/commands/run.ts';
import { serveCommand } from '../../sdk/cli/commands/serve.ts';
import { backplane } from './fake-terminal.ts';

const commands: [string, Command][] = Object.entries({
  run: runCommand,
  replay: replayCommand,
  advise: adviseCommand,
  info: infoCommand,
  doc: docCommand,
  check: checkCommand,
  new: newCommand,
  fetch: fetchCommand,
  migrate: migrateCommand,
  serve: serveCommand,
});
/** Other names of options that the help has under their first. */
const aliases = ['M', 'D', 'o', 'f', 'c'];

describe.each(commands)('backplane %s --help', (name, command) => {
  it('shows every option that the command takes, and none that it does not', async () => {
    const { printed } = await backplane(name, '--help');
    const options = printed.slice(printed.indexOf('\nOptions:'), printed.indexOf('\nExamples:'));
    const shown = [...options.matchAll(/^ {2}--?([\w-]+)/gm)].map(([, option]) => option ?? '');
    const taken = Object.keys(command.options).filter((option) => !aliases.includes(option));
    expect(shown.filter((option) => option !== 'json').sort()).toEqual(taken.sort());
  });

  it('has a usage line, a sentence, and examples that the command line can read', async () => {
    const { status, printed, noted } = await backplane(name, '--help');
    expect({ status, noted }).toEqual({ status: 0, noted: '' });
    expect(printed).toMatch(new RegExp(`^Usage: backplane ${name} [^\\n]+\\n\\n[A-Z][^\\n]+`));
    const examples = printed.slice(printed.indexOf('\nExamples:')).split('\n').slice(2);
    expect(examples.length).toBeGreaterThan(1);
    for (const example of examples) {
      expect(example).toMatch(new RegExp(`^ {2}backplane ${name}( |$)`));
      const words = (example.split(' && ')[0] ?? '').trim().split(' ').slice(2);
      expect(() => parseArguments(words, { ...command.options, ...commonOptions }), example).not.toThrow();
    }
  });

  it('writes every option with one dash, as QEMU does', async () => {
    const { printed } = await backplane(name, '-help');
    expect(printed.match(/(?<![\w-])--\w+/g)).toBeNull();
    expect(printed).toMatch(/^ {2}-\w/m);
  });

  it('fits a terminal that is not too narrow', async () => {
    const { printed } = await backplane(name, '--help');
    expect(printed.split('\n').filter((line) => line.length > 150)).toEqual([]);
  });

  it('is what a wrong option is not answered with', async () => {
    const { status, printed, noted } = await backplane(name, '--hlep');
    expect({ status, printed }).toEqual({ status: 1, printed: '' });
    expect(noted).toMatch(/^backplane: .*'--hlep'.*'--help'/);
  });
});

describe('backplane --help', () => {
  it('is the same with one dash, and so are the options that may stand first', async () => {
    const { printed } = await backplane('-help');
    expect(printed).toBe((await backplane('--help')).printed);
    expect(printed.match(/(?<![\w-])--\w+/g)).toBeNull();
    expect((await backplane('-json', '-accel', 'help')).printed).toBe(
      (await backplane('-accel', 'help', '--json')).printed,
    );
    expect((await backplane('-verbose', 'info', 'nothing')).noted).toMatch(/\n\s+at .*info\.ts/);
  });

  it('names every command, and each of its own examples can be read', async () => {
    const { printed } = await backplane('--help');
    for (const [name, { summary }] of commands) {
      expect(printed).toMatch(new RegExp(`^ {2}${name}( |\\n)`, 'm'));
      expect(summary).toMatch(/^[a-z]/);
    }
    expect(printed).toContain(
      'Status: 0 when all went well, 1 when something was refused or failed, 2 when a guest did',
    );
  });
});
