import { describeRange } from '../memory/index.ts';

/** A region at its place in some container: what the overlap check compares. */
export interface MappedRange {
  readonly name: string;
  /** The id of the device it belongs to; undefined for what the machine's services mapped. */
  readonly device: string | undefined;
  readonly start: number;
  readonly size: number;
  readonly priority: number;
  /** The device's option that says where it is: 'iobase'. */
  readonly option?: string | undefined;
}

/**
 * Every pair of ranges of one container that overlap with equal priority, earlier range first. Unequal priorities are
 * a decision; equal ones leave it to the order of mapping, which is never what somebody meant.
 */
export function findOverlaps<R extends MappedRange>(ranges: readonly R[]): [R, R][] {
  const overlaps: [R, R][] = [];
  let open: R[] = [];
  const inOrder = ranges.filter((range) => range.size > 0).sort((a, b) => a.start - b.start);
  for (const range of inOrder) {
    open = open.filter((earlier) => earlier.start + earlier.size > range.start);
    for (const earlier of open) {
      const ofDevice = earlier.device !== undefined || range.device !== undefined;
      if (ofDevice && earlier.priority === range.priority) overlaps.push([earlier, range]);
    }
    open.push(range);
  }
  return overlaps;
}

/** The sentence for one pair: both ranges, whose they are, and what to change. */
export function describeOverlap(
  kind: 'Ports' | 'Memory',
  [first, second]: readonly [MappedRange, MappedRange],
): string {
  const movable = [second, first].find(({ option }) => option !== undefined);
  const byOption = movable === undefined ? '' : `, or option '${movable.option}' of '${movable.device}'`;
  return (
    `${kind}: cannot map ${describeMapped(second)}: it overlaps ${describeMapped(first)} with the same priority ` +
    `${second.priority}. Move one of them with at: [place(region, address)]${byOption}, or give one a higher priority.`
  );
}

export function describeMapped({ name, device, start, size }: MappedRange): string {
  return `'${name}'${device === undefined ? '' : ` of device '${device}'`} at ${describeRange(start, size)}`;
}
