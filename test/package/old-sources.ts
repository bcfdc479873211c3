import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const checkout = fileURLToPath(new URL('../../', import.meta.url));
const fixtures = fileURLToPath(new URL('./fixtures/0.1.0/', import.meta.url));

/** What each entry of 0.1.0 exported: values, classes among them, and what is a type alone. */
export const oldExports = JSON.parse(readFileSync(`${fixtures}exports.json`, 'utf8')) as Record<
  string,
  { values: string[]; types: string[] }
>;

/** The same of 0.2.0. */
export const laterExports = JSON.parse(
  readFileSync(fileURLToPath(new URL('./fixtures/0.2.0/exports.json', import.meta.url)), 'utf8'),
) as typeof oldExports;

/** What either version exported from an entry under a name; undefined if none did. */
export function oldKindOf(entry: string, name: string): 'value' | 'type' | undefined {
  const versions = [oldExports[entry], laterExports[entry]];
  if (versions.some((one) => one?.values.includes(name))) return 'value';
  return versions.some((one) => one?.types.includes(name)) ? 'type' : undefined;
}

/** Every name of either version, with its entry. */
export const oldNames: readonly (readonly [entry: string, name: string])[] = [
  ...new Set([...Object.keys(oldExports), ...Object.keys(laterExports)]),
].flatMap((entry) =>
  [
    ...new Set(
      [oldExports[entry], laterExports[entry]].flatMap((one) => [...(one?.values ?? []), ...(one?.types ?? [])]),
    ),
  ].map((name) => [entry, name] as const),
);

/** Writes what users of 0.1.0 wrote into a folder, as they had it; answers the files. */
export function writeOldSources(folder: string): string[] {
  const files = readdirSync(fixtures, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /^(examples|guides|projects)\b.*\.(txt|md)$/.test(name),
  );
  return files.map((name) => {
    const file = join(folder, name.replace(/\.txt$/, ''));
    mkdirSync(dirname(file), { recursive: true });
    copyFileSync(join(fixtures, name), file);
    return file;
  });
}

/** The file of each entry in this checkout. */
export function entryFiles(): Record<string, string[]> {
  const settings = JSON.parse(readFileSync(`${checkout}tsconfig.json`, 'utf8')) as {
    compilerOptions: { paths: Record<string, string[]> };
  };
  const paths = Object.entries(settings.compilerOptions.paths);
  return Object.fromEntries(paths.map(([name, places]) => [name, places.map((place) => join(checkout, place))]));
}

/** Makes the folder a project whose names of the package lead to the sources of this checkout. */
export function makeProject(folder: string, include: readonly string[], settings: object = {}): void {
  const compilerOptions = { typeRoots: [`${checkout}node_modules/@types`], paths: entryFiles(), ...settings };
  // The sources are among the files, so that tsx compiles their decorators by these settings too.
  const rooms = ['sdk', 'devices', 'machines'].map((room) => join(checkout, room));
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: `${checkout}tsconfig.json`, compilerOptions, include: [...include, ...rooms] }),
  );
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  symlinkSync(`${checkout}node_modules`, join(folder, 'node_modules'));
}

/** What the compiler says about a project, a line for each complaint. */
export function complaintsOf(folder: string): Promise<string[]> {
  const words = [`${checkout}node_modules/typescript/bin/tsc`, '--noEmit', '--pretty', 'false', '-p', folder];
  return new Promise((resolve) => {
    execFile(process.execPath, words, { cwd: folder }, (_, stdout) =>
      resolve(stdout.split('\n').filter((line) => line !== '')),
    );
  });
}
