import { readFileSync, realpathSync, statSync } from 'node:fs';
import { BackplaneError } from '../../base/errors.ts';
import { reasonOf } from '../../base/system-errors.ts';
import { attempt, type OutputKind, writeOutput } from '../files.ts';
import type { Piece } from './rewrite.ts';

const source: OutputKind = { option: 'migrate', what: 'source', example: 'my-uart.ts', isOne: () => true };
const refusal = (code: string, file: string, why: string, cause?: unknown): BackplaneError =>
  new BackplaneError(code, `migrate '${file}': ${why}`, { cause });
const unreadable = (file: string) => (cause: unknown) =>
  refusal('file-not-readable', file, `cannot be read (${reasonOf(cause)}).`, cause);

/** What a file is by its name; others are refused. */
export function kindOf(file: string): 'code' | 'javascript' | 'page' {
  if (/\.[cm]?js$/i.test(file)) return 'javascript';
  if (/\.[cm]?[jt]s$/i.test(file)) return 'code';
  if (/\.(?:md|markdown)$/i.test(file)) return 'page';
  throw refusal(
    'not-a-source-file',
    file,
    'this is not a .ts, .mts, .cts, .js, .mjs, .cjs or .md file. Leave it out, and change it by hand.',
  );
}

export const realPathOf = (file: string): string => attempt(() => realpathSync(file), unreadable(file));

/** Sources are far smaller; the search for what is blank would need too much of the stack. */
const SizeLimit = 4 << 20;

/** Refuses what is no regular file, before it is read: a named pipe that nothing writes to would never end. */
export function expectFile(file: string): void {
  const found = attempt(() => statSync(file), unreadable(file));
  if (found.isDirectory()) throw refusal('not-a-file', file, 'this is a folder. Give the files in it.');
  if (found.size > SizeLimit)
    throw refusal('not-a-source-file', file, `this has more than ${SizeLimit >> 20} MiB. Leave it out.`);
  if (!found.isFile()) throw refusal('not-a-file', file, 'this is not a regular file. Leave it out.');
}

/** The text of a file, byte order mark and all. */
export function readSource(file: string): string {
  expectFile(file);
  const bytes = attempt(() => readFileSync(file), unreadable(file));
  const text = attempt(
    () => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes),
    (cause) => refusal('not-a-source-file', file, 'this is not a text in UTF-8. Leave it out.', cause),
  );
  if (text.includes('\0'))
    throw refusal('not-a-source-file', file, 'this is not a text, since it has a byte 0. Leave it out.');
  if (/\r(?!\n)|[\u2028\u2029]/.test(text))
    throw refusal(
      'not-a-source-file',
      file,
      'it has line ends other than LF and CR LF. Write those, and migrate again.',
    );
  return text;
}

/** Writes a file anew, whole or not at all, if it is still what was read. */
export function rewriteSource(file: string, before: string, text: string): void {
  if (readSource(file) !== before)
    throw refusal('file-changed', file, 'it changed meanwhile, and is not overwritten. Migrate it again.');
  writeOutput(source, file, text);
}

/** A line of three backticks or tildes or more, with the language behind it, and the marks of a quotation in front. */
const Fence = /^([ \t>]*)(`{3,}|~{3,})[ \t]*(\w*)[^\n]*$/gm;
const languages = /^(?:[cm]?[jt]sx?|typescript|javascript)$/i;
const javaScript = /^(?:[cm]?js|javascript)$/i;

interface Block {
  readonly fence: string;
  readonly language: string;
  readonly from: number;
  readonly refused: string | undefined;
}

/** The fenced blocks of a page that are TypeScript or JavaScript, without their fences; some are only reported. */
export function piecesOf(text: string, kind: 'code' | 'javascript' | 'page'): Piece[] {
  if (kind !== 'page') return [{ from: 0, to: text.length, isJavaScript: kind === 'javascript' }];
  const pieces: Piece[] = [];
  let begun: Block | undefined;
  const end = (block: Block, to: number, refused = block.refused) => {
    if (!languages.test(block.language)) return;
    const isJavaScript = javaScript.test(block.language);
    pieces.push({ from: block.from, to: Math.max(block.from, to), isJavaScript, ...(refused && { refused }) });
  };
  for (const { 0: line, 1: indent = '', 2: fence = '', 3: language = '', index } of text.matchAll(Fence)) {
    if (begun === undefined) {
      const from = Math.min(text.length, index + line.length + 1);
      begun = { fence, language, from, refused: refusedBy(indent, language) };
    } else if (fence.startsWith(begun.fence) && line.trim().replaceAll('>', '').trim() === fence) {
      end(begun, index);
      begun = undefined;
    }
  }
  if (begun !== undefined) end(begun, text.length, 'this block has no fence at its end');
  return pieces;
}

function refusedBy(indent: string, language: string): string | undefined {
  if (indent.includes('>')) return "each line of this block has a '>' in front";
  return /x$/i.test(language) ? `this block is '${language}'` : undefined;
}
