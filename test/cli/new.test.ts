import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backplane } from './fake-terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'backplane-new-'));
const before = process.cwd();
beforeAll(() => process.chdir(folder));
afterAll(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true, force: true });
});

async function refused(...words: string[]): Promise<string> {
  const present = readdirSync(folder).sort();
  const { status, printed, noted } = await backplane('new', ...words);
  expect({ status, printed }).toEqual({ status: 1, printed: '' });
  expect(noted).not.toContain('unexpected failure');
  expect(readdirSync(folder).sort()).toEqual(present);
  return noted;
}

const description = (name: string) =>
  JSON.parse(readFileSync(join(folder, name, 'package.json'), 'utf8')) as Record<string, Record<string, string>>;

describe('backplane new', () => {
  it('writes a project whose files say what they are called', async () => {
    const { status, printed } = await backplane('new', 'device', 'egg-timer', '--json');
    expect(status).toBe(0);
    const { files } = JSON.parse(printed) as { files: string[] };
    expect(files).toContain('src/egg-timer.ts');
    expect(files).toContain('test/egg-timer.test.ts');
    expect(readFileSync(join(folder, 'egg-timer/src/egg-timer.ts'), 'utf8')).toContain('export class EggTimer ');
    for (const file of files)
      expect(readFileSync(join(folder, 'egg-timer', file), 'utf8')).not.toMatch(/\{\{|__name__/);
  });

  it('whose device can be plugged in as it is', async () => {
    await backplane('new', 'device', 'latch-4');
    const { printed } = await backplane(
      'info',
      'qtree',
      '-machine',
      'isapc',
      '-plugin',
      './latch-4',
      '-device',
      'latch-4,irq=9',
    );
    expect(printed).toContain('dev: latch-4');
  });

  it('depends on the checkout that it was run from, or on what --backplane says', async () => {
    await backplane('new', 'machine', 'board-a');
    expect(description('board-a')['dependencies']?.['backplane']).toBe(`file:${before}`);
    await backplane('new', 'machine', 'board-b', '--backplane', '1.2.3');
    expect(description('board-b')['dependencies']?.['backplane']).toBe('1.2.3');
    writeFileSync('b.tgz', '');
    await backplane('new', 'machine', 'board-c', '--backplane', './b.tgz');
    expect(description('board-c')['dependencies']?.['backplane']).toMatch(/^file:\/.*\/b\.tgz$/);
  });

  it('never writes over anything', async () => {
    mkdirSync('mine');
    expect(await refused('device', 'mine')).toContain("'mine' is there already");
    writeFileSync('file-of-mine', 'text');
    expect(await refused('machine', 'file-of-mine')).toContain('is there already');
    expect(readFileSync('file-of-mine', 'utf8')).toBe('text');
    expect(existsSync(join(folder, 'mine', 'package.json'))).toBe(false);
  });

  it.each([
    'My-Uart',
    '../escape',
    'a/b',
    'a b',
    '-x',
    '9lives',
    'dash-',
    'a--b',
    '',
    'ünlaut',
    'a'.repeat(65),
    '.hidden',
    'a;rm',
  ])('refuses the name %j', async (name) => {
    expect(await refused('device', '--', name)).toContain('write lower-case words with dashes between them');
  });

  it.each(['con', 'prn', 'aux', 'nul', 'com1', 'lpt9'])('refuses the name %s, which Windows keeps', async (name) => {
    for (const kind of ['device', 'machine']) {
      const { noted } = await backplane('new', kind, name);
      expect(noted).toBe(
        `backplane: new ${kind} '${name}': Windows has a device of that name and takes no folder so called. Choose another.`,
      );
    }
    expect(existsSync(join(folder, name))).toBe(false);
  });

  it('takes words of JavaScript, of which only the names of classes and variables are made', async () => {
    for (const name of ['switch', 'class', 'default', 'constructor']) {
      expect((await backplane('new', 'device', name)).status).toBe(0);
      const text = readFileSync(join(folder, name, 'src', `${name}.ts`), 'utf8');
      const Class = `${name[0]?.toUpperCase()}${name.slice(1)}`;
      expect(text).toContain(`export class ${Class} extends`);
      expect(text).toContain(`export const ${name}Options = `);
      const listed = await backplane('-plugin', join(folder, name), '-device', `${name},help`);
      expect(listed).toMatchObject({ status: 0, noted: '' });
    }
  });

  it.each(['vitest', 'backplane', 'object', 'promise'])('refuses the name %s, which is taken', async (name) => {
    expect(await refused('device', name)).toContain('Choose another.');
  });

  it.each([
    ['device', 'timer', "its class would be Timer, which the project takes from 'backplane'"],
    ['device', 'isa-device', 'its class would be IsaDevice'],
    ['device', 'options-of', 'its class would be OptionsOf'],
    ['device', 'define', "its const would be defineOptions, which the project takes from 'backplane'"],
    ['device', 'edu', "the package has a device 'edu'"],
    ['device', 'piix3', "the package has a device 'PIIX3'"],
    ['machine', 'pc', "the package has a machine 'pc'"],
    ['machine', 'isapc', "the package has a machine 'isapc'"],
  ])('refuses new %s %s, which would be taken for another', async (kind, name, message) => {
    const text = await refused(kind, name);
    expect(text).toContain(message);
    expect(text).toContain('Choose another.');
  });

  it('lets a machine have a name that would be taken as a class', async () => {
    expect((await backplane('new', 'machine', 'timer')).status).toBe(0);
    expect((await backplane('new', 'device', 'edu-2')).status).toBe(0);
  });

  it.each([
    [['devcie', 'x'], "Did you mean 'device'?"],
    [[], 'new what?'],
    [['device'], 'what is it called?'],
    [['device', 'a', 'b'], 'takes one name'],
    [['device', 'a', '--backplane', './nothing.tgz'], 'there is no such file'],
    [['device', 'a', '--backplane', 'a"b'], 'not a specifier'],
    [['device', 'a', '--backplane', '$(rm)'], 'not a specifier'],
    [['device', 'a', '--backplane', '.'], 'there is no package.json of backplane in that folder'],
    [['device', 'a', '--backplane', 'backplane@1'], 'write the version alone: -backplane 1'],
    [['device', 'a', '--backplane', '@my/fork@^1.2'], 'npm:@my/fork@^1.2'],
  ])('%s', async (words, message) => {
    expect(await refused(...words)).toContain(message);
  });
});
