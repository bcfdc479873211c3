// @module-tag slow
import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { backplane, expectRefused } from '../../cli/fake-terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'backplane-snapshot-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** 500 MiB long, and not a block of them on the disk. */
function hugeFile(): string {
  const path = file('huge.json', '');
  truncateSync(path, 500 * 2 ** 20);
  return path;
}

const program = (steps: string) =>
  `import { guestProgram } from 'backplane/runtime';\nexport default guestProgram('clock', function* (guest) {\n${steps}\n});\n`;
const readClock = file(
  'read-clock.ts',
  program('for (let n = 0; n < 10; n++) {\n yield* guest.out8(0x70, n);\n yield* guest.in8(0x71);\n }'),
);

/** One clear message, exit status 1, no stack. */
async function refused(...words: string[]): Promise<string> {
  const { status, noted } = await backplane(...words);
  expect(status).toBe(1);
  expect(noted).toMatch(/^backplane: /);
  expect(noted).not.toMatch(/\n\s+at /);
  expect(noted).not.toContain('unexpected failure');
  return noted;
}

describe('backplane run --save and -loadvm', () => {
  it('stop a guest at one place and go on there in another process, to the same end', async () => {
    const [saved, end, whole] = ['at-7.json', 'end.json', 'whole.json'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    const first = await backplane('run', readClock, '-m', '1', '-limit', '7', '--save', saved);
    expect(first).toMatchObject({ status: 0, noted: '' });
    const second = await backplane('run', readClock, '-loadvm', saved, '--save', end, '--json');
    expect(second.status).toBe(0);
    expect(JSON.parse(second.printed)).toMatchObject({
      outcome: { reason: 'finished', operations: 13 },
      exits: { userspaceExits: 10 },
    });
    await backplane('run', readClock, '-m', '1', '--save', whole);
    const operations = (path: string) => JSON.parse(readFileSync(path, 'utf8')).accelerator.processors[0].guest.log;
    expect(operations(end)).toEqual(operations(whole));
  });

  it('say when a guest has done too much to be saved, once and in the middle of its run, restored or not', async () => {
    const busy = file('busy.ts', program('while (true) {\n yield* guest.cli();\n yield* guest.sti();\n }'));
    const early = join(folder, 'early.json');
    expect(await backplane('run', busy, '-m', '1', '-limit', '9', '--save', early)).toMatchObject({ noted: '' });
    for (const start of [[], ['-loadvm', early]]) {
      const words = ['run', busy, '-m', '1', ...start, '-limit', '1000100'];
      const { status, noted } = await backplane(...words, '--save', join(folder, 'late.json'));
      expect(status).toBe(1);
      expect(noted).toMatch(/^warning: Guest program 'clock' .*-limit ends a run earlier\.\nbackplane: /);
      expect(noted.match(/warning/g)).toHaveLength(1);
    }
    expect(existsSync(join(folder, 'late.json'))).toBe(false);
  });

  it('trace only what happens after the snapshot', async () => {
    const saved = join(folder, 'traced.json');
    await backplane('run', readClock, '-m', '1', '-limit', '18', '--save', saved);
    const { printed } = await backplane('run', readClock, '-loadvm', saved, '--trace');
    expect(printed.split('\n').filter((line) => / us {2}(out|in)8 /.test(line))).toHaveLength(2);
  });

  it('leave the file that was there when they cannot write a whole one', async () => {
    const there = file('there.json', '');
    await backplane('run', readClock, '-m', '1', '--save', there);
    const before = readFileSync(there, 'utf8');
    const alien = file(
      'alien.ts',
      'export default { name: "alien", start: () => ({ name: "alien", next() { throw new Error("no"); }, interrupt() {} }) };',
    );
    expect(await refused('run', alien, '--save', there)).toContain('no');
    expect(readFileSync(there, 'utf8')).toBe(before);
    expect(readdirSync(folder).filter((name) => name.includes('partial'))).toEqual([]);
  });

  it('write over a snapshot, where a name that leads to it goes on doing so', async () => {
    const [there, link] = [join(folder, 'over.json'), join(folder, 'link.json')];
    await backplane('run', readClock, '-m', '1', '-limit', '3', '--save', there);
    symlinkSync(there, link);
    const { status } = await backplane('run', readClock, '-loadvm', there, '--save', link);
    expect(status).toBe(0);
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(JSON.parse(readFileSync(there, 'utf8')).accelerator.processors[0].finished).toBe(true);
  });

  it('know a snapshot that an editor gave a byte order mark', async () => {
    const there = join(folder, 'marked.json');
    await backplane('run', readClock, '-m', '1', '-limit', '3', '-save', there);
    writeFileSync(there, `\ufeff${readFileSync(there, 'utf8')}`);
    expect((await backplane('run', readClock, '-m', '1', '-loadvm', there, '-save', there)).status).toBe(0);
    const recording = file('marked.iotrace', '\ufeff# iotrace v1\n0 PW 70 1 8f\n');
    expect(await refused('run', readClock, '-loadvm', recording)).toContain('backplane replay');
  });

  it.each<[string, () => string, string]>([
    ['a file that is no snapshot', () => file('precious.ts', 'const a = 1;'), 'file-exists'],
    ['a folder', () => folder, 'not-a-file'],
    ['a file in no folder', () => join(folder, 'no', 'such.json'), 'file-not-found'],
    ['a device', () => '/dev/null', 'not-a-file'],
    ['no name', () => `${folder}/`, 'invalid-file-name'],
  ])('refuse before anything runs to save into %s', async (_, target, code) => {
    const path = target();
    expectRefused(await backplane('run', readClock, '--trace', '--save', path), code, `-save '${path}': `);
  });
});

describe('a snapshot file that is none is refused with status 1', () => {
  const loaded = (path: string) => backplane('run', readClock, '-loadvm', path);

  const wide = Buffer.from('\ufeff{ "schema": "backplane-snapshot/2" }', 'utf16le');
  it.each<[string, () => string, string | undefined, string]>([
    ['no file', () => join(folder, 'nothing.json'), 'file-not-found', 'nothing.json'],
    ['a folder', () => folder, 'not-a-file', folder],
    ['an empty file', () => file('empty.json', ''), 'not-a-snapshot', 'empty.json'],
    ['a recording', () => file('boot.iotrace', '# a boot\n0 PW 70 1 0b\n'), 'not-a-snapshot', "'backplane replay "],
    [
      'a packed recording',
      () => file('boot.iotrace.gz', Buffer.from([0x1f, 0x8b, 8, 0])),
      'not-a-snapshot',
      "'backplane replay ",
    ],
    [
      'bytes that are no text',
      () => file('latin.json', Buffer.from('{ "schema": "backplane-snapshot/2", "x": "\xff" }', 'latin1')),
      'snapshot-damaged',
      'UTF-8',
    ],
    ...[wide, Buffer.from(wide).swap16(), wide.subarray(2), Buffer.from(wide.subarray(2)).swap16()].map(
      (bytes, index) =>
        [`UTF-16, form ${index + 1}`, () => file('wide.json', bytes), 'not-a-snapshot', 'iconv -f UTF-16 -t UTF-8'] as [
          string,
          () => string,
          string,
          string,
        ],
    ),
    [
      'a snapshot with a letter too many',
      () => file('typo.json', '{ "schema": "backplane-snapshot/2", x }'),
      'snapshot-damaged',
      'JSON',
    ],
    ['an endless device', () => '/dev/zero', 'not-a-file', '/dev/zero'],
    ['no JSON', () => file('text.json', 'hello'), 'not-a-snapshot', 'JSON'],
    [
      'half of a JSON value',
      () => file('half.json', '{"schema": "backplane-snapshot/2", "machine": {'),
      'snapshot-damaged',
      '47',
    ],
    ['bytes', () => file('bytes.json', '\u0000\u0001'), 'not-a-snapshot', 'JSON'],
    ['another JSON value', () => file('other.json', '{"name": "x"}'), undefined, 'other.json'],
    ['a list', () => file('list.json', '[[[]]]'), undefined, 'list.json'],
    ['nothing at all', () => file('null.json', 'null'), undefined, 'null.json'],
    [
      'a snapshot without a machine',
      () => file('bare.json', '{"schema": "backplane-snapshot/2"}'),
      undefined,
      "'machine'",
    ],
    [
      'a machine without a name',
      () => file('nameless.json', '{"schema": "backplane-snapshot/2", "machine": {"name": 7}}'),
      undefined,
      "'machine.name'",
    ],
    ['a file that is far too large', () => hugeFile(), 'file-too-large', '419,430,400'],
    ['deep nesting', () => file('deep.json', `${'['.repeat(20_000)}${']'.repeat(20_000)}`), undefined, 'deep.json'],
  ])('%s', async (_, path, code, named) => {
    expect(expectRefused(await loaded(path()), code, named)).not.toContain('undefined');
  });

  it('another machine, with the difference', async () => {
    const saved = join(folder, 'isapc.json');
    await backplane('run', readClock, '-machine', 'isapc', '-m', '1', '--save', saved);
    expect(existsSync(saved)).toBe(true);
    const said = expectRefused(await loaded(saved), undefined, saved, "'machine.name'", "'pc-i440fx'", '"isapc"');
    expect(said).toMatch(/-machine isapc$/);
  });

  it('another program, at the operation that differs', async () => {
    const saved = join(folder, 'program.json');
    await backplane('run', readClock, '-m', '1', '-limit', '5', '--save', saved);
    const other = file('other.ts', program(' yield* guest.out8(0x70, 1);'));
    const { noted } = await backplane('run', other, '-loadvm', saved);
    expect(noted).toMatch(/'clock'.*out8 at 0x70.*operation 1/);
  });

  it('a machine with other devices, with the words that are missing', async () => {
    const saved = join(folder, 'devices.json');
    const device = ['-device', 'edu,id=card,addr=05.0,dma_mask=0xfff'];
    await backplane('run', readClock, '-m', '1', ...device, '--save', saved);
    const said = expectRefused(await loaded(saved), undefined, saved, "device 'card'", '"edu"');
    expect(said).toMatch(/-device edu,id=card,addr=05\.0$/);
    const other = ['-device', 'edu,id=card,addr=05.0'];
    const differs = await backplane('run', readClock, '-loadvm', saved, ...other);
    const named = ["device 'card', 'options.dmaMask'", '"268435455"', '"4095"', '-machine, -device and -global'];
    expectRefused(differs, undefined, saved, ...named);
    const { status } = await backplane('run', readClock, '-loadvm', saved, ...device);
    expect(status).toBe(0);
  });

  it('a snapshot whose values no machine has, with the file and the place', async () => {
    const saved = join(folder, 'edited.json');
    await backplane('run', readClock, '-m', '1', '--save', saved);
    const text = readFileSync(saved, 'utf8');
    const edited = file('edited.json', text.replace('"ram": 1048576', '"ram": 12'));
    expectRefused(await loaded(edited), undefined, edited, "'pc-i440fx'", "'machine.ram'", '12');
    const odd = file('odd.json', text.replace('"resetControl": "behind"', '"resetControl": "sideways"'));
    expectRefused(await loaded(odd), undefined, "'machine.options.resetControl'", 'overlay', '"sideways"');
  });

  it('a device of a newer class, and RAM of another size', async () => {
    const saved = join(folder, 'newer.json');
    await backplane('run', readClock, '-m', '1', '--save', saved);
    const newer = file('newer-edited.json', readFileSync(saved, 'utf8').replace('"version": 1', '"version": 7'));
    expectRefused(await loaded(newer), undefined, 'version 7', "of '");
    const larger = await backplane('run', readClock, '-m', '2', '-loadvm', saved);
    expectRefused(larger, undefined, "'machine.ram'", '2097152', '1048576', '-m');
  });

  it('other options of the machine', async () => {
    const saved = join(folder, 'options.json');
    await backplane('run', readClock, '-m', '1', '--save', saved);
    const other = await backplane('run', readClock, '-machine', 'pc,reset-control=overlay', '-loadvm', saved);
    expectRefused(other, undefined, "'machine.options.resetControl'", '"overlay"');
  });
});
