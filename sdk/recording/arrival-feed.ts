import type { Machine } from '../machine/index.ts';
import type { Arrival } from './arrivals.ts';

/** So many arrivals wait in the inbox of a machine at once. */
const MostAhead = 256;
/** And about so many bytes. */
const MostBytesAhead = 65_536;

/** Puts what came from outside into the inbox of a replaying machine, a little ahead of its delivery. */
export class ArrivalFeed {
  /** Arrivals that were delivered. */
  delivered = 0;
  private posted = 0;
  private bytes = 0;

  constructor(
    private readonly machine: Machine,
    private readonly arrivals: readonly Arrival[],
  ) {
    machine.inbox.recorder = () => this.note();
    this.feed();
  }

  /** Arrivals that have not come yet. */
  get left(): number {
    return this.arrivals.length - this.delivered;
  }

  /** The next one comes at this operation, or should have come already. */
  isDueAt(operations: number): boolean {
    return (this.arrivals[this.delivered]?.before ?? Number.POSITIVE_INFINITY) <= operations;
  }

  /** What is delivered is as large as when it was recorded, unless the replay has parted. */
  private note(): void {
    const arrival = this.arrivals[this.delivered++];
    this.bytes -= sizeOf(arrival);
    if (this.bytes < MostBytesAhead / 2) this.feed();
  }

  private feed(): void {
    while (this.posted < this.arrivals.length) {
      if (this.posted - this.delivered >= MostAhead) return;
      if (this.bytes >= MostBytesAhead && this.posted > this.delivered) return;
      const arrival = this.arrivals[this.posted++] as Arrival;
      this.bytes += sizeOf(arrival);
      this.machine.inbox.post(arrival.event, arrival.before, arrival.at);
    }
  }
}

const sizeOf = (arrival: Arrival | undefined): number =>
  arrival?.event.kind === 'receive' ? arrival.event.bytes.length : 0;
