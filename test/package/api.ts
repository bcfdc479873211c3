import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Extractor, ExtractorConfig, type ExtractorMessage, type IConfigFile } from '@microsoft/api-extractor';

export const checkout = fileURLToPath(new URL('../../', import.meta.url));
const description = readFileSync(join(checkout, 'package.json'), 'utf8');

/** The entries of the package, as programs import them: `backplane/runtime`. */
export const entries = Object.entries<string | { types: string }>(JSON.parse(description).exports).flatMap(
  ([path, target]) =>
    typeof target === 'string' ? [] : [{ entry: path.replace('.', 'backplane'), declarations: target.types }],
);

/** What one entry of the package exports. */
export interface ApiReport {
  /** `backplane/runtime`. */
  readonly entry: string;
  /** The entry as a file name: `backplane-runtime`. */
  readonly name: string;
  /** Its declarations, without comments. */
  readonly text: string;
  readonly exported: readonly string[];
  /** Types that its signatures name and that it does not export itself. */
  readonly named: readonly string[];
}

const tsc = join(checkout, 'node_modules/typescript/bin/tsc');

/** Builds the declarations into a folder of their own, as `dist` there. Remove it afterwards. */
export function builtDeclarations(): string {
  const folder = mkdtempSync(join(tmpdir(), 'backplane-api-'));
  const project = ['-p', join(checkout, 'tsconfig.build.json')];
  const output = ['--emitDeclarationOnly', '--outDir', join(folder, 'dist')];
  execFileSync(process.execPath, [tsc, ...project, ...output], { stdio: 'pipe' });
  symlinkSync(join(checkout, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), description);
  writeProject(folder, 'dist');
  return folder;
}

function writeProject(folder: string, ...include: string[]): void {
  const { compilerOptions } = JSON.parse(readFileSync(join(checkout, 'tsconfig.json'), 'utf8'));
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: { ...compilerOptions, paths: {} }, include }),
  );
}

/** What the compiler says about devices and machines that see the declarations of the SDK, and not its sources. */
export function mistakesAgainst(folder: string): string {
  const authors = join(folder, 'authors');
  for (const name of ['devices', 'machines']) cpSync(join(checkout, name), join(authors, name), { recursive: true });
  symlinkSync(join(folder, 'dist', 'sdk'), join(authors, 'sdk'));
  writeFileSync(join(authors, 'package.json'), description);
  writeProject(authors, 'devices', 'machines');
  const { stdout, stderr } = spawnSync(process.execPath, [tsc, '-p', authors], { encoding: 'utf8' });
  return stdout + stderr;
}

/** Reads from built declarations what every entry exports. */
export const apiReports = (folder: string): ApiReport[] =>
  entries.map(({ entry, declarations }) => apiReport(folder, entry, declarations));

function apiReport(folder: string, entry: string, declarations: string): ApiReport {
  const name = entry.replaceAll('/', '-');
  const quiet = { default: { logLevel: 'none' as never } };
  const configObject: IConfigFile = {
    projectFolder: folder,
    mainEntryPointFilePath: join(folder, declarations),
    compiler: { tsconfigFilePath: join(folder, 'tsconfig.json') },
    apiReport: { enabled: true, reportFolder: folder, reportTempFolder: join(folder, 'temp'), reportFileName: name },
    docModel: { enabled: false },
    dtsRollup: { enabled: false },
    tsdocMetadata: { enabled: false },
    newlineKind: 'lf',
    messages: {
      compilerMessageReporting: quiet,
      tsdocMessageReporting: quiet,
      extractorMessageReporting: { ...quiet, 'ae-forgotten-export': { logLevel: 'warning' as never } },
    },
  };
  const packageJsonFullPath = join(folder, 'package.json');
  const config = ExtractorConfig.prepare({ configObject, configObjectFullPath: undefined, packageJsonFullPath });
  const named = new Set<string>();
  const messageCallback = (message: ExtractorMessage): void => {
    message.handled = true;
    const symbol = /^The symbol "(\w+)"/.exec(message.text)?.[1];
    // Of two declarations of one name in one report, the second is numbered.
    if (message.messageId === 'ae-forgotten-export' && symbol !== undefined) named.add(symbol.replace(/_\d+$/, ''));
  };
  Extractor.invoke(config, { localBuild: true, messageCallback });
  const report = readFileSync(join(folder, `${name}.api.md`), 'utf8');
  // Whether something has a comment is no part of the API.
  const text = report
    .replace(/^ *\/\/ (?:\(undocumented\)|@public.*)\n/gm, '')
    .replace(/^\/\/ \(No @packageDocumentation.*\n\n/m, '')
    .replace(
      /^## API.*\n\n>.*\n/,
      `# What ${entry} exports\n\nWritten by \`npm run api\`, compared by test/package/api-report.test.ts.\n`,
    );
  return { entry, name, text, exported: exportedNames(text), named: [...named].sort() };
}

function exportedNames(text: string): string[] {
  const declared = [
    ...text.matchAll(/^export (?:abstract )?(?:class|const|enum|function|interface|type) (\w+)/gm),
    ...text.matchAll(/^export \{ (\w+) \}/gm),
  ];
  return [...new Set(declared.map(([, name]) => name ?? ''))].sort();
}
