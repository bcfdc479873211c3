/** One line on a terminal that says what is under way; nothing where standard error is none. */
export class Progress {
  readonly #isTerminal = process.stderr.isTTY === true;
  readonly #started = performance.now();

  show(what: string): void {
    if (!this.#isTerminal) return;
    const seconds = Math.round((performance.now() - this.#started) / 1000);
    process.stderr.write(`\r\x1b[K${what} (${seconds} s)`);
  }

  clear(): void {
    if (this.#isTerminal) process.stderr.write('\r\x1b[K');
  }
}
