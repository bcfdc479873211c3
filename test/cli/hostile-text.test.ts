import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { plainWords } from '../../sdk/cli/command.ts';
import { adviseCommand } from '../../sdk/cli/commands/advise.ts';
import { docCommand } from '../../sdk/cli/commands/doc.ts';
import { infoCommand } from '../../sdk/cli/commands/info.ts';
import { newCommand } from '../../sdk/cli/commands/new.ts';
import { replayCommand } from '../../sdk/cli/commands/replay.ts';
import { runCommand } from '../../sdk/cli/commands/run.ts';
import { safeTerminal } from '../../sdk/cli/terminal.ts';
import { shellWord } from '../../sdk/cli/text.ts';
import { backplane, type Spoken } from './fake-terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'backplane-hostile-text-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** Clears the screen, sets the title, forges a message, steers by a C1 control, and turns the direction of writing. */
const Hostile = 'x\x1b[2J\x1b]0;title\x07\r\nbackplane: all is well\x9b31m\u202egpj\u2066\u2028y\x7f';
const steering = /(?![\t\n])[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;

/** Nothing that was said steers the terminal, and no line of it looks like a message that the command did not give. */
function expectHarmless({ printed, noted, progress }: Spoken): void {
  expect(printed).not.toMatch(/^backplane: all is well/m);
  for (const text of [printed, noted, ...progress]) expect(text).not.toMatch(steering);
  expect(noted).not.toMatch(/^backplane: all is well/m);
}

const commands = {
  replay: { command: replayCommand, subject: 'seabios-pc-tcg' },
  run: { command: runCommand, subject: 'nothing.ts' },
  advise: { command: adviseCommand, subject: 'seabios-pc-tcg' },
  info: { command: infoCommand, subject: 'mtree' },
  doc: { command: docCommand, subject: undefined },
  new: { command: newCommand, subject: 'device' },
};
const everyPlace = Object.entries(commands).flatMap(([name, { command, subject }]) => {
  const start = subject === undefined ? [name] : [name, subject];
  const options = Object.entries(command.options).flatMap(([option, value]) =>
    value === true ? [[`-${option}=${Hostile}`]] : [[`-${option}`, Hostile], [`--${option}=${Hostile}`]],
  );
  return [[name, Hostile], [...start, Hostile], [...start, `-${Hostile}`], ...options.map((one) => [...start, ...one])];
});

describe('control characters in the words of a command line', () => {
  it.each([
    [Hostile],
    [`-${Hostile}`],
    ...['-device', '-machine', '-accel', '-plugin'].map((list) => [list, Hostile]),
    ...everyPlace,
  ])('are shown as escapes, and the word is refused: %j %j %j %j', async (...words) => {
    const spoken = await backplane(...words.filter((word) => word !== undefined));
    expect(spoken).toMatchObject({ status: 1, printed: '' });
    expect(spoken.noted).toContain('\\u001b[2J');
    expect(spoken.code).toBe('unprintable-argument');
    expect(spoken.noted).toMatch(/^backplane: argument \d, '[^\n]*'/);
    expectHarmless(spoken);
  });

  it('may stand between the parts of a JSON value, where they mean nothing', async () => {
    const words = ['-device', '{\n\t"driver":\r\n "edu"\n}', '-device={\n"driver":"edu"}', 'a\tb'];
    expect(plainWords(words)).toEqual(['-device', '{ \t"driver":   "edu" }', '-device={ "driver":"edu"}', 'a\tb']);
    expect((await backplane('info', 'qtree', '-device', '{\n"driver": "edu"\n}')).status).toBe(0);
    expectHarmless(await backplane('info', 'qtree', '-device', `{"driver": ${JSON.stringify(Hostile)}}`));
    expectHarmless(await backplane('info', 'qtree', '-device', `{"driver": "edu", "x\\u009b\\u202e": 1}`));
  });
});

describe('text of a snapshot that is refused', () => {
  const saved = join(folder, 'saved.json');
  const guest = file(
    'guest.ts',
    "import { guestProgram } from 'backplane/runtime';\nexport default guestProgram('g', function* (guest) {\n  yield* guest.in8(0x71);\n});\n",
  );
  const ways: [string, (snapshot: Record<string, never>) => void][] = [
    ['schema', (snapshot) => Object.assign(snapshot, { schema: Hostile })],
    ['a member of its own', (snapshot) => Object.assign(snapshot, { [Hostile]: 1 })],
    ["the machine's name", (snapshot) => Object.assign(snapshot['machine']!, { name: Hostile })],
    [
      'an option of the machine',
      (snapshot) => Object.assign(snapshot['machine']!, { options: { [Hostile]: Hostile } }),
    ],
    ["a device's name", (snapshot) => Object.assign(snapshot['devices']![0]!, { id: Hostile })],
    ["a device's type", (snapshot) => Object.assign(snapshot['devices']![0]!, { type: Hostile })],
    ["a device's place", (snapshot) => Object.assign(snapshot['devices']![0]!, { place: { address: Hostile } })],
    ["a device's field", (snapshot) => Object.assign(snapshot['devices']![0]!, { fields: { [Hostile]: Hostile } })],
    ['the clock', (snapshot) => Object.assign(snapshot['clock']!, { now: Hostile })],
    ['the memory', (snapshot) => Object.assign(snapshot, { memory: { [Hostile]: Hostile } })],
    ['the processors', (snapshot) => Object.assign(snapshot['accelerator']!, { [Hostile]: Hostile })],
  ];

  it.each(ways)('is shown as escapes: %s', async (_, spoil) => {
    await backplane('run', guest, '-machine', 'isapc', '-m', '1', '-save', saved);
    const snapshot = JSON.parse(readFileSync(saved, 'utf8')) as Record<string, never>;
    spoil(snapshot);
    const path = file('spoilt.json', JSON.stringify(snapshot));
    for (const words of [
      ['run', guest],
      ['info', 'mtree'],
    ]) {
      const spoken = await backplane(...words, '-machine', 'isapc', '-loadvm', path);
      expect(spoken).toMatchObject({ status: 1, printed: '' });
      expect(spoken.noted).not.toContain('unexpected failure');
      expectHarmless(spoken);
    }
  });

  it.each(['$(touch pwned)', '`id`', 'a b', "a'b", 'a;b', 'a|b', 'a>b', '*'])(
    'is in no advice where it is no plain word: %s',
    async (name) => {
      await backplane('run', guest, '-machine', 'isapc', '-m', '1', '-save', saved);
      const fresh = () => JSON.parse(readFileSync(saved, 'utf8')) as { machine: { name: string }; devices: object[] };
      const other = fresh();
      other.machine.name = name;
      const more = fresh();
      more.devices.push({ ...more.devices[0], id: name, type: 'edu', place: { address: name } });
      for (const snapshot of [other, more]) {
        const { noted } = await backplane(
          'info',
          'mtree',
          '-loadvm',
          file('advice.json', JSON.stringify(snapshot)),
          '-machine',
          'isapc',
        );
        const advice = noted.slice(noted.search(/Write: |Add to the command line: |Give the plugin/));
        expect(noted).toMatch(/Write: -machine MACHINE$|Add to the command line: -device DEVICE$/);
        expect(advice).not.toContain(name);
      }
      const words = await backplane('-device', `edu,x=${name}`);
      expect(words.noted).toContain("'backplane run FILE.ts -device DEVICE'");
    },
  );
});

describe('a word of an advice', () => {
  it('is the name where a shell takes it for one word, and no option', () => {
    for (const name of ['pc', './a b.ts', 'edu,id=x,addr=05.0', '@me/fork@^1.2', '-rf', '~x', '', 'a\\b'])
      expect(shellWord(name, 'NAME')).toBe(/^(pc|edu,.*|@.*)$/.test(name) ? name : 'NAME');
  });
});

describe('text of a plugin or a program', () => {
  const text = JSON.stringify(Hostile);
  const device = (parts: { type?: string; construct?: string; write?: string; option?: string }) => `
import { defineOptions, device, IsaDevice, option, options, portRegion } from 'backplane';
const ports = portRegion({ name: ${text}, base: 0x300, size: 1, accessSizes: [1] });
const own = defineOptions({ level: option.integer({ default: 0, range: [0, 1], description: ${text} }) });
@device({ type: ${parts.type ?? "'hostile'"}, description: ${text} })
export class HostileDevice extends IsaDevice {
  constructor(@options(own) readonly config: object) { super(); ${parts.construct ?? ''} }
  @ports.write(0) write(value: number) { ${parts.write ?? ''} }
}
`;
  const guest = () =>
    file(
      'touch.ts',
      `import { guestProgram } from 'backplane/runtime';\nexport default guestProgram(${text}, function* (guest) {\n  yield* guest.out8(0x300, 1);\n});\n`,
    );
  const run = (plugin: string, ...words: string[]) =>
    backplane('run', guest(), '-machine', 'isapc', '-plugin', plugin, '-device', 'hostile', ...words);

  it.each<[string, string, (plugin: string) => Promise<Spoken>]>([
    ['descriptions in a list', device({}), (plugin) => backplane('-plugin', plugin, '-device', 'help')],
    ['options in a list', device({}), (plugin) => backplane('-plugin', plugin, '-device', 'hostile,help')],
    ['a reference', device({}), (plugin) => backplane('doc', '-plugin', plugin, '-device', 'hostile')],
    ['a reference as JSON', device({}), (plugin) => backplane('doc', '-plugin', plugin, '-device', 'hostile', '-json')],
    ['a map', device({}), (plugin) => backplane('info', 'mtree', '-plugin', plugin, '-device', 'hostile')],
    ['a tree', device({}), (plugin) => backplane('info', 'qtree', '-plugin', plugin, '-device', 'hostile')],
    ['a type', device({ type: text }), (plugin) => backplane('-plugin', plugin)],
    ['an error while it is loaded', `throw new Error(${text});`, (plugin) => backplane('-plugin', plugin)],
    ['what is no Error', `throw ${text};`, (plugin) => backplane('-plugin', plugin)],
    ['the names of exports', `export { a as ${text} };\nconst a = 1;`, (plugin) => backplane('-plugin', plugin)],
    ['an error of a constructor', device({ construct: `throw new Error(${text});` }), (plugin) => run(plugin)],
    ['an error of a handler', device({ write: `throw new Error(${text});` }), (plugin) => run(plugin)],
    ['an error with its stack', device({ write: `throw new Error(${text});` }), (plugin) => run(plugin, '-verbose')],
    ['a guest error', device({ write: `this.guestError(${text});` }), (plugin) => run(plugin)],
    ['a trace', device({}), (plugin) => run(plugin, '-trace')],
    [
      'a machine',
      `import { isapc } from 'backplane/machines';\nexport const machine = { ...isapc, name: ${text} };`,
      (plugin) => backplane('-plugin', plugin),
    ],
    [
      "a machine's description",
      `import { isapc } from 'backplane/machines';\nexport const machine = { ...isapc, name: 'mine', description: ${text}, aliases: [] };`,
      (plugin) => backplane('-plugin', plugin),
    ],
    [
      'an observer',
      `import { defineObserver } from 'backplane/runtime';\nexport const watch = defineObserver({ name: ${text}, description: ${text}, start() { throw new Error(${text}); } });`,
      (plugin) => backplane('info', 'qtree', '-plugin', plugin),
    ],
  ])('is shown as escapes: %s', async (_, source, speak) => {
    const spoken = await speak(file('plugin.ts', source));
    expect(spoken.printed + spoken.noted).not.toBe('');
    expectHarmless(spoken);
  });

  it('is the same in JSON, where an escape is the character', async () => {
    const { printed } = await backplane('-plugin', file('plugin.ts', device({})), '-device', 'hostile,help', '-json');
    expect(printed).not.toMatch(steering);
    expect(JSON.stringify(JSON.parse(printed))).toContain(JSON.stringify(Hostile).slice(1, -1));
  });
});

describe('a terminal', () => {
  it('shows in bold what the command made bold, and nothing that came from elsewhere', () => {
    const said: string[] = [];
    const say = (text: string) => void said.push(text);
    const terminal = safeTerminal({ print: say, note: say, progress: say, bold: (text) => `\x1b[1m${text}\x1b[0m` });
    terminal.print(`${terminal.bold('Title')}\nrow \x1b[1mloud\x1b[0m`);
    terminal.note('first\nsecond');
    terminal.note('first\n  second');
    terminal.progress('10 %\r\n');
    expect(said).toEqual([
      '\x1b[1mTitle\x1b[0m\nrow \\u001b[1mloud\\u001b[0m',
      'first\n  second',
      'first\n  second',
      '10 %\\u000d\\u000a',
    ]);
  });
});
