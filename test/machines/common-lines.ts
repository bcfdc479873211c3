/** The longest common subsequence of two texts, by lines, and what each has besides. */
export function commonLines(
  ours: readonly string[],
  theirs: readonly string[],
): {
  readonly common: readonly string[];
  readonly onlyOurs: readonly string[];
  readonly onlyTheirs: readonly string[];
} {
  const columns = theirs.length + 1;
  /** Of the lines from (one, other) on. */
  const lengths = new Uint32Array((ours.length + 1) * columns);
  for (let one = ours.length - 1; one >= 0; one--) {
    for (let other = theirs.length - 1; other >= 0; other--) {
      const at = one * columns + other;
      lengths[at] =
        ours[one] === theirs[other]
          ? lengths[at + columns + 1]! + 1
          : Math.max(lengths[at + columns]!, lengths[at + 1]!);
    }
  }
  const [common, onlyOurs, onlyTheirs]: string[][] = [[], [], []];
  let [one, other] = [0, 0];
  while (one < ours.length && other < theirs.length) {
    const at = one * columns + other;
    if (ours[one] === theirs[other]) {
      common!.push(ours[one++]!);
      other++;
    } else if (lengths[at + columns]! >= lengths[at + 1]!) onlyOurs!.push(ours[one++]!);
    else onlyTheirs!.push(theirs[other++]!);
  }
  return {
    common: common!,
    onlyOurs: [...onlyOurs!, ...ours.slice(one)],
    onlyTheirs: [...onlyTheirs!, ...theirs.slice(other)],
  };
}
