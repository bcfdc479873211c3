import type { CharBackend } from '../../sdk/backend.ts';
import { shape, state, type Timer, type VirtualClock } from '../../sdk/index.ts';
import { Fifo } from './fifo.ts';
import { type SerialLine, wordOf } from './serial-line.ts';

/** Nothing is in the shift register. */
const Idle = -1;

/** The transmitter of a UART: a FIFO and a shift register. A character that the host does not take stays in the latter. */
export class SerialTransmitter {
  @state readonly fifo: Fifo;
  @state({ as: shape.integer(Idle, 0xff) }) private shifting = Idle;
  private readonly characterSent: Timer;

  constructor(
    private readonly clock: VirtualClock,
    private readonly chardev: CharBackend,
    private readonly line: SerialLine,
    private readonly receiver: { receive(character: number): void },
    depth: number,
  ) {
    this.fifo = new Fifo(depth);
    this.characterSent = clock.timer('character-sent', () => this.finish());
  }

  get isEmpty(): boolean {
    return this.fifo.length === 0;
  }

  get isFull(): boolean {
    return this.fifo.length >= this.line.depth;
  }

  /** Nothing is on the line either. */
  get isIdle(): boolean {
    return this.isEmpty && this.shifting === Idle;
  }

  /** There must be room. */
  write(character: number): void {
    this.fifo.push(character);
    this.resume();
  }

  /** Starts or ends what had to wait: for the host, or for the chip to be enabled. */
  resume(): void {
    if (this.shifting !== Idle && !this.characterSent.pending) this.end();
    this.start();
  }

  clear(): void {
    this.fifo.clear();
  }

  reset(): void {
    this.clear();
    this.characterSent.cancel();
    this.shifting = Idle;
  }

  private start(): void {
    const { fifo, line } = this;
    while (this.shifting === Idle && fifo.length > 0 && line.maySend) {
      this.shifting = wordOf(fifo.shift(), line);
      line.onLeft();
      const time = line.transferTime;
      if (time > 0) this.characterSent.arm(this.clock.now + time);
      else this.end();
    }
  }

  private finish(): void {
    this.end();
    this.start();
  }

  private end(): void {
    if (this.line.isLooped) this.receiver.receive(this.shifting);
    else if (!this.chardev.write(this.shifting)) return;
    this.shifting = Idle;
  }
}
