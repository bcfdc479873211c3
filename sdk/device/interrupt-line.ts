import type { InterruptPin, InterruptSink } from './interrupt-pin.ts';
import { state } from './state.ts';

/** A pin on the line, and whether it pulls. */
interface Puller {
  readonly pin: InterruptPin;
  up: boolean;
}

/**
 * A wire that several pins may share: high while at least one of them is. It counts who pulls it up, so that one device
 * lowering its pin does not take away another's interrupt.
 */
export class InterruptLine {
  private raised = 0;
  @state private own = false;
  private readonly pullers = new Set<Puller>();
  private readonly sinks: InterruptSink[] = [];

  constructor(readonly name: string) {}

  get level(): boolean {
    return this.raised > 0;
  }

  /** Whether anybody hears it. */
  get connected(): boolean {
    return this.sinks.length > 0;
  }

  /** For whoever has no pin: the line's own input, ORed with the rest. */
  set(level: boolean): void {
    if (this.own === level) return;
    this.own = level;
    this.pull(level);
  }

  /** One more device on the line. Answers how to take it off. */
  attach(pin: InterruptPin): () => void {
    const puller = { pin, up: false };
    this.pullers.add(puller);
    const cut = pin.connect((level) => {
      if (level === puller.up) return;
      puller.up = level;
      this.pull(level);
    });
    return () => {
      cut();
      this.pullers.delete(puller);
    };
  }

  /** The pins were restored without telling anybody: counts anew who pulls. Those who hear the line are restored too. */
  onStateLoaded(): void {
    this.raised = this.own ? 1 : 0;
    for (const puller of this.pullers) {
      puller.up = puller.pin.level;
      if (puller.up) this.raised++;
    }
  }

  /**
   * Who hears the line: an interrupt controller's input. It hears the present level at once if that is high, and answers how to
   * take it off; an input on no line is low.
   */
  connect(sink: InterruptSink): () => void {
    this.sinks.push(sink);
    if (this.level) sink(true);
    return () => {
      const index = this.sinks.indexOf(sink);
      if (index < 0) return;
      this.sinks.splice(index, 1);
      if (this.level) sink(false);
    };
  }

  private pull(up: boolean): void {
    const before = this.level;
    this.raised += up ? 1 : -1;
    for (const sink of this.sinks) {
      if (this.level === before) return;
      sink(!before);
    }
  }
}
