import { EvenOdds, type RangeDecoder } from './range-decoder.ts';

/** States below this one come behind a literal. */
const FirstMatchState = 7;
const States = 12;
/** At most 4 bits of the position count. */
const Positions = 16;
/** Of a match's length: 2, 3, 4, and longer ones. */
const LengthClasses = 4;
const SlotBits = 6;
/** Distances of slots 4 to 13 have bits with probabilities of their own; those above have direct bits, and four of these. */
const FirstWideSlot = 4;
const FirstDirectSlot = 14;
const AlignBits = 4;
/** A length: two choices, 8 short ones and 8 middle ones for each position, and 256 long ones. */
const Length = { IsNotShort: 0, IsLong: 1, Short: 2, Middle: 2 + 8 * Positions, Long: 2 + 16 * Positions } as const;
const LengthSize = Length.Long + 256;
const LiteralSize = 0x300;
/** LZMA2 allows no more bits of context. */
const MostLiteralBits = 4;

/** Where the probabilities of each kind of bit begin. */
const IsMatch = 0;
const IsRepeat = IsMatch + States * Positions;
const IsNotFirst = IsRepeat + States;
const IsNotSecond = IsNotFirst + States;
const IsFourth = IsNotSecond + States;
const IsLongFirst = IsFourth + States;
const Slots = IsLongFirst + States * Positions;
const Special = Slots + (LengthClasses << SlotBits);
const Align = Special + 128;
const MatchLength = Align + (1 << AlignBits);
const RepeatLength = MatchLength + LengthSize;
const Literals = RepeatLength + LengthSize;

/** Decodes LZMA into `output`, which is its dictionary too. @see LZMA specification by Igor Pavlov */
export class LzmaDecoder {
  /** Where the next byte goes. */
  at = 0;
  /** Where the dictionary begins. */
  start = 0;
  private readonly probabilities = new Uint16Array(Literals + (LiteralSize << MostLiteralBits));
  private state = 0;
  private readonly distances = new Uint32Array(4);
  private contextBits = 0;
  private literalMask = 0;
  private positionMask = 0;

  constructor(
    private readonly range: RangeDecoder,
    private readonly output: Uint8Array,
    private readonly dictionarySize: number,
  ) {}

  /** False for a byte of properties that LZMA2 does not have. */
  setProperties(byte: number): boolean {
    const [context, literal, position] = [byte % 9, Math.floor(byte / 9) % 5, Math.floor(byte / 45)];
    this.contextBits = context;
    this.literalMask = (1 << literal) - 1;
    this.positionMask = (1 << position) - 1;
    return position <= 4 && context + literal <= MostLiteralBits;
  }

  reset(): void {
    this.probabilities.fill(EvenOdds);
    this.state = 0;
    this.distances.fill(0);
  }

  /** Bytes that are not packed. */
  store(bytes: Uint8Array): void {
    this.output.set(bytes, this.at);
    this.at += bytes.length;
  }

  /** Decodes until `end`. False if a match begins before the dictionary or goes beyond the end. */
  decode(end: number): boolean {
    const { range, probabilities, positionMask } = this;
    while (this.at < end) {
      const position = (this.at - this.start) & positionMask;
      if (range.bit(probabilities, IsMatch + this.state * Positions + position) === 0) this.literal();
      else if (!this.copy(this.match(position), end)) return false;
    }
    return true;
  }

  private literal(): void {
    const { range, probabilities, output, at, state } = this;
    const before = at === this.start ? 0 : output[at - 1]!;
    const context = (((at - this.start) & this.literalMask) << this.contextBits) + (before >> (8 - this.contextBits));
    const table = Literals + LiteralSize * context;
    let node = 1;
    // Behind a match the byte differs from the one that would have gone on with it: its bits choose, until the first that differs.
    if (state >= FirstMatchState) {
      let expected = output[at - 1 - this.distances[0]!]! << 1;
      for (let offset = 0x100; node < 0x100 && offset !== 0; expected <<= 1) {
        const wanted = expected & offset;
        const bit = range.bit(probabilities, table + offset + wanted + node);
        node = (node << 1) | bit;
        offset = bit ? wanted : offset - wanted;
      }
    }
    while (node < 0x100) node = (node << 1) | range.bit(probabilities, table + node);
    output[at] = node;
    this.at = at + 1;
    this.state = state < 4 ? 0 : state < 10 ? state - 3 : state - 6;
  }

  /** Its distance becomes the first of the last four; answers its length. */
  private match(position: number): number {
    const { range, probabilities, distances } = this;
    if (range.bit(probabilities, IsRepeat + this.state) !== 0) return this.repeat(position);
    const length = this.length(MatchLength, position);
    distances.copyWithin(1, 0, 3);
    this.state = this.state < FirstMatchState ? 7 : 10;
    const kind = Math.min(length - 2, LengthClasses - 1);
    const slot = range.tree(probabilities, Slots + (kind << SlotBits), SlotBits);
    const bits = (slot >> 1) - 1;
    let distance = slot < FirstWideSlot ? slot : (2 | (slot & 1)) << bits;
    if (slot >= FirstDirectSlot) {
      distance += range.direct(bits - AlignBits) << AlignBits;
      distance += range.reverseTree(probabilities, Align, AlignBits);
    } else if (slot >= FirstWideSlot) {
      distance += range.reverseTree(probabilities, Special + distance - slot - 1, bits);
    }
    distances[0] = distance;
    return length;
  }

  /** A match with one of the last four distances. */
  private repeat(position: number): number {
    const { range, probabilities, distances, state } = this;
    if (range.bit(probabilities, IsNotFirst + state) === 0) {
      if (range.bit(probabilities, IsLongFirst + state * Positions + position) === 0) {
        this.state = state < FirstMatchState ? 9 : 11;
        return 1;
      }
    } else {
      const isSecond = range.bit(probabilities, IsNotSecond + state) === 0;
      const which = isSecond ? 1 : 2 + range.bit(probabilities, IsFourth + state);
      const distance = distances[which]!;
      distances.copyWithin(1, 0, which);
      distances[0] = distance;
    }
    this.state = state < FirstMatchState ? 8 : 11;
    return this.length(RepeatLength, position);
  }

  private length(table: number, position: number): number {
    const { range, probabilities } = this;
    const short = table + Length.Short + 8 * position;
    if (range.bit(probabilities, table + Length.IsNotShort) === 0) return 2 + range.tree(probabilities, short, 3);
    const middle = table + Length.Middle + 8 * position;
    if (range.bit(probabilities, table + Length.IsLong) === 0) return 10 + range.tree(probabilities, middle, 3);
    return 18 + range.tree(probabilities, table + Length.Long, 8);
  }

  private copy(length: number, end: number): boolean {
    const { output, at } = this;
    const distance = this.distances[0]!;
    if (distance >= at - this.start || distance >= this.dictionarySize || length > end - at) return false;
    for (let to = at, from = at - distance - 1; to < at + length; ) output[to++] = output[from++]!;
    this.at = at + length;
    return true;
  }
}
