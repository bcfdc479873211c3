import { roomOf } from './rules.ts';
import type { SourceFile } from './source-files.ts';

/** One code of a room's catalogue, sdk/ROOM/error-codes.ts. */
export interface CatalogueEntry {
  readonly room: string;
  readonly code: string;
  /** The class of the error. */
  readonly type: string;
  readonly cause: string;
  readonly remedy: string;
}

const isCatalogue = (path: string): boolean => path.endsWith('/error-codes.ts');

/** `region-overlap`. */
export const kebab = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;

/** The entries of a catalogue, in its order; none for other files. */
export function catalogueOf({ path, lines }: SourceFile): CatalogueEntry[] {
  if (!isCatalogue(path)) return [];
  const entries = lines.join('\n').matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*'?([\w-]+)'?: (\w+);/g);
  return [...entries].map(([, comment = '', code = '', type = '']) => {
    const [cause = '', remedy = ''] = comment.replace(/\n\s*\* ?/g, ' ').split('@remedy');
    return {
      room: roomOf(path) ?? (path.split('/')[0] as string),
      code,
      type,
      cause: cause.trim(),
      remedy: remedy.trim(),
    };
  });
}

/** The first argument of a call, from behind its opening parenthesis. */
function firstArgument(code: string, from: number): string {
  let depth = 0;
  for (let at = from; at < code.length; at++) {
    const letter = code[at] as string;
    if ('\'"`'.includes(letter)) {
      for (at++; code[at] !== letter && at < code.length; at++) if (code[at] === '\\') at++;
    } else if ('([{'.includes(letter)) depth++;
    else if (depth === 0 && ',)'.includes(letter)) return code.slice(from, at);
    else if (')]}'.includes(letter)) depth--;
  }
  return '';
}

/** The names of functions of a source whose first parameter is `code`. */
const functionsIn = (code: string, before = ''): string[] =>
  [...code.matchAll(new RegExp(`${before}([\\w#]+)\\s*(?:=\\s*(?:async\\s*)?)?\\(\\s*code\\s*:`, 'g'))]
    .map(([, name]) => name as string)
    .filter((name) => name !== 'constructor');

/** Exported functions whose first parameter is `code`, and classes of errors whose constructor takes one first, or inherits that. */
export function takersOf(files: readonly SourceFile[]): Set<string> {
  const takers = new Set<string>();
  const classes: { name: string; base: string; own: string | undefined }[] = [];
  for (const { code } of files) {
    for (const name of functionsIn(code, 'export (?:async )?(?:function|const) ')) takers.add(name);
    for (const [, name = '', base = '', body = ''] of code.matchAll(
      /class (\w+)(?: extends (\w+))?([\s\S]*?)(?=\bclass |$)/g,
    )) {
      classes.push({ name, base, own: /\bconstructor\(\s*(?:readonly )?(\w*)/.exec(body)?.[1] });
    }
  }
  for (const { name, own } of classes) if (own === 'code') takers.add(name);
  for (const { name, base, own } of classes) if (own === undefined && takers.has(base)) takers.add(name);
  return takers;
}

/** Codes in a source: the first argument of an error, or of a function that takes a code or is a `Fail`, and `code: '...'`. */
export function codesIn({ path, code }: SourceFile, takers: ReadonlySet<string>): string[] {
  if (isCatalogue(path)) return [];
  const found = [...code.matchAll(/\bcode[:=]\s*'([^']*)'/g)].map(([, literal]) => literal as string);
  const bases = [...code.matchAll(/\bextends (\w+)/g)].map(([, base]) => base as string);
  const known = new Set([
    ...takers,
    ...functionsIn(code),
    ...[...code.matchAll(/\b(\w+): Fail\b/g)].map(([, name]) => name as string),
    ...(bases.some((base) => takers.has(base)) ? ['super'] : []),
  ]);
  for (const match of code.matchAll(/([\w#]+)\(/g)) {
    if (!known.has(match[1] as string)) continue;
    const argument = firstArgument(code, match.index + match[0].length).trim();
    // Either the code, or a condition and two of them.
    const [, alone, first, second] = /^(?:'([^']*)'|[^`]*\?\s*'([^']*)'\s*:\s*'([^']*)')$/.exec(argument) ?? [];
    for (const literal of [alone, first, second]) if (literal !== undefined) found.push(literal);
  }
  return found.filter((literal) => kebab.test(literal));
}

/** The page of all codes: by room, in alphabetical order. */
export function codesPage(entries: readonly CatalogueEntry[], rooms: readonly string[]): string {
  const cell = (text: string) => text.replaceAll('|', '\\|');
  const tables = rooms.flatMap((room) => {
    const rows = entries
      .filter((entry) => entry.room === room)
      .sort((a, b) => (a.code < b.code ? -1 : 1))
      .map(({ code, type, cause, remedy }) => `| \`${code}\` | ${type} | ${cell(cause)} | ${cell(remedy)} |`);
    return rows.length === 0
      ? []
      : [
          `## ${room}\n\n${['| code | class | cause | what to change |', '| --- | --- | --- | --- |', ...rows].join('\n')}`,
        ];
  });
  const intro =
    '# Error codes\n\nEach refusal has a code, `error.code`. The message may change; a code is not renamed and not used for another ' +
    'kind of mistake before the next major version. A device of your own may have codes of its own.';
  return `<!-- Made from sdk/*/error-codes.ts: 'npx vitest run test/architecture -u'. -->\n${[intro, ...tables].join('\n\n')}\n`;
}
