import type { Edit } from './imports.ts';
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
  private readonly changes: Place[] = [];
  private readonly left: Place[] = [];

  constructor(private readonly text: string) {}

  isEdited({ start }: Token): boolean {
    return this.edits.some((edit) => edit.start === start);
  }

  replace({ start, end }: Token, text: string): void {
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
    const numbered = (places: readonly Place[]) =>
      places
        .map(({ offset, what }) => ({ line: lineOf(written === undefined ? offset : this.after(edits, offset)), what }))
        .sort((a, b) => a.line - b.line);
    return { changes: numbered(this.changes), left: numbered(this.left) };
  }

  /** Where a place is once the edits are made. A word that was written anew is looked for in what took its place. */
  private after(edits: readonly Edit[], offset: number): number {
    let moved = 0;
    for (const { start, end, text } of edits) {
      if (start > offset) break;
      if (end > offset) {
        const word = /^[\w$]+/.exec(this.text.slice(offset, Math.min(end, offset + 100)))?.[0] ?? '';
        return (
          start + moved + Math.max(0, text.search(new RegExp(`(?<![\\w$])${word.replaceAll('$', '\\$')}(?![\\w$])`)))
        );
      }
      moved += text.length - (end - start);
    }
    return offset + moved;
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
