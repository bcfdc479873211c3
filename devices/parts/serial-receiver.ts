import type { CharBackend } from '../../sdk/backend.ts';
import { state, type Timer, type VirtualClock } from '../../sdk/index.ts';
import { Fifo } from './fifo.ts';
import { type SerialLine, wordOf } from './serial-line.ts';

/**
 * The receiver of a UART. It takes characters of the host one by one, at the rate of the line. Without room for one the host waits,
 * as with flow control.
 */
export class SerialReceiver {
  /** Characters, and above their bits what the chip wants to know of them. */
  @state readonly fifo: Fifo;
  private readonly arrival: Timer;
  private readonly silence: Timer;

  constructor(
    private readonly clock: VirtualClock,
    private readonly chardev: CharBackend,
    private readonly line: SerialLine,
    depth: number,
  ) {
    this.fifo = new Fifo(depth);
    this.arrival = clock.timer('arrival', () => {
      if (this.isWanted) this.takeOne();
      this.listen();
    });
    this.silence = clock.timer('silence', () => {
      if (this.fifo.length > 0) line.onSilence();
    });
  }

  get isFull(): boolean {
    return this.fifo.length >= this.line.depth;
  }

  /** A character is complete. It is lost if there is no room. */
  receive(character: number): void {
    const isLost = this.isFull;
    if (!isLost) this.fifo.push(character);
    this.line.onReceived(character, isLost);
    this.awaitSilence();
  }

  /** Starts the next character of the host, if there is one and room for it. */
  listen(): void {
    while (!this.arrival.pending && this.isWanted) {
      const time = this.line.transferTime;
      if (time > 0) this.arrival.arm(this.clock.now + time);
      else this.takeOne();
    }
  }

  awaitSilence(): void {
    const time = this.line.silenceTime;
    if (time > 0 && this.fifo.length > 0) this.silence.arm(this.clock.now + time);
    else this.silence.cancel();
  }

  clear(): void {
    this.fifo.clear();
    this.silence.cancel();
  }

  reset(): void {
    this.clear();
    this.arrival.cancel();
    this.listen();
  }

  private get isWanted(): boolean {
    return this.chardev.waiting > 0 && this.line.mayReceive && !this.isFull;
  }

  private takeOne(): void {
    this.receive(wordOf(this.chardev.read(), this.line));
  }
}
