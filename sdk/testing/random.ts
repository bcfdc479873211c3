/** Random numbers that one seed repeats (mulberry32). */
export class Random {
  constructor(private state: number) {}

  bits(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** 0 <= n < limit */
  below(limit: number): number {
    return Math.floor((this.bits() / 2 ** 32) * limit);
  }

  bits64(): bigint {
    return (BigInt(this.bits()) << 32n) | BigInt(this.bits());
  }

  byte(): number {
    return this.bits() & 0xff;
  }

  /** True once in `n`. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }

  /** Calls one of the actions, each as likely as its weight says. */
  weighted(actions: readonly (readonly [weight: number, action: () => void])[]): void {
    let rest = this.below(actions.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, action] of actions) {
      rest -= weight;
      if (rest < 0) {
        action();
        return;
      }
    }
  }
}
