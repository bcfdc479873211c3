// @module-tag slow
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { knownDevices } from '../../sdk/cli/catalogue.ts';
import { backplane } from '../cli/fake-terminal.ts';
import { blocksOf, claimsOf, outputsOf } from './guide.ts';
import { guideNames, guidesFolder, readGuide } from './pages.ts';
import { checkout, readerFolder } from './reader-folder.ts';

/** What the compiler says about all of it. */
function compile(folder: string): Promise<string> {
  const { paths: own } = (
    JSON.parse(readFileSync(join(checkout, 'tsconfig.json'), 'utf8')) as {
      compilerOptions: { paths: Record<string, string[]> };
    }
  ).compilerOptions;
  const paths = Object.entries(own).map(([name, files]) => [name, files.map((file) => join(checkout, file))]);
  const compilerOptions = { typeRoots: [join(checkout, 'node_modules/@types')], paths: Object.fromEntries(paths) };
  const settings = { extends: join(checkout, 'tsconfig.json'), compilerOptions, include: ['*.ts'] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'wrong.ts'), "const wrong: number = 'x';\nexport default wrong;\n");
  const words = [join(checkout, 'node_modules/typescript/bin/tsc'), '--noEmit', '--pretty', 'false', '-p', '.'];
  return new Promise((resolve) => {
    execFile(process.execPath, words, { cwd: folder }, (_, stdout) => resolve(stdout));
  });
}

const MeanChecks = 4;

describe('the guides', () => {
  const folder = readerFolder();
  let complaints: Promise<string>;
  // The compiler runs beside the tests.
  beforeAll(() => {
    complaints = compile(folder);
  });

  // Guides were parted into pages of at most 150 lines, so that a page alone has few.
  it('have four claims, shown texts and outputs a page, taken together', () => {
    const shown = (text: string) => blocksOf(text).filter(({ kind }) => kind === 'shows').length;
    const texts = guideNames.map(readGuide);
    const all = texts.reduce((sum, text) => sum + claimsOf(text) + shown(text) + outputsOf(text), 0);
    expect(all / guideNames.length).toBeGreaterThanOrEqual(MeanChecks);
  });

  it('show code that compiles with the strict settings of the house', async () => {
    // One mistake of ours shows that the compiler looks.
    expect((await complaints).trim().split('\n')).toEqual([expect.stringMatching(/^wrong\.ts\(1,7\): error TS2322/)]);
  });

  it.each(guideNames)('%s has no code that nothing checks', (name) => {
    const kinds = blocksOf(readGuide(name)).map(({ kind, language }) => `${kind} ${language}`.trim());
    const checked = ['ts', 'file ts', 'refused ts', 'message text', 'shows text', 'output text', 'output markdown'];
    // Files that commands read, settings that another test compares, and lines for a terminal.
    checked.push('file text', 'settings json', 'written typescript', 'sh');
    expect(kinds.filter((kind) => !checked.includes(kind))).toEqual([]);
  });

  it('tell the settings of a project as `new device` writes them', async () => {
    await backplane('new', 'device', 'settings');
    const settings = blocksOf(readGuide(guideNames[0] as string)).find(({ kind }) => kind === 'settings');
    const written = JSON.parse(readFileSync(join(folder, 'settings/tsconfig.json'), 'utf8'));
    expect(written.compilerOptions).toMatchObject(JSON.parse(settings?.content ?? '{}').compilerOptions);
  });

  it('show files of a project as `new device` writes them', async () => {
    await backplane('new', 'device', 'my-card', '-pci', '-driver');
    const shown = guideNames.flatMap((name) => blocksOf(readGuide(name)).filter(({ kind }) => kind === 'written'));
    expect(shown.length).toBeGreaterThan(0);
    for (const { what, content } of shown) expect(readFileSync(join(folder, what), 'utf8')).toContain(content);
  });
});

const references = join(guidesFolder, 'reference');
const deviceNames = (await knownDevices()).map(({ metadata }) => metadata.type);
/** Some file systems take two names that differ in case for one. */
const pageOf = (type: string): string => `${type.toLowerCase()}.md`;

describe('the register references', () => {
  // `npx vitest run test/guides -u` writes them.
  it.each(deviceNames)('%s is what the declaration says', async (type) => {
    const { status, noted, printed } = await backplane('doc', '-device', type);
    expect({ status, noted }).toEqual({ status: 0, noted: '' });
    const note = `<!-- Made by 'backplane doc -device ${type}'. -->\n`;
    await expect(`${note}${printed}\n`).toMatchFileSnapshot(join(references, pageOf(type)));
  });

  it('are there for the devices of the house and no others, with a list of them', async () => {
    const rows = (await knownDevices()).map(
      ({ metadata: { type, description, bus } }) => `| [${type}](${pageOf(type)}) | ${description} | ${bus} |`,
    );
    const list = ['# The devices of the package', ['| device | | bus |', '| --- | --- | --- |', ...rows].join('\n')];
    const note = "<!-- Made from the declarations, as 'backplane doc' lists them. -->\n";
    const codes = 'The codes of all errors: [error-codes.md](error-codes.md).';
    await expect(`${note}${[...list, codes].join('\n\n')}\n`).toMatchFileSnapshot(join(references, 'README.md'));
    const pages = ['README.md', 'error-codes.md', ...deviceNames.map(pageOf)];
    expect(readdirSync(references).sort()).toEqual(pages.sort());
  });
});
