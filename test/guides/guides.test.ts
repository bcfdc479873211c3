import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { knownDevices } from '../../sdk/cli/catalogue.ts';
import { backplane } from '../cli/fake-terminal.ts';
import { blocksOf, claimsOf, filesOf, GuideRun, renderGuide } from './guide.ts';
import { guideNames, guidesFolder, readGuide } from './pages.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'backplane-guides-'));
const here = process.cwd();
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Writes a guide's files as a reader would who types them in. */
function write(name: string): void {
  for (const [file, code] of filesOf(readGuide(name), 'as printed')) {
    writeFileSync(join(folder, file === 'guide.ts' ? name.replace('.md', '.ts') : file), code);
  }
}

/** What the compiler says about all of it, while the guides run. */
function compile(): Promise<string> {
  const { paths: own } = (
    JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8')) as {
      compilerOptions: { paths: Record<string, string[]> };
    }
  ).compilerOptions;
  const paths = Object.entries(own).map(([name, files]) => [name, files.map((file) => join(root, file))]);
  const compilerOptions = { typeRoots: [join(root, 'node_modules/@types')], paths: Object.fromEntries(paths) };
  const settings = { extends: join(root, 'tsconfig.json'), compilerOptions, include: ['*.ts'] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'wrong.ts'), "const wrong: number = 'x';\nexport default wrong;\n");
  const words = [join(root, 'node_modules/typescript/bin/tsc'), '--noEmit', '--pretty', 'false', '-p', '.'];
  return new Promise((resolve) => {
    execFile(process.execPath, words, { cwd: folder }, (_, stdout) => resolve(stdout));
  });
}

/** What its machine does in a page is tested in a browser. */
const BrowserGuide = '40-a-machine-in-a-page.md';
const MeanChecks = 4;
const outputsOf = (text: string): number => blocksOf(text).filter(({ kind }) => kind === 'output').length;

let complaints: Promise<string>;

describe('the guides', () => {
  beforeAll(() => {
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    for (const name of guideNames) write(name);
    process.chdir(folder);
    complaints = compile();
  });

  afterAll(() => process.chdir(here));

  // `npx vitest run test/guides -u` brings what they print up to date.
  it.each(guideNames)(
    '%s: the code runs, every claim holds, and what is printed is what is said',
    async (name) => {
      const text = readGuide(name);
      const run = new GuideRun(text);
      await run.finished();
      expect(run.claims.length).toBe(claimsOf(text));
      const checks = run.claims.length + run.tests.length + run.shown.length + outputsOf(text);
      expect(checks).toBeGreaterThanOrEqual(name === BrowserGuide ? 1 : 2);
      await expect(await renderGuide(text, run)).toMatchFileSnapshot(join(guidesFolder, name));
    },
    120_000,
  );

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
    checked.push('file text', 'settings json', 'sh');
    expect(kinds.filter((kind) => !checked.includes(kind))).toEqual([]);
  });

  it('tell the settings of a project as `new device` writes them', async () => {
    await backplane('new', 'device', 'settings');
    const settings = blocksOf(readGuide(guideNames[0] as string)).find(({ kind }) => kind === 'settings');
    const written = JSON.parse(readFileSync(join(folder, 'settings/tsconfig.json'), 'utf8'));
    expect(written.compilerOptions).toMatchObject(JSON.parse(settings?.content ?? '{}').compilerOptions);
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
