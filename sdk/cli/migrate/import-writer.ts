import { type ModuleDeclaration, textOf } from './module-declarations.ts';
import type { Token } from './tokens.ts';

/** What is to stand in the place of a piece of the text. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
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
