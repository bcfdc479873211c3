import { shape, state } from '../../sdk/index.ts';

const Increment = 0x9e37_79b9;

/** Pseudo-random bytes from a seed, so that a run can be repeated (splitmix32). They are not fit for secrets. */
export class RandomSource {
  @state({ as: shape.bits(32) }) private position = 0;

  constructor(private readonly seed: number) {
    this.restart();
  }

  restart(): void {
    this.position = this.seed;
  }

  fill(target: Uint8Array): void {
    for (let at = 0; at < target.length; at += 4) {
      const word = this.next();
      for (let byte = 0; byte < 4 && at + byte < target.length; byte++) target[at + byte] = word >>> (8 * byte);
    }
  }

  private next(): number {
    this.position = (this.position + Increment) >>> 0;
    let mixed = this.position;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0_aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a_2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  }
}
