/** The 8259A has eight inputs. */
export const Inputs = 8;

/** The input at a rank. Rank 0 is the highest priority, which `highest` has; the others follow in a circle. */
export const inputOfRank = (rank: number, highest: number): number => (rank + highest) % Inputs;

/**
 * The rank of the highest input in `bits`; 8 if there is none.
 *
 * @see Intel 8259A datasheet, "Priority Resolver" and "Automatic Rotation"
 */
export function highestRank(bits: number, highest: number): number {
  for (let rank = 0; rank < Inputs; rank++) if (bits & (1 << inputOfRank(rank, highest))) return rank;
  return Inputs;
}
