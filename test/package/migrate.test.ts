// @module-tag package
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { firstArguments, members, type NameChange, names, type OldEntry } from '../../sdk/cli/migrate/names.ts';
import { migrateText, type Tables } from '../../sdk/cli/migrate/rewrite.ts';
import { piecesOf } from '../../sdk/cli/migrate/source-file.ts';
import { backplane } from '../cli/fake-terminal.ts';
import { filesOf, GuideRun } from '../guides/guide.ts';
import {
  complaintsOf,
  entryFiles,
  makeProject,
  oldExports,
  oldKindOf,
  oldNames,
  writeOldSources,
} from './old-sources.ts';

const folder = mkdtempSync(join(tmpdir(), 'backplane-migrate-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Row {
  readonly entry: string;
  readonly old: string;
  readonly change: NameChange;
}
const rows: readonly Row[] = Object.entries(names).flatMap(([entry, table]) =>
  Object.entries(table ?? {}).map(([old, change]) => ({ entry, old, change })),
);
const rowOf = (entry: string, name: string): NameChange | undefined => {
  const table = names[entry as OldEntry];
  return table !== undefined && Object.hasOwn(table, name) ? table[name] : undefined;
};

/** A table that gives every name another one, and the modules that export these. */
function everythingElsewhere(): { tables: Tables; modules: ReadonlyMap<string, string> } {
  const modules = new Map<string, string>(
    ['backplane/runtime', 'backplane/testing/qemu'].map((name) => [name, 'export {};\n']),
  );
  const table: Record<string, Record<string, NameChange>> = {};
  for (const [entry, { values, types }] of Object.entries(oldExports)) {
    table[entry] = {};
    for (const [index, old] of [...values, ...types].entries()) {
      const change = rowOf(entry, old) ?? {};
      if ('gone' in change || 'typeOnly' in change) continue;
      const elsewhere = entry === 'backplane' && index % 2 === 0 ? 'backplane/runtime' : (entry as OldEntry);
      table[entry][old] = { name: `${old}Renamed`, entry: elsewhere };
      const line = `export { ${change.name ?? old} as ${old}Renamed } from 'sources/${change.entry ?? entry}';\n`;
      modules.set(elsewhere, (modules.get(elsewhere) ?? '') + line);
    }
  }
  return { tables: { names: table, members, firstArguments }, modules };
}

describe('the table of old and new names', () => {
  type Name = readonly [kind: 'value' | 'type', entry: string, name: string];
  const kindOf = (entry: string, name: string) => oldKindOf(entry, name) ?? 'type';
  const targets = rows.flatMap(({ entry, old, change }): Name[] => {
    if ('gone' in change) return [];
    if ('typeOnly' in change) return [['type', change.entry ?? entry, old]];
    return [[kindOf(entry, old), change.entry ?? entry, change.name ?? old]];
  });
  const old = rows.map(({ entry, old }): Name => [kindOf(entry, old), entry, old]);
  const unlisted = oldNames
    .filter(([entry, name]) => rowOf(entry, name) === undefined)
    .map(([entry, name]): Name => [kindOf(entry, name), entry, name]);
  /** The names of the lists above that the compiler does not find. */
  let missing: readonly string[] = [];

  async function missingOf(wanted: readonly Name[]): Promise<readonly string[]> {
    const project = mkdtempSync(join(folder, 'names-'));
    makeProject(project, ['names.ts']);
    const lines = wanted.map(([kind, entry, name], index) =>
      kind === 'type'
        ? `export type { ${name} as N${index} } from '${entry}';\n`
        : `import { ${name} as N${index} } from '${entry}'; void N${index};\n`,
    );
    writeFileSync(join(project, 'names.ts'), lines.join(''));
    return (await complaintsOf(project)).map((text) => {
      const line = /^names\.ts\((\d+),\d+\): error TS(?:1361|1362|1484|1485|2305|2307|2614|2693|2724):/.exec(text)?.[1];
      return line === undefined ? text : (wanted[Number(line) - 1] ?? []).join(' ');
    });
  }

  /** The rows to add, as far as the names say: where a name is exported now, or that it is nowhere. */
  async function rowsFor(wanting: readonly Name[]): Promise<string[]> {
    if (wanting.length === 0) return [];
    const entries = Object.keys(entryFiles());
    const everywhere = wanting.flatMap(([kind, , name]) => entries.map((entry): Name => [kind, entry, name]));
    const nowhere = await missingOf(everywhere);
    const places = new Map<string, string[]>();
    for (const [kind, entry, name] of wanting) {
      const found = entries.find((one) => !nowhere.includes(`${kind} ${one} ${name}`));
      const row = `${entry}: ${found === undefined ? `a ${kind}, renamed or gone: ` : `...moved('${found}', '`}`;
      places.set(row, [...(places.get(row) ?? []), name]);
    }
    return [...places].map(([row, found]) => `${row}${found.join(' ')}${row.endsWith("'") ? "')" : ''}`);
  }

  beforeAll(async () => {
    // One name that is nowhere shows that the compiler looks.
    missing = await missingOf([...targets, ...old, ...unlisted, ['value', 'backplane', 'NoSuchName']]);
  });

  it('is compared with what the entries export', () => {
    expect(missing).toContain('value backplane NoSuchName');
    expect(missing.filter((text) => text.includes('error'))).toEqual([]);
  });

  const isMissing = (name: Name) => missing.includes(name.join(' '));

  it('leads to names that are exported where it says', () => {
    expect(targets.filter(isMissing)).toEqual([]);
  });

  it('holds every name of 0.1.0 and 0.2.0 that is not where it was', async () => {
    expect(unlisted.length + rows.length).toBeGreaterThan(400);
    expect(await rowsFor(unlisted.filter(isMissing))).toEqual([]);
  });

  it('holds nothing else: each row is about a name that 0.1.0 or 0.2.0 had, and that is no longer there', () => {
    expect(rows.filter(({ entry, old }) => oldKindOf(entry, old) === undefined)).toEqual([]);
    expect(old.filter((name) => !isMissing(name))).toEqual([]);
  });

  it('changes nothing that it has changed already: a new name is no old one of the same entry', () => {
    const again = rows.filter(
      ({ entry, old, change }) =>
        !('gone' in change || 'typeOnly' in change) && rowOf(change.entry ?? entry, change.name ?? old) !== undefined,
    );
    expect(again).toEqual([]);
    // A member that is only reported may have the new name of another one.
    expect(Object.values(members).filter(({ name = '' }) => members[name]?.name !== undefined)).toEqual([]);
  });

  it('says in a sentence what to use instead of a name that left', () => {
    const sentences = rows.flatMap(({ change }) => {
      if ('gone' in change) return [change.gone];
      return 'typeOnly' in change ? [change.typeOnly] : [];
    });
    expect(sentences.filter((text) => !/^[\w.]+[ (].*[.]$/.test(text))).toEqual([]);
  });
});

describe('the examples, the code of the guides and the new projects of 0.1.0', () => {
  const project = join(folder, 'project');
  const read = (path: string) => readFileSync(join(project, path), 'utf8');
  let guides: readonly string[] = [];
  let examples: readonly string[] = [];
  const here = process.cwd();

  beforeAll(async () => {
    mkdirSync(project);
    const files = writeOldSources(project);
    guides = readdirSync(join(project, 'guides'));
    examples = readdirSync(join(project, 'examples'));
    const { status, noted } = await backplane('migrate', ...files);
    expect({ status, noted }).toEqual({ status: 0, noted: '' });
    process.chdir(project);
  });
  afterAll(() => process.chdir(here));

  /** Takes the code out of the guides, for the compiler. */
  function takeOut(folder: string): void {
    for (const guide of guides)
      for (const [name, code] of filesOf(readFileSync(join(folder, 'guides', guide), 'utf8'), 'as printed'))
        writeFileSync(join(folder, 'guides', name === 'guide.ts' ? guide.replace('.md', '.ts') : name), code);
  }

  it('are there', () => {
    expect([guides.length, examples.length]).toEqual([8, 8]);
  });

  it('compile once they are migrated', async () => {
    makeProject(project, ['examples', 'guides', 'projects']);
    takeOut(project);
    writeFileSync(join(project, 'guides/wrong.ts'), "export const wrong: number = 'x';\n");
    expect(await complaintsOf(project)).toEqual([expect.stringMatching(/^guides\/wrong\.ts\(1,14\): error TS2322/)]);
  });

  it('compile too where every name of the package has another one, and half of them another entry', async () => {
    const other = join(folder, 'other');
    mkdirSync(other);
    const { tables, modules } = everythingElsewhere();
    for (const [name, text] of modules) writeFileSync(join(other, `${name.replaceAll('/', '-')}.ts`), text);
    const paths = [...modules.keys()].map((name) => [name, [join(other, `${name.replaceAll('/', '-')}.ts`)]]);
    const sources = Object.entries(entryFiles()).map(([name, files]) => [`sources/${name}`, files]);
    const settings = { paths: Object.fromEntries([...paths, ...sources]), isolatedModules: false };
    makeProject(other, ['examples', 'guides', 'projects'], { ...settings, verbatimModuleSyntax: false });
    let changes = 0;
    for (const file of writeOldSources(other)) {
      const text = readFileSync(file, 'utf8');
      const migrated = migrateText(text, piecesOf(text, file.endsWith('.md') ? 'page' : 'code'), tables);
      expect(migrated.left, file).toEqual([]);
      changes += migrated.changes.length;
      writeFileSync(file, migrated.text);
    }
    expect(changes).toBeGreaterThan(150);
    takeOut(other);
    expect(await complaintsOf(other)).toEqual([]);
  });

  /** By hand, as the machine's warning says: since 0.3.0 a machine wires the inputs of its interrupt controller. */
  const withInputsOfThePic = (text: string): string =>
    text
      .replaceAll("use(I8259, { id: 'pic' })", "use(I8259, { id: 'pic', inputs: { line: isaLines } })")
      .replace(/^ {2}isaIrq,$/m, '  isaIrq,\n  isaLines,');

  it('hold what the guides claim', () => {
    for (const guide of guides) {
      const run = new GuideRun(withInputsOfThePic(read(`guides/${guide}`)));
      expect(run.claims.length + run.tests.length, guide).toBeGreaterThan(3);
    }
  });

  /** The tests that pass in these files, which import each other as files of one folder. */
  function testsOf(...paths: string[]): readonly string[] {
    const files = paths.map((path) => [path.replace(/^.*\//, ''), read(path).replace(/'\.\.?\/(?:src\/)?/g, "'./")]);
    return new GuideRun(files.map(([name, code]) => `<!-- file: ${name} -->\n\`\`\`ts\n${code}\`\`\`\n`).join('\n'))
      .tests;
  }

  it('run, and pass their tests', async () => {
    expect(testsOf('examples/egg-timer.ts', 'examples/egg-timer.test.ts')).toHaveLength(2);
    const board = ['guest.ts', 'src/my-board.ts', 'test/my-board.test.ts'].map((name) => `projects/my-board/${name}`);
    expect(testsOf(...board)).toHaveLength(3);
    const uart = ['src/my-uart.ts', 'test/my-uart.test.ts'].map((name) => `projects/my-uart/${name}`);
    expect(testsOf(...uart).length).toBeGreaterThan(4);
    for (const name of examples.filter((file) => /^\d/.test(file))) {
      const printed = execFileSync('npx', ['tsx', `examples/${name}`], { cwd: project, encoding: 'utf8' });
      expect(printed.trim().split('\n').length, name).toBeGreaterThan(2);
    }
    const kitchen = ['run', 'examples/kitchen.ts', '-plugin', 'examples/kitchen.ts', '-machine', 'kitchen'];
    for (const words of [['run', 'examples/read-clock.ts', '-machine', 'isapc'], kitchen]) {
      const { status, noted } = await backplane(...words);
      expect({ status, noted }).toEqual({ status: 0, noted: '' });
    }
  });
});
