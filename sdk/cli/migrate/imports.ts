import type { Token } from './tokens.ts';

/** One name between the braces of an import or export. */
export interface Specifier {
  /** With `type` in front. */
  readonly isType: boolean;
  /** What the other module calls it, and what this file does. */
  readonly name: string;
  readonly local: string;
  readonly token: Token;
}

/** `import ... from 'x'` or `export ... from 'x'`; an `export { ... }` of the file's own names has no module. */
export interface ModuleDeclaration {
  readonly form: 'import' | 'export';
  readonly isType: boolean;
  /** Its tokens, from the first to the last one, which may be the semicolon. */
  readonly first: number;
  readonly last: number;
  /** Where the braces stand. */
  readonly braces: readonly [open: number, close: number] | undefined;
  readonly specifiers: readonly Specifier[];
  /** The `ns` of `* as ns`, and the name in front of the braces. */
  readonly namespace: Token | undefined;
  readonly byDefault: Token | undefined;
  readonly star: boolean;
  readonly module: Token | undefined;
}

/** Every import and export of names at the top of the tokens. */
export function moduleDeclarations(tokens: readonly Token[]): ModuleDeclaration[] {
  const found: ModuleDeclaration[] = [];
  for (let index = 0; index < tokens.length; index++) {
    const { text, owner } = tokens[index] as Token;
    if (owner !== -1 || (text !== 'import' && text !== 'export') || tokens[index - 1]?.text === '.') continue;
    const declaration = declarationAt(tokens, index, text);
    if (declaration === undefined) continue;
    found.push(declaration);
    index = declaration.last;
  }
  return found;
}

function declarationAt(
  tokens: readonly Token[],
  first: number,
  form: 'import' | 'export',
): ModuleDeclaration | undefined {
  let at = first + 1;
  const text = (ahead = 0) => tokens[at + ahead]?.text ?? '';
  const isType = text() === 'type' && /^[{*]$|^\w/.test(text(1)) && !(text(1) === 'from' && text(2) !== 'from');
  if (isType) at++;
  let byDefault: Token | undefined;
  if (form === 'import' && tokens[at]?.kind === 'word') {
    byDefault = tokens[at++];
    if (text() === ',') at++;
    else if (text() !== 'from') return undefined;
  }
  let namespace: Token | undefined;
  const star = text() === '*';
  let braces: readonly [number, number] | undefined;
  if (star) {
    at++;
    if (text() === 'as') {
      namespace = tokens[at + 1];
      at += 2;
    }
  } else if (text() === '{') {
    braces = [at, (tokens[at] as Token).closing];
    at = braces[1] + 1;
  } else if (byDefault === undefined) return undefined;
  let module: Token | undefined;
  if (text() === 'from' && tokens[at + 1]?.kind === 'string') {
    module = tokens[at + 1];
    at += 2;
    if (/^(?:with|assert)$/.test(text()) && text(1) === '{') at = (tokens[at + 1] as Token).closing + 1;
  } else if (form === 'import' || braces === undefined) return undefined;
  const last = text() === ';' ? at : at - 1;
  const specifiers = braces === undefined ? [] : specifiersOf(tokens, braces);
  return { form, isType, first, last, braces, specifiers, namespace, byDefault, star, module };
}

function specifiersOf(tokens: readonly Token[], [open, close]: readonly [number, number]): Specifier[] {
  const found: Specifier[] = [];
  let words: Token[] = [];
  for (let index = open + 1; index <= close; index++) {
    const token = tokens[index] as Token;
    if (token.text !== ',' && index !== close) {
      words.push(token);
      continue;
    }
    // `type`, `type as as x` and `type as x` are names called type; the rest is as it looks.
    const isType = words.length === 2 || words.length === 4;
    const [name, , local] = isType ? words.slice(1) : words;
    if (name !== undefined) found.push({ isType, name: name.text, local: (local ?? name).text, token: name });
    words = [];
  }
  return found;
}

/** The text of a string token. */
export const textOf = (token: Token | undefined): string | undefined => token?.text.slice(1, -1);

/** What is to stand in the place of a piece of the text. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** A text with all edits made. */
export function applied(text: string, edits: readonly Edit[]): string {
  let result = '';
  let at = 0;
  for (const { start, end, text: now } of [...edits].sort((a, b) => a.start - b.start || a.end - b.end)) {
    result += text.slice(at, start) + now;
    at = end;
  }
  return result + text.slice(at);
}

/** A specifier as it is to be written. */
interface Placed {
  readonly text: string;
  /** Comments that stand before it, and behind it on its line. */
  readonly above: readonly string[];
  readonly behind: readonly string[];
}

/** An import or export that will be in the new text. */
interface Line {
  /** The declaration that it takes the place of; undefined if it is new, and stands behind `after`. */
  readonly old: ModuleDeclaration | undefined;
  readonly after: ModuleDeclaration;
  entry: string;
  placed: Placed[];
  changed: boolean;
}

const Widest = 100;

/** Writes imports and exports anew whose names come from elsewhere, and leaves all others as they are. */
export class ImportWriter {
  private readonly lines: Line[] = [];
  private readonly moving: { readonly from: Line; readonly entry: string; readonly placed: Placed }[] = [];

  constructor(
    private readonly text: string,
    private readonly tokens: readonly Token[],
    declarations: readonly ModuleDeclaration[],
  ) {
    for (const old of declarations) {
      const entry = textOf(old.module);
      if (entry === undefined || old.braces === undefined) continue;
      this.lines.push({ old, after: old, entry, placed: this.placedOf(old), changed: false });
    }
  }

  /** Says what the specifiers of a declaration are to be and where they come from, in their order. */
  place(
    declaration: ModuleDeclaration,
    specifiers: readonly { readonly entry: string; readonly text: string }[],
  ): void {
    const line = this.lines.find(({ old }) => old === declaration);
    if (line === undefined) return;
    const before = line.placed;
    const now = specifiers.map(({ entry, text }, index) => ({ entry, placed: { ...(before[index] as Placed), text } }));
    line.changed = now.some(({ entry, placed }, index) => entry !== line.entry || placed.text !== before[index]?.text);
    line.placed = now.filter(({ entry }) => entry === line.entry).map(({ placed }) => placed);
    for (const { entry, placed } of now) if (entry !== line.entry) this.moving.push({ from: line, entry, placed });
  }

  /** A name that an entry exports, imported where the declaration stands. */
  add(declaration: ModuleDeclaration, entry: string, text: string): void {
    const from = this.lines.find(({ old }) => old === declaration);
    if (from !== undefined) this.moving.push({ from, entry, placed: { text, above: [], behind: [] } });
  }

  edits(): Edit[] {
    for (const { from, entry, placed } of this.moving) this.lineFor(from, entry).placed.push(placed);
    return this.lines.filter(({ changed }) => changed).map((line) => this.edit(line));
  }

  /**
   * Where a name that moves is written: in an import of that entry, in the place of an emptied one, or in a new one.
   */
  private lineFor(from: Line, entry: string): Line {
    const { form, isType } = from.after;
    const fits = (line: Line) => line.entry === entry && line.after.form === form && line.after.isType === isType;
    let line = this.lines.find((one) => fits(one) && (one.placed.length > 0 || one.old?.byDefault !== undefined));
    if (line === undefined && from.placed.length === 0 && from.old?.byDefault === undefined) {
      line = from;
      line.entry = entry;
    }
    if (line === undefined) {
      line = { old: undefined, after: from.after, entry, placed: [], changed: true };
      this.lines.push(line);
    }
    line.changed = true;
    return line;
  }

  private edit(line: Line): Edit {
    const { old, after } = line;
    const start = (this.tokens[after.first] as Token).start;
    const module = after.module as Token;
    const lineBreak = this.text.includes('\r\n') ? '\r\n' : '\n';
    const indent = /[ \t]*$/.exec(this.text.slice(0, start))?.[0] ?? '';
    const words = [
      after.form,
      ...(after.isType ? ['type'] : []),
      ...(old?.byDefault ? [`${old.byDefault.text},`] : []),
    ];
    const quote = module.text[0] ?? "'";
    const from = ` from ${quote}${line.entry}${quote}`;
    const written = () =>
      `${words.join(' ')} ${this.braces(line, from.length + words.join(' ').length, indent, lineBreak)}${from}`;
    const end = (this.tokens[after.last] as Token).end;
    if (old === undefined) {
      const rest = /^[ \t]*(?:\/\/[^\r\n]*|\/\*[^\n]*?\*\/[ \t]*)?(?=\r?\n|$)/.exec(this.text.slice(end))?.[0] ?? '';
      const semicolon = this.text[end - 1] === ';' ? ';' : '';
      return {
        start: end + rest.length,
        end: end + rest.length,
        text: `${lineBreak}${indent}${written()}${semicolon}`,
      };
    }
    if (line.placed.length > 0) return { start, end: module.end, text: written() };
    // All its names went into another import.
    if (old.byDefault !== undefined)
      return { start, end: module.end, text: `${old.form} ${old.byDefault.text}${from}` };
    const rest = /^[ \t]*(?:\r?\n|$)/.exec(this.text.slice(end))?.[0] ?? '';
    return { start: start - (rest === '' ? 0 : indent.length), end: end + rest.length, text: '' };
  }

  private braces({ placed }: Line, around: number, indent: string, lineBreak: string): string {
    const unique = placed.filter(({ text }, index) => placed.findIndex((one) => one.text === text) === index);
    const commented = placed.some(({ above, behind }) => above.length + behind.length > 0);
    const short = `{ ${unique.map(({ text }) => text).join(', ')} }`;
    if (!commented && indent.length + around + short.length + 2 <= Widest) return short;
    const inner = `${lineBreak}${indent}  `;
    const lines = unique.map(({ text, above, behind }) =>
      [
        ...above.map((comment) => `${inner}${comment}`),
        `${inner}${text},${behind.map((comment) => ` ${comment}`).join('')}`,
      ].join(''),
    );
    return `{${lines.join('')}${lineBreak}${indent}}`;
  }

  /** The specifiers of a declaration with the comments around each. */
  private placedOf({ braces, specifiers }: ModuleDeclaration): Placed[] {
    const [open, close] = braces as readonly [number, number];
    const found: { text: string; above: string[]; behind: string[] }[] = [];
    let waiting: string[] = [];
    let current = -1;
    for (let at = open; at < close; at++) {
      const token = this.tokens[at] as Token;
      if (at > open && token.text !== ',' && (at === open + 1 || this.tokens[at - 1]?.text === ',')) {
        current++;
        found.push({ text: '', above: waiting, behind: [] });
        waiting = [];
      }
      const gap = this.text.slice(token.end, (this.tokens[at + 1] as Token).start);
      for (const { 0: comment, index } of gap.matchAll(/\/\/[^\r\n]*|\/\*[\s\S]*?\*\//g)) {
        const isBehind = current >= 0 && !gap.slice(0, index).includes('\n');
        (isBehind ? found[current]?.behind : waiting)?.push(comment);
      }
    }
    found
      .at(-1)
      ?.behind.push(
        ...waiting.map((comment) => (comment.startsWith('//') ? `/* ${comment.slice(2).trim()} */` : comment)),
      );
    return specifiers.map(({ isType, name, local }, index) => ({
      above: found[index]?.above ?? [],
      behind: found[index]?.behind ?? [],
      text: `${isType ? 'type ' : ''}${name}${name === local ? '' : ` as ${local}`}`,
    }));
  }
}
