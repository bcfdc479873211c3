import { BackplaneError } from '../../base/errors.ts';
import { describeRange } from '../../memory/index.ts';
import type { CodePiece, GuestCode } from './code.ts';

interface NamedPiece extends CodePiece {
  /** Of its guest. */
  readonly name: string;
}

const endOf = ({ address, bytes }: CodePiece): number => address + bytes.length;
const described = ({ name, address, bytes }: NamedPiece): string =>
  `'${name}' at ${describeRange(address, bytes.length)}`;

/**
 * Refuses pieces of which one would overwrite another, within a guest or of two guests. The same bytes may be given twice: two vCPUs
 * can begin in one binary.
 *
 * @throws BackplaneError `overlapping-code`
 */
export function refuseOverlaps(guests: readonly GuestCode[]): void {
  const pieces = guests.flatMap(({ name, pieces: own }) => own.map(({ address, bytes }) => ({ name, address, bytes })));
  pieces.sort((one, other) => one.address - other.address);
  let highest: NamedPiece | undefined;
  for (const piece of pieces) {
    const isBehind = highest === undefined || piece.address >= endOf(highest);
    if (!isBehind && differ(highest!, piece)) throw overlap(highest!, piece);
    if (isBehind || endOf(piece) > endOf(highest!)) highest = piece;
  }
}

/** Whether they have different bytes where both are; the second begins within the first. */
function differ(first: CodePiece, second: CodePiece): boolean {
  const offset = second.address - first.address;
  const shared = Math.min(first.bytes.length - offset, second.bytes.length);
  for (let index = 0; index < shared; index++) if (first.bytes[offset + index] !== second.bytes[index]) return true;
  return false;
}

function overlap(first: NamedPiece, second: NamedPiece): BackplaneError {
  const shared = describeRange(second.address, Math.min(endOf(first), endOf(second)) - second.address);
  return new BackplaneError(
    'overlapping-code',
    `${described(first)} and ${described(second)} overlap at ${shared}, with different bytes. Give one of them another address.`,
  );
}
