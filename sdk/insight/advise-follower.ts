const MostRemembered = 1024;
const LeastGain = 8;
const LeastShare = 0.1;

/**
 * A read that follows a write, and whether what it gives depends on what was written: two guesses compete, that it gives
 * what it gave last, and that it gives what it gave last after the same value. Only where the second is right clearly
 * more often does the write decide.
 */
export class Follower {
  count = 0;
  private last = -1;
  private guessed = 0;
  private guessedByValue = 0;
  private readonly afterValue = new Map<number, number>();

  add(written: number, read: number): void {
    this.count++;
    if (this.last === read) this.guessed++;
    const before = this.afterValue.get(written);
    if (before === undefined ? this.last === read : before === read) this.guessedByValue++;
    this.last = read;
    if (before !== undefined || this.afterValue.size < MostRemembered) this.afterValue.set(written, read);
  }

  get depends(): boolean {
    const gain = this.guessedByValue - this.guessed;
    return gain >= LeastGain && gain >= this.count * LeastShare;
  }
}
