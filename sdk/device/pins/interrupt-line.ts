import { state } from '../../state/schema.ts';
import type { InterruptPin } from './interrupt-pin.ts';

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
  private readonly sinks: ((level: boolean) => void)[] = [];

  constructor(readonly name: string) {}

  get level(): boolean {
    return this.raised > 0;
  }

  /** Whether anything is connected to it. */
  get connected(): boolean {
    return this.sinks.length > 0;
  }

  /** The line's own input, for what has no pin; ORed with the rest. */
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

  /** The pins were restored without calls: counts which of them are high. The sinks are restored by themselves. */
  onStateLoaded(): void {
    this.raised = this.own ? 1 : 0;
    for (const puller of this.pullers) {
      puller.up = puller.pin.level;
      if (puller.up) this.raised++;
    }
  }

  /** Connects an interrupt controller's input, which is called at once if the line is high. Answers how to disconnect it. */
  connect(sink: (level: boolean) => void): () => void {
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
