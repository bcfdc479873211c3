// @module-tag package
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const checkout = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'backplane-package-'));
const project = join(folder, 'project');
const elsewhere = join(folder, 'elsewhere');

const device = `import { device, IsaDevice, portRegion, use } from 'backplane';
import { Machine } from 'backplane/runtime';
import { isapc } from 'backplane/machines';
const ports = portRegion({ name: 'latch', base: 0x300, size: 1, accessSizes: [1] });
@device({ type: 'latch', description: 'Answers with the complement of what was written' })
class Latch extends IsaDevice {
  kept = 0;
  @ports.write(0) keep(value: number): void { this.kept = value; }
  @ports.read(0) invert(): number { return ~this.kept & 0xff; }
}
const machine = Machine.create({ ...isapc, devices: [...isapc.devices, use(Latch)] });
machine.io.write(0x300, 0x5a, 1);
console.log(machine.io.read(0x300, 1).toString(16));
`;

/** A guest program in the dialect that only the SDK's own settings compile, between a tsconfig that says otherwise. */
const program = `import { inject, VirtualClock } from 'backplane';
import { guestProgram } from 'backplane/runtime';
import { inject as inversifyInject } from 'inversify';
class Watcher { constructor(@inject(VirtualClock) readonly clock: VirtualClock) {} }
export default guestProgram(function* (guest) {
  yield* guest.out8(0x70, 0x8d);
  if ((yield* guest.in8(0x71)) !== 0x80 || typeof inversifyInject !== 'function' || !Watcher) throw new Error('not here');
});
`;

function run(command: string, words: string[], cwd: string): string {
  const { status, stdout, stderr } = spawnSync(command, words, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${[command, ...words].join(' ')} ended with ${status}:\n${stderr}${stdout}`);
  return stdout;
}

/** What is in the tarball, and the text of one of its files. */
let files: readonly string[] = [];
const inPackage = (path: string) => join(project, 'node_modules/backplane', path);
const textOf = (path: string) => readFileSync(inPackage(path), 'utf8');
const modules = () => files.filter((path) => /\.(js|d\.ts)$/.test(path));

/** What a compiled module or a declaration imports; `late` only when it is asked for. */
function importsOf(path: string): { specifier: string; late: boolean }[] {
  return [
    ...textOf(path).matchAll(/^(?:import|export)\b[^'"`;]*?from '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm),
  ].map(([, from, bare, late]) => ({ specifier: from ?? bare ?? late ?? '', late: late !== undefined }));
}

const installed = (...words: string[]) => run(join(project, 'node_modules/.bin/backplane'), words, elsewhere);

describe('the packed tarball, in an empty project', () => {
  beforeAll(() => {
    mkdirSync(project);
    mkdirSync(elsewhere);
    const [packed] = JSON.parse(run('npm', ['pack', '--json', '--silent', '--pack-destination', folder], checkout)) as [
      { filename: string; files: { path: string }[] },
    ];
    files = packed.files.map(({ path }) => path);
    writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'project', private: true, type: 'module' }));
    run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', join(folder, packed.filename)], project);
    writeFileSync(join(project, 'device.ts'), device);
    const compilerOptions = {
      target: 'ES2022',
      module: 'NodeNext',
      strict: true,
      experimentalDecorators: true,
      types: [],
    };
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['device.ts'] }));
    writeFileSync(
      join(elsewhere, 'tsconfig.json'),
      '{ "compilerOptions": { "target": "ES5", "experimentalDecorators": false } }',
    );
    writeFileSync(join(elsewhere, 'program.ts'), program);
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('brings types against which a ten-line device compiles, and runs it', () => {
    run(process.execPath, [join(checkout, 'node_modules/typescript/bin/tsc'), '-p', project], project);
    expect(run(process.execPath, ['device.js'], project).trim()).toBe('a5');
  });

  it('brings declarations of every entry that are right without skipLibCheck', () => {
    const { exports } = JSON.parse(textOf('package.json')) as { exports: Record<string, unknown> };
    const entries = Object.keys(exports).filter((name) => !name.endsWith('.json'));
    expect(entries.length).toBeGreaterThan(4);
    const imports = entries.map((name, index) => `export * as entry${index} from 'backplane${name.slice(1)}';\n`);
    writeFileSync(join(project, 'entries.ts'), imports.join(''));
    const compilerOptions = {
      target: 'ES2022',
      module: 'NodeNext',
      strict: true,
      noEmit: true,
      skipLibCheck: false,
      types: ['node'],
      typeRoots: [join(checkout, 'node_modules/@types')],
    };
    const settings = { compilerOptions, files: ['entries.ts'] };
    writeFileSync(join(project, 'tsconfig.entries.json'), JSON.stringify(settings));
    const compiler = join(checkout, 'node_modules/typescript/bin/tsc');
    expect(run(process.execPath, [compiler, '--pretty', 'false', '-p', 'tsconfig.entries.json'], project)).toBe('');
  });

  it('runs a guest program that lies outside of any project, in its own dialect', () => {
    expect(installed('run', 'program.ts', '-machine', 'isapc')).toContain('0x71');
  });

  it('knows its recordings by name', () => {
    const report = JSON.parse(installed('replay', 'seabios-pc-tcg', '--json')) as { accesses: number };
    expect(report.accesses).toBe(41_342);
  });

  it('explains a misspelt name without a stack', () => {
    expect(() => installed('-device', 'mc146818rct,help')).toThrow("Did you mean 'mc146818rtc'?");
  });

  it('says its version and lists its devices', () => {
    expect(installed('--version')).toMatch(/^backplane \d+\.\d+\.\d+\n$/);
    expect(installed('-device', 'help')).toContain('mc146818rtc');
  });

  it('holds at most 1,750 files, and no test', () => {
    expect(files.length).toBeGreaterThan(100);
    expect(files.length).toBeLessThanOrEqual(1750);
    expect(files.filter((path) => /\.test\.[mc]?[jt]s$|^(dist\/)?test\//.test(path))).toEqual([]);
  });

  it('has source maps only together with the sources that they name', () => {
    const maps = files.filter((path) => path.endsWith('.map'));
    const lacking = maps.flatMap((path) => {
      const { sources } = JSON.parse(textOf(path)) as { sources: string[] };
      return sources.filter((source) => !files.includes(normalize(join(dirname(path), source))));
    });
    expect(lacking).toEqual([]);
    const named = modules().flatMap((path) => /^\/\/# sourceMappingURL=(.*)$/m.exec(textOf(path))?.[1] ?? []);
    expect(named.length).toBe(maps.length);
  });

  it('holds every file that its modules, declarations and entries lead to', () => {
    const missing = modules().flatMap((path) =>
      importsOf(path)
        .filter(({ specifier }) => specifier.startsWith('.'))
        .map(({ specifier }) => normalize(join(dirname(path), specifier)))
        .map((target) => (path.endsWith('.d.ts') ? target.replace(/\.[jt]s$/, '.d.ts') : target))
        .filter((target) => !files.includes(target)),
    );
    expect(missing).toEqual([]);
    const { exports, bin } = JSON.parse(textOf('package.json')) as { exports: object; bin: object };
    const targets = [...JSON.stringify({ exports, bin }).matchAll(/:"((?:\.\/)?[^"]*\/[^"]*|\.\/package\.json)"/g)];
    expect(targets.length).toBeGreaterThan(8);
    expect(targets.map(([, target]) => normalize(target ?? '')).filter((target) => !files.includes(target))).toEqual(
      [],
    );
  });

  it('holds every page and file that its pages link to', () => {
    const pages = files.filter((path) => path.endsWith('.md'));
    const links = pages.flatMap((page) =>
      [...textOf(page).matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map(([, target]) => join(dirname(page), target ?? '')),
    );
    expect(links.length).toBeGreaterThan(30);
    expect(links.filter((target) => !existsSync(inPackage(target)))).toEqual([]);
  });

  it('imports nothing but its dependencies, and an optional one only when it is asked for', () => {
    const { dependencies, optionalDependencies } = JSON.parse(textOf('package.json')) as Record<string, object>;
    const packages = modules()
      .flatMap((path) => (path.endsWith('.js') ? importsOf(path) : []))
      .filter(({ specifier }) => !/^(\.|node:)/.test(specifier))
      .map(({ specifier, late }) => ({ name: specifier.replace(/^((?:@[^/]+\/)?[^/]+).*$/, '$1'), late }));
    const always = Object.keys(dependencies ?? {});
    const optional = Object.keys(optionalDependencies ?? {});
    expect(packages.filter(({ name }) => !always.includes(name) && !optional.includes(name))).toEqual([]);
    expect(packages.filter(({ name, late }) => optional.includes(name) && !late)).toEqual([]);
  });

  it('works without its optional parts, and says which one is missing where one is needed', () => {
    rmSync(join(project, 'node_modules/@observablehq'), { recursive: true });
    const trace = ['replay', 'seabios-pc-tcg'];
    expect(installed(...trace)).toContain('41,342');
    expect(() => installed(...trace, '-compare', '-report', 'page.html')).toThrow("package '@observablehq/plot'");
    expect(existsSync(join(elsewhere, 'page.html'))).toBe(false);
  });

  it('names the owner only by placeholders, and its own version in what it prints', () => {
    const { repository, homepage, bugs, version } = JSON.parse(textOf('package.json')) as Record<string, unknown>;
    for (const place of [repository, homepage, bugs]) expect(JSON.stringify(place)).toContain('https://example.com/');
    expect(installed('--version')).toBe(`backplane ${String(version)}\n`);
    for (const text of [textOf('README.md'), installed('new', '-help')])
      for (const [name] of text.matchAll(/backplane-\d+\.\d+\.\d+\.tgz/g))
        expect(name).toBe(`backplane-${String(version)}.tgz`);
  });

  it('migrates a source of 0.1.0', () => {
    writeFileSync(join(elsewhere, 'board.ts'), "import { Machine, use } from 'backplane';\n");
    expect(installed('migrate', 'board.ts')).toContain("board.ts:1: 'Machine' comes from 'backplane/runtime'");
    const now = readFileSync(join(elsewhere, 'board.ts'), 'utf8');
    expect(now).toBe("import { use } from 'backplane';\nimport { Machine } from 'backplane/runtime';\n");
  });

  it('refuses a snapshot of 0.1.0 with both versions, and says what to do', () => {
    const machine = { name: 'isapc', ram: 1 << 20, options: {}, unplugged: [] };
    writeFileSync(join(elsewhere, 'old.json'), JSON.stringify({ schema: 'backplane-snapshot/1', machine }));
    const { version } = JSON.parse(textOf('package.json')) as { version: string };
    expect(version).toBe('0.3.0');
    const restored = () => installed('info', 'qtree', '-machine', 'isapc', '-loadvm', 'old.json');
    expect(restored).toThrow(
      /written by backplane 0\.1\.0\..* since backplane 0\.2\.0\. Restore it with backplane 0\.1\.0/,
    );
  });
});
