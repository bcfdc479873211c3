/** The known name that a mistyped one most likely meant, or nothing when none is close. Leading dashes do not count. */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  const plain = (text: string) => text.replace(/^-+/, '').toLowerCase();
  const word = plain(name);
  let best: string | undefined;
  let fewest = Math.ceil(word.length / 3) + 1;
  for (const candidate of known) {
    const meant = plain(candidate);
    const edits = meant.startsWith(word) && word.length >= 3 ? 1 : editDistance(word, meant);
    if (edits < fewest && edits < Math.max(word.length, meant.length)) {
      best = candidate;
      fewest = edits;
    }
  }
  return best;
}

/** How many single-letter edits turn one word into the other: insert, delete, replace, swap two neighbours. */
function editDistance(from: string, to: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const replaced = (previous[column - 1] as number) + (from[row - 1] === to[column - 1] ? 0 : 1);
      let best = Math.min(replaced, (previous[column] as number) + 1, (current[column - 1] as number) + 1);
      if (row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]) {
        best = Math.min(best, (beforePrevious[column - 2] as number) + 1);
      }
      current.push(best);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[to.length] as number;
}
