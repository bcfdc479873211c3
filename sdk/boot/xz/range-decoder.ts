const ProbabilityBits = 11;
const Certain = 1 << ProbabilityBits;
export const EvenOdds = Certain >> 1;
/** How fast a probability follows what it saw. */
const Adaption = 5;
const TopByte = 0xff00_0000;
/** Turns the order of unsigned words into that of signed ones. */
const Sign = 0x8000_0000;

/** Reads bits whose probability adapts. Behind the end of the input it reads zeroes: the caller compares `at` with the chunk's end. */
export class RangeDecoder {
  at = 0;
  private range = 0;
  private code = 0;

  constructor(private readonly input: Uint8Array) {}

  /** Begins a chunk: its first byte is 0, and the next four are the code. */
  begin(at: number): boolean {
    const { input } = this;
    this.range = -1;
    this.code = (input[at + 1]! << 24) | (input[at + 2]! << 16) | (input[at + 3]! << 8) | input[at + 4]!;
    this.at = at + 5;
    return input[at] === 0;
  }

  /** Whether the encoder ended its chunk here. */
  endsAt(end: number): boolean {
    this.normalize();
    return this.code === 0 && this.at === end;
  }

  bit(probabilities: Uint16Array, index: number): number {
    this.normalize();
    const probability = probabilities[index]!;
    const bound = Math.imul(this.range >>> ProbabilityBits, probability);
    if ((this.code ^ Sign) < (bound ^ Sign)) {
      probabilities[index] = probability + ((Certain - probability) >> Adaption);
      this.range = bound;
      return 0;
    }
    probabilities[index] = probability - (probability >> Adaption);
    this.range = (this.range - bound) | 0;
    this.code = (this.code - bound) | 0;
    return 1;
  }

  /** A value of so many bits, highest first; each has a probability that depends on those before it. */
  tree(probabilities: Uint16Array, index: number, bits: number): number {
    let node = 1;
    for (let bit = 0; bit < bits; bit++) node = (node << 1) | this.bit(probabilities, index + node);
    return node - (1 << bits);
  }

  /** The same, lowest bit first. */
  reverseTree(probabilities: Uint16Array, index: number, bits: number): number {
    let node = 1;
    for (let bit = 0; bit < bits; bit++) node = (node << 1) | this.bit(probabilities, index + node);
    let value = 0;
    for (let bit = 0; bit < bits; bit++) value = (value << 1) | ((node >> bit) & 1);
    return value;
  }

  /** Bits without a probability, highest first. */
  direct(bits: number): number {
    let value = 0;
    for (let bit = 0; bit < bits; bit++) {
      this.normalize();
      this.range >>>= 1;
      const one = (this.code ^ Sign) >= (this.range ^ Sign) ? 1 : 0;
      this.code = (this.code - this.range * one) | 0;
      value = (value << 1) | one;
    }
    return value;
  }

  private normalize(): void {
    if ((this.range & TopByte) !== 0) return;
    this.range <<= 8;
    this.code = (this.code << 8) | this.input[this.at++]!;
  }
}
