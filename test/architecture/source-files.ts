import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const Root = fileURLToPath(new URL('../..', import.meta.url));

export type ImportForm = 'value' | 'type' | 'dynamic';

export interface SourceImport {
  readonly form: ImportForm;
  /** As written. */
  readonly specifier: string;
  /** The file it leads to, from the top of the project; undefined for packages. */
  readonly file: string | undefined;
}

export interface SourceFile {
  /** From the top of the project, with forward slashes. */
  readonly path: string;
  readonly lines: readonly string[];
  /** Without comments. */
  readonly code: string;
  readonly imports: readonly SourceImport[];
}

/** Every TypeScript file below the folder, with what it imports. */
export function sourceFiles(folder: string): SourceFile[] {
  return readdirSync(join(Root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.m?ts$/.test(entry.name))
    .map((entry) => relative(Root, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .filter((path) => !path.includes('node_modules/'))
    .sort()
    .map((path) => parseSource(path, readFileSync(join(Root, path), 'utf8')));
}

/** Strings are matched too, and kept, so that what looks like a comment inside one is not taken for it. */
const StringOrComment = /("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g;

export function parseSource(path: string, text: string): SourceFile {
  const code = text.replace(StringOrComment, (_, string: string | undefined) => string ?? '');
  return { path, lines: text.trimEnd().split('\n'), code, imports: importsOf(path, code) };
}

function importsOf(path: string, code: string): SourceImport[] {
  const found: SourceImport[] = [];
  const add = (form: ImportForm, specifier: string) => {
    const file = specifier.startsWith('.')
      ? normalize(join(dirname(path), specifier)).replaceAll('\\', '/')
      : undefined;
    found.push({ form, specifier, file });
  };
  for (const match of code.matchAll(
    /(?:^|[;}])\s*(?:import|export)\s+(type\s)?([\w\s{},*$]*?)from\s*['"]([^'"]+)['"]/gm,
  )) {
    add(match[1] !== undefined || onlyTypes(match[2] as string) ? 'type' : 'value', match[3] as string);
  }
  for (const match of code.matchAll(/(?:^|[;}])\s*import\s*['"]([^'"]+)['"]/gm)) add('value', match[1] as string);
  for (const match of code.matchAll(/\bimport\s*\(\s*['"`]([^'"`]+)['"`]/g)) add('dynamic', match[1] as string);
  for (const match of code.matchAll(/\b(?:require|getBuiltinModule)\s*\(\s*['"`]([^'"`]+)['"`]/g)) {
    add('value', match[1] as string);
  }
  return found;
}

/** `{ type A, type B }` leaves no import at run time. */
function onlyTypes(clause: string): boolean {
  const names = /^\s*\{([\s\S]*)\}\s*$/.exec(clause)?.[1];
  if (names === undefined) return false;
  const listed = names.split(',').filter((name) => name.trim() !== '');
  return listed.length > 0 && listed.every((name) => /^\s*type\s/.test(name));
}
