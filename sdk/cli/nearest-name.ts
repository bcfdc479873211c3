/** How many single-letter edits (insert, delete, replace, swap of neighbours) turn one word into the other. */
function editDistance(from: string, to: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const replaced = (previous[column - 1] ?? 0) + (from[row - 1] === to[column - 1] ? 0 : 1);
      let best = Math.min(replaced, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1);
      if (row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]) {
        best = Math.min(best, (beforePrevious[column - 2] ?? 0) + 1);
      }
      current.push(best);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[to.length] ?? 0;
}

/** The known name that a misspelt one most likely means, or nothing when none is close. */
export function nearestName(misspelt: string, known: Iterable<string>): string | undefined {
  const word = misspelt.toLowerCase();
  let nearest: string | undefined;
  let smallest = Math.max(2, Math.ceil(word.length / 3)) + 1;
  for (const name of known) {
    const candidate = name.toLowerCase();
    const distance = candidate.startsWith(word) && word.length >= 3 ? 1 : editDistance(word, candidate);
    if (distance < smallest && distance < Math.max(word.length, candidate.length)) {
      nearest = name;
      smallest = distance;
    }
  }
  return nearest;
}

/** The end of an error message: what was probably meant, or everything there is when that is short. */
export function didYouMean(misspelt: string, known: readonly string[], listedBy?: string): string {
  const nearest = nearestName(misspelt, known);
  if (nearest !== undefined) return `Did you mean '${nearest}'?`;
  return listedBy === undefined ? `Known: ${known.join(', ')}.` : `'${listedBy}' lists them.`;
}
