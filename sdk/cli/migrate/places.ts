import { type Edit, textOf } from './imports.ts';
import type { NameChange, NameTable } from './names.ts';
import type { Token } from './tokens.ts';

/** Something that was done or is left to do, and the line where. */
export interface Note {
  readonly line: number;
  readonly what: string;
}

interface Place {
  readonly offset: number;
  readonly what: string;
}

/** What is to be written into a text, and what is said about its places. */
export class Places {
  readonly edits: Edit[] = [];
  private readonly replaced = new Set<number>();
  private readonly changes: Place[] = [];
  private readonly left: Place[] = [];

  constructor(private readonly text: string) {}

  isEdited({ start }: Token): boolean {
    return this.replaced.has(start);
  }

  replace({ start, end }: Token, text: string): void {
    this.replaced.add(start);
    this.edits.push({ start, end, text });
  }

  change({ start }: Token, what: string): void {
    this.changes.push({ offset: start, what });
  }

  leave(token: Token | undefined, what: string): void {
    this.leaveAt(token?.start ?? 0, what);
  }

  leaveAt(offset: number, what: string): void {
    this.left.push({ offset, what });
  }

  /** The notes by line: of the text as it was, or as it is `written`. */
  notes(written: string | undefined): { readonly changes: readonly Note[]; readonly left: readonly Note[] } {
    const lineOf = linesOf(written ?? this.text);
    const edits = [...this.edits].sort((a, b) => a.start - b.start || a.end - b.end);
    const numbered = (places: readonly Place[]) => {
      const inOrder = places.toSorted((a, b) => a.offset - b.offset);
      const offsets = inOrder.map(({ offset }) => offset);
      const now = written === undefined ? offsets : this.after(edits, offsets);
      return inOrder
        .map(({ what }, index) => ({ line: lineOf(now[index] ?? 0), what }))
        .sort((a, b) => a.line - b.line);
    };
    return { changes: numbered(this.changes), left: numbered(this.left) };
  }

  /** Where places are once the edits are made, both in order. A word that was written anew is looked for in its edit. */
  private after(edits: readonly Edit[], offsets: readonly number[]): number[] {
    let moved = 0;
    let next = 0;
    return offsets.map((offset) => {
      for (; ; next++) {
        const edit = edits[next];
        if (edit === undefined || edit.start > offset) return offset + moved;
        const { start, end, text } = edit;
        if (end > offset) {
          const word = /^[\w$]+/.exec(this.text.slice(offset, Math.min(end, offset + 100)))?.[0] ?? '';
          const whole = new RegExp(`(?<![\\w$])${word.replaceAll('$', '\\$')}(?![\\w$])`);
          return start + moved + Math.max(0, text.search(whole));
        }
        moved += text.length - (end - start);
      }
    });
  }
}

/** Answers the line of an offset. */
function linesOf(text: string): (offset: number) => number {
  const breaks = [...text.matchAll(/\n/g)].map(({ index }) => index);
  return (offset) => {
    let [low, high] = [0, breaks.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((breaks[middle] as number) < offset) low = middle + 1;
      else high = middle;
    }
    return low + 1;
  };
}

/** What became of a name. */
export function sentenceOf(name: string, change: NameChange, entry: string): string {
  if ('gone' in change) return `no entry exports it any more. ${change.gone}`;
  if ('typeOnly' in change) {
    const place = change.entry === undefined ? '' : `, of '${change.entry}'`;
    return `it is a type only${place}. ${change.typeOnly}`;
  }
  return `it is '${change.name ?? name}' of '${change.entry ?? entry}' now.`;
}

/** Modules that are asked for while the program runs, mocked, or added to. */
export function reportLate(tokens: readonly Token[], names: NameTable, places: Places): void {
  for (const [at, token] of tokens.entries()) {
    const entry = token.kind === 'string' ? textOf(token) : undefined;
    if (entry === undefined || !Object.hasOwn(names, entry)) continue;
    const [before, called] = [tokens[at - 1]?.text, tokens[at - 2]?.text ?? ''];
    const isAsked =
      before === '(' && /^(?:import|require|resolve|mock|doMock|unmock|doUnmock|importActual|importMock)$/.test(called);
    if (isAsked || (before === 'module' && called === 'declare'))
      places.leave(token, `'${entry}' is not imported by a declaration here: look whether its names are still there.`);
  }
}

/** The name that a change gives. */
export const nameOf = (change: NameChange | undefined): string | undefined =>
  change !== undefined && 'name' in change ? change.name : undefined;
