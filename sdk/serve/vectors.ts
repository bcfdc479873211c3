import type { VectorOwner } from '../bus/pci/msi.ts';
import type { ClientLink } from './link.ts';
import { memoryRead, messageWrite } from './protocol.ts';

/** What interrupts go by. `send` counts as an interrupt, `ask` does not. */
export type InterruptLink = Pick<ClientLink, 'send' | 'signal' | 'takeBack' | 'watch' | 'closeDescriptor'> & {
  ask(message: DataView): void;
};

/** Carries the messages of MSI or MSI-X as the client has arranged it. */
export interface Vectors extends VectorOwner {
  /** Takes the descriptors, for vectors from `start` on; none at all: these vectors have none. */
  set(start: number, count: number, descriptors: readonly number[]): void;
  clear(): void;
}

/** An eventfd for each vector. One without may not go now. */
export class VectorEventfds implements Vectors {
  private readonly eventfds: (number | undefined)[] = [];

  constructor(
    private readonly link: InterruptLink,
    /** The vector may go from now on. */
    private readonly release: (vector: number) => void,
  ) {}

  send(vector: number): boolean {
    const eventfd = this.eventfds[vector];
    if (eventfd === undefined) return false;
    this.link.signal(eventfd);
    return true;
  }

  set(start: number, count: number, descriptors: readonly number[]): void {
    for (let index = 0; index < count; index++) {
      const before = this.eventfds[start + index];
      if (before !== undefined) this.link.closeDescriptor(before);
      this.eventfds[start + index] = descriptors[index];
    }
    for (let index = 0; index < descriptors.length; index++) this.release(start + index);
  }

  clear(): void {
    this.set(0, this.eventfds.length, []);
    this.eventfds.length = 0;
  }
}

/**
 * MSI has no pending bits of its own without per-vector masking. The guest's write enables it before the eventfds come: what is sent
 * between the two goes when they are there.
 */
export class MsiEventfds extends VectorEventfds {
  private waiting = 0;

  constructor(link: InterruptLink) {
    super(link, (vector) => {
      if ((this.waiting & (1 << vector)) === 0) return;
      this.waiting &= ~(1 << vector);
      this.send(vector);
    });
  }

  override send(vector: number): boolean {
    if (!super.send(vector)) this.waiting |= 1 << vector;
    return true;
  }

  override clear(): void {
    this.waiting = 0;
    super.clear();
  }
}

/** Without descriptors a message is what it is on the bus: a write into memory, which the client carries out. */
export class MsiWrites implements Vectors {
  constructor(
    private readonly link: InterruptLink,
    private readonly messageOf: (vector: number) => { readonly address: bigint; readonly data: number },
  ) {}

  send(vector: number): boolean {
    const { address, data } = this.messageOf(vector);
    this.link.send(messageWrite(address, data));
    return true;
  }

  set(): void {}
  clear(): void {}
}

/** The table of MSI-X, as the function knows it. */
export interface TableOfClient {
  readonly functionMasked: boolean;
  /** Where the guest has put the table; undefined while it is not decoded. */
  readonly address: number | undefined;
}

/**
 * MSI-X without descriptors. The client keeps the table in the BAR to itself, and answers when the function reads it. So the entry of
 * a vector is read before it goes. Until the answer is there the vector is pending.
 */
export class MsixWrites implements Vectors {
  /** The vector of each read that is not answered, by the number of its message. */
  private readonly asked = new Map<number, number>();
  /** What the entry of a vector says, while the vector is released. */
  private entry: { readonly vector: number; readonly address: bigint; readonly data: number } | undefined;
  private id = 0;

  constructor(
    private readonly link: InterruptLink,
    private readonly table: () => TableOfClient,
    private readonly release: (vector: number) => void,
  ) {}

  send(vector: number): boolean {
    if (this.entry?.vector === vector) {
      this.link.send(messageWrite(this.entry.address, this.entry.data));
      return true;
    }
    const { address, functionMasked } = this.table();
    const isAsked = [...this.asked.values()].includes(vector);
    if (address === undefined || functionMasked || isAsked) return false;
    this.id = (this.id + 1) & 0xffff;
    this.asked.set(this.id, vector);
    this.link.ask(memoryRead(this.id, BigInt(address + EntryBytes * vector), EntryBytes));
    return false;
  }

  /** The answer to a read. False: nothing was asked by that number. */
  take(id: number, entry: DataView | undefined): boolean {
    const vector = this.asked.get(id);
    if (vector === undefined) return false;
    this.asked.delete(id);
    if (entry === undefined || (entry.getUint32(12, true) & MaskBit) !== 0 || this.table().functionMasked) return true;
    this.entry = { vector, address: entry.getBigUint64(0, true), data: entry.getUint32(8, true) };
    this.release(vector);
    this.entry = undefined;
    return true;
  }

  /** The client has unmasked vectors: a pending one is looked up again. */
  set(start: number, count: number): void {
    for (let vector = start; vector < start + count; vector++) this.release(vector);
  }

  clear(): void {}
}

/** Of the table. @see PCI Local Bus Specification 3.0, 6.8.2.9 "Vector Control for MSI-X Table Entries" */
export const EntryBytes = 16;
const MaskBit = 1;
