import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const Root = fileURLToPath(new URL('../..', import.meta.url));

/** A word that a reader cannot search for, and the word to use instead. */
interface Banned {
  /** Matches a whole word in lower case, a whole identifier in camelCase, or a part of a text, see the three lists. */
  readonly pattern: RegExp;
  readonly say: string;
}

/** In comments, messages, Markdown, and in the parts of identifiers and file names. */
const Words: readonly Banned[] = [
  { pattern: /^(some|any|every)(body|one)$/, say: 'who it is: the guest, the device, the caller, the user' },
  { pattern: /^(nobody|noone)$/, say: 'what is missing: "no device", "is not read", "unassigned"' },
  { pattern: /^who(m|so)?ever$/, say: 'who it is: the caller, each listener, a user that ...' },
  { pattern: /^heirs?$/, say: 'replacement' },
  { pattern: /^heirlooms?$/, say: 'inherited RAM blocks' },
  { pattern: /^twins?$/, say: 'second copy, counterpart' },
  { pattern: /^census(es)?$/, say: 'liveness, coverage' },
  { pattern: /^landmarks?$/, say: 'known port' },
  { pattern: /^solder(s|ed|ing)?$/, say: 'connect, wire' },
  { pattern: /^(work)?shops?$/, say: 'context' },
  { pattern: /^particulars?$/, say: 'details, device profile' },
  { pattern: /^quick(est|er)$/, say: 'fast handler, faster' },
  { pattern: /^nowhere$/, say: 'unassigned, not connected, to no ...' },
  { pattern: /^stretch(es|ed)?$/, say: 'bit range, address range, interval' },
  { pattern: /^facets?$/, say: 'class attribute' },
  { pattern: /^remark(s|ed)?$/, say: 'log, note; of registers: unimplemented-access log' },
  { pattern: /^lineages?$/, say: 'base records, base classes' },
  { pattern: /^(hear|hears|heard|hearing)$/, say: 'is called, receives, on...' },
  { pattern: /^surroundings$/, say: 'context' },
  { pattern: /^blueprints?$/, say: 'class metadata' },
  { pattern: /^insights?$/, say: 'analysis' },
];

/** In names alone: identifiers of code, and file names, whose parts are put together in camelCase. */
const Names: readonly Banned[] = [
  { pattern: /^(tell|tells|told)([A-Z]|$)/, say: 'emit, notify, report' },
  { pattern: /^approach$/, say: 'advanceUntilTimer' },
  { pattern: /^learn[A-Z]/, say: 'fillEntry' },
  { pattern: /^handOn[A-Z]/, say: 'forward' },
  { pattern: /^runEnds?$/, say: 'run outcomes' },
  { pattern: /^(whenSound|atEnd)$/, say: 'onValidated, afterApply' },
  { pattern: /^(alerts?|[aA]ttention)$/, say: 'access flags' },
  { pattern: /^vitals?$/i, say: 'coverage goal' },
  { pattern: /^cuts$/, say: 'disconnects' },
  { pattern: /^masterMemory$/, say: 'busMasterMemory' },
  { pattern: /^(recordOf|DeviceRecord)$/, say: 'class recorder' },
  { pattern: /^dormant$/, say: 'notExercised' },
  { pattern: /^fillers?([A-Z]|$)/i, say: 'reserved field' },
];

/** In comments, messages and Markdown, over the ends of lines. */
const Phrases: readonly Banned[] = [
  { pattern: /\bbus(es)?\s+behind\b/i, say: 'subtractive decode, forwarded accesses' },
  { pattern: /\bwhat\s+only\s+(bus\s+)?masters\s+see\b/i, say: 'address space of bus masters' },
  { pattern: /\bwho\s+else\b/i, say: 'which other device' },
];

/** Tests have words of their own, decisions keep their history, and the table of `migrate` has the names of 0.1.0. */
const Roots = ['sdk', 'devices', 'machines', 'examples'];
const Pages = ['README.md', 'CHANGELOG.md', 'SECURITY.md', 'CONTRIBUTING.md'];
const exempt = /^sdk\/decisions\/|^sdk\/cli\/migrate\/names\.ts$/;

export interface WordFile {
  /** From the top of the project, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

/** Every file whose words are held: sources, templates and Markdown. */
export function wordFiles(): WordFile[] {
  const paths = Roots.flatMap((root) =>
    readdirSync(join(Root, root), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.(ts|mts|md|template)$/.test(entry.name))
      .map((entry) => relative(Root, join(entry.parentPath, entry.name)).replaceAll('\\', '/')),
  );
  return [...paths.filter((path) => !exempt.test(path)), ...Pages]
    .sort()
    .map((path) => ({ path, text: readFileSync(join(Root, path), 'utf8') }));
}

/** One sentence for each such word of the file: where it is, and what to say. */
export function bannedWords({ path, text }: WordFile): string[] {
  const { code, prose } = /\.md(\.template)?$/.test(path) ? ofMarkdown(path, text) : ofSource(text);
  return [...inFileName(path), ...inCode(path, code), ...inProse(path, prose)];
}

const StringOrComment = /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g;
const blank = (text: string): string => text.replaceAll(/[^\n]/g, ' ');

/** Both have all lines of the file, so that a place in them is a place in it. */
function ofSource(text: string): { code: string; prose: string } {
  const prose = blank(text).split('');
  for (const { 0: part, index } of text.matchAll(StringOrComment)) {
    for (let at = 0; at < part.length; at++) prose[index + at] = part[at] as string;
  }
  return { code: text.replaceAll(StringOrComment, blank), prose: prose.join('').replaceAll(/^ *\*/gm, blank) };
}

/** Listings of TypeScript are sources. Of the changelog the newest part counts, without its table of old and new names. */
function ofMarkdown(path: string, text: string): { code: string; prose: string } {
  const listing = /(?<=^```ts.*\n)[\s\S]*?(?=^```)/gm;
  const isListed = blank(text).split('');
  for (const { 0: part, index } of text.matchAll(listing)) {
    for (let at = 0; at < part.length; at++) isListed[index + at] = part[at] as string;
  }
  const listed = ofSource(isListed.join(''));
  const around = (path === 'CHANGELOG.md' ? newestPart(text) : text).replaceAll(listing, blank);
  const prose = around
    .split('')
    .map((letter, at) => (letter === ' ' ? (listed.prose[at] ?? ' ') : letter))
    .join('');
  return { code: listed.code, prose };
}

/** The part of a changelog that is under way, without tables and names. */
export function newestPart(text: string): string {
  const [, second] = [...text.matchAll(/^## /gm)];
  return text
    .slice(0, second?.index)
    .replaceAll(/^\|.*$/gm, blank)
    .replaceAll(/`[^`]*`/g, blank);
}

function inFileName(path: string): string[] {
  const names = path
    .replace(/(\.[a-z]+)+$/, '')
    .split('/')
    .map((part) => part.replaceAll(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()));
  return names.flatMap((name) =>
    [...refusals(Words, partsOf(name)), ...refusals(Names, [name])].map((one) => `${path}, its name: ${one}`),
  );
}

function inCode(path: string, code: string): string[] {
  return [...code.matchAll(/[A-Za-z_$][\w$]*/g)].flatMap(({ 0: name, index }) =>
    [...refusals(Words, partsOf(name)), ...refusals(Names, [name])].map(
      (one) => `${path}:${lineOf(code, index)}: ${one}`,
    ),
  );
}

function inProse(path: string, prose: string): string[] {
  const words = [...prose.matchAll(/[A-Za-z]+/g)].flatMap(({ 0: word, index }) =>
    refusals(Words, partsOf(word)).map((one) => `${path}:${lineOf(prose, index)}: ${one}`),
  );
  const phrases = Phrases.flatMap(({ pattern, say }) =>
    [...prose.matchAll(new RegExp(pattern, 'gi'))].map(
      ({ 0: found, index }) => `${path}:${lineOf(prose, index)}: '${found.replaceAll(/\s+/g, ' ')}', say: ${say}`,
    ),
  );
  return [...words, ...phrases];
}

function refusals(banned: readonly Banned[], words: readonly string[]): string[] {
  return words.flatMap((word) =>
    banned.filter(({ pattern }) => pattern.test(word)).map(({ say }) => `'${word}', say: ${say}`),
  );
}

/** `isHeirOf` is `is`, `heir` and `of`. */
const partsOf = (name: string): string[] =>
  [...name.matchAll(/[A-Z]+(?![a-z])|[A-Z]?[a-z]+/g)].map(([part]) => part.toLowerCase());

const lineOf = (text: string, index: number): number => text.slice(0, index).split('\n').length;
