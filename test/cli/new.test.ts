import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { backplane, expectRefused } from './fake-terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'backplane-new-'));
const before = process.cwd();
beforeAll(() => process.chdir(folder));
afterAll(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true, force: true });
});

/** Refused with this code, in a message that names these things; nothing was written. */
async function refused(words: readonly string[], code: string, ...named: string[]): Promise<void> {
  const present = readdirSync(folder).sort();
  expectRefused(await backplane('new', ...words), code, ...named);
  expect(readdirSync(folder).sort()).toEqual(present);
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

  it('writes a card with a Linux driver, and their test, where that is asked for', async () => {
    const { printed } = await backplane('new', 'device', 'root-card', '-pci', '-driver', '-json');
    const { files } = JSON.parse(printed) as { files: string[] };
    expect(files).toEqual(
      expect.arrayContaining(['driver/root-card.c', 'test/root-card.linux.test.ts', 'test/root-card.test.ts']),
    );
    expect(readFileSync(join(folder, 'root-card/README.md'), 'utf8')).toContain('backplane fetch qemu headers');
    for (const file of files)
      expect(readFileSync(join(folder, 'root-card', file), 'utf8')).not.toMatch(/\{\{|__name__/);
    const plain = JSON.parse((await backplane('new', 'device', 'plain-card', '-pci', '-json')).printed) as {
      files: string[];
    };
    expect(plain.files.filter((file) => /driver|linux/.test(file))).toEqual([]);
    // What the guide shows of it.
    await backplane('new', 'device', 'my-card', '-pci', '-driver');
    const guide = readFileSync(join(before, 'sdk/guides/44-your-driver-in-ci.md'), 'utf8');
    const shown = /```typescript\n([\s\S]*?)```/.exec(guide)?.[1] as string;
    expect(readFileSync(join(folder, 'my-card/test/my-card.linux.test.ts'), 'utf8')).toContain(shown);
    await refused(['device', 'x-card', '-driver'], 'misplaced-argument', '-pci -driver');
    await refused(['machine', 'x-board', '-pci'], 'misplaced-argument', 'for a device');
  });

  it('says where the project cannot be compiled before a checkout is built', async () => {
    mkdirSync('checkout');
    writeFileSync('checkout/package.json', '{"name": "backplane"}');
    const unbuilt = await backplane('new', 'device', 'early-card', '-backplane', './checkout');
    expect(unbuilt.status).toBe(0);
    expect(unbuilt.noted).toMatch(/^warning: .*not built.* \(cd .*\/checkout && npm ci && npm run build\)$/s);
    mkdirSync('checkout/dist');
    const built = await backplane('new', 'device', 'late-card', '-backplane', './checkout');
    expect([built.status, built.noted]).toEqual([0, '']);
    expect(description('late-card')['dependencies']).toEqual(description('early-card')['dependencies']);
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
    await refused(['device', 'mine'], 'file-exists', "'mine'");
    writeFileSync('file-of-mine', 'text');
    await refused(['machine', 'file-of-mine'], 'file-exists', "'file-of-mine'");
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
    await refused(['device', '--', name], 'invalid-project-name', `'${name}'`);
  });

  it.each(['con', 'prn', 'aux', 'nul', 'com1', 'lpt9'])('refuses the name %s, which Windows keeps', async (name) => {
    for (const kind of ['device', 'machine']) {
      await refused([kind, name], 'invalid-project-name', `new ${kind} '${name}'`, 'Windows');
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
    await refused(['device', name], 'invalid-project-name', `'${name}'`);
  });

  it.each([
    ['device', 'timer', 'Timer', "'backplane'"],
    ['device', 'isa-device', 'IsaDevice', "'backplane'"],
    ['device', 'options-of', 'OptionsOf', "'backplane'"],
    ['device', 'define', 'defineOptions', "'backplane'"],
    ['device', 'edu', "device 'edu'"],
    ['device', 'piix3', "device 'PIIX3'"],
    ['machine', 'pc', "machine 'pc'"],
    ['machine', 'isapc', "machine 'isapc'"],
  ])('refuses new %s %s, which would be taken for another', async (kind, name, ...named) => {
    await refused([kind, name], 'invalid-project-name', ...named);
  });

  it('lets a machine have a name that would be taken as a class', async () => {
    expect((await backplane('new', 'machine', 'timer')).status).toBe(0);
    expect((await backplane('new', 'device', 'edu-2')).status).toBe(0);
  });

  it.each([
    [['devcie', 'x'], 'unknown-operand', "'device'"],
    [[], 'missing-operand', 'backplane new device my-uart'],
    [['device'], 'missing-operand', 'new device NAME'],
    [['device', 'a', 'b'], 'too-many-operands', "'b'"],
    [['device', 'a', '--backplane', './nothing.tgz'], 'file-not-found', './nothing.tgz'],
    [['device', 'a', '--backplane', 'a"b'], 'invalid-package-specifier', 'a"b'],
    [['device', 'a', '--backplane', '$(rm)'], 'invalid-package-specifier', '$(rm)'],
    [['device', 'a', '--backplane', '.'], 'invalid-package-specifier', 'package.json'],
    [['device', 'a', '--backplane', 'backplane@1'], 'invalid-package-specifier', '-backplane 1'],
    [['device', 'a', '--backplane', '@my/fork@^1.2'], 'invalid-package-specifier', 'npm:@my/fork@^1.2'],
  ])('%s', async (words, code, named) => {
    await refused(words, code, named);
  });
});
