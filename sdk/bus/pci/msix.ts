import { BackplaneError } from '../../base/errors.ts';
import { state } from '../../state/schema.ts';
import type { PciConfigSpace } from './config-space.ts';
import type { MessageSignalledInterrupts, VectorOwner } from './msi.ts';
import {
  EntryWords,
  MsixControl,
  type MsixPlace,
  type MsixSpec,
  msixControlAt,
  pendingWords,
  VectorControl,
  VectorMask,
} from './msix-declaration.ts';

/**
 * MSI-X of one function. A message is a 32-bit write by the function as bus master. The table entry of its vector has
 * address and data. A vector that is masked, by its entry or with all others, stays pending, and is sent once when it
 * is unmasked.
 *
 * @see PCI Local Bus Specification 3.0, 6.8.2 "MSI-X Capability and Table Structures" and 6.8.3.4 "Per-vector Masking"
 */
export class MsiX {
  /** Four words for each vector: address, upper address, data, vector control. */
  @state private readonly entries: Uint32Array;
  /** A bit for each vector, in the order of the guest's. */
  @state private readonly pendingBits: Uint32Array;
  /** In place of the table in the BAR; undefined gives the table back. */
  owner: VectorOwner | undefined;
  /** How many vectors the function has. 0: its class has no `@msix`. */
  readonly vectors: number;
  readonly table: MsixPlace;
  /** The pending bits. */
  readonly pba: MsixPlace;

  /** @internal */
  constructor(
    private readonly config: PciConfigSpace,
    /** Where the capability is. */
    private readonly offset: number | undefined,
    declaration: MsixSpec | undefined,
    private readonly messages: Pick<MessageSignalledInterrupts, 'transmit' | 'observe'>,
  ) {
    const { vectors = 0, table = noPlace, pba = noPlace } = declaration ?? {};
    this.vectors = vectors;
    this.table = table;
    this.pba = pba;
    this.entries = new Uint32Array(EntryWords * vectors);
    this.pendingBits = new Uint32Array(pendingWords(vectors));
    this.reset();
  }

  /** The guest wants MSI-X; MSI and the pin are not used meanwhile. */
  get enabled(): boolean {
    return (this.control & MsixControl.Enable) !== 0;
  }

  /** The guest masks all vectors at once. */
  get functionMasked(): boolean {
    return (this.control & MsixControl.FunctionMask) !== 0;
  }

  /** Whether the vector waits to be sent. */
  isPending(vector: number): boolean {
    return ((this.pendingBits[vector >>> 5] as number) & (1 << (vector & 31))) !== 0;
  }

  /**
   * Sends it, or keeps it pending. False: the guest has not enabled MSI-X. A message is lost without an error where nothing is
   * mapped, or if the function is no bus master.
   */
  send(vector = 0): boolean {
    if (!this.enabled) return false;
    if (!Number.isInteger(vector) || vector < 0 || vector >= this.vectors) throw unknownVector(vector, this.vectors);
    this.setPending(vector, !this.sent(vector));
    return true;
  }

  /** The owner lets the vector go now: a pending one is sent. */
  release(vector: number): void {
    if (this.isPending(vector) && this.enabled && this.sent(vector)) this.setPending(vector, false);
  }

  /** What waits is not sent any more: the device was reset by its driver. */
  forgetPending(): void {
    this.pendingBits.fill(0);
  }

  /** The guest has written the control word: what it no longer masks is sent. @internal */
  update(): void {
    if (!this.enabled || this.functionMasked) return;
    for (const [index, word] of this.pendingBits.entries()) {
      for (let bit = 0; word >>> bit !== 0 && bit < 32; bit++) this.release(32 * index + bit);
    }
  }

  /** All vectors masked, none pending. The capability has its own reset. @internal */
  reset(): void {
    this.forgetPending();
    this.entries.fill(0);
    for (let vector = 0; vector < this.vectors; vector++)
      this.entries[EntryWords * vector + VectorControl] = VectorMask;
  }

  /** @internal */
  readTable(offset: number): number {
    return this.entries[offset >>> 2] as number;
  }

  /** Reserved bits of the vector control stay 0. @internal */
  writeTable(value: number, offset: number): void {
    const word = offset >>> 2;
    const isControl = word % EntryWords === VectorControl;
    this.entries[word] = isControl ? value & VectorMask : value;
    if (isControl) this.release(Math.floor(word / EntryWords));
  }

  /** @internal */
  readPending(offset: number): number {
    return this.pendingBits[offset >>> 2] as number;
  }

  /** A snapshot may hold no state to which no guest brings it. @internal */
  checkLoaded(): void {
    const { vectors, entries, pendingBits } = this;
    const strange = pendingBits.findIndex((word, index) => {
      const present = Math.max(0, Math.min(32, vectors - 32 * index));
      return word >= 2 ** present;
    });
    if (strange >= 0) throw contradicting(`MSI-X vectors pending of which there are none, of ${vectors}`);
    for (let vector = 0; vector < vectors; vector++) {
      const control = entries[EntryWords * vector + VectorControl] as number;
      if (control > VectorMask) throw contradicting(`reserved bits set in the control of MSI-X vector ${vector}`);
    }
  }

  private get control(): number {
    return this.offset === undefined ? 0 : this.config.get(msixControlAt(this.offset), 2);
  }

  private sent(vector: number): boolean {
    const { entries, messages } = this;
    const at = EntryWords * vector;
    if (this.owner !== undefined) {
      const isSent = this.owner.send(vector);
      if (isSent) messages.observe(entries[at] as number, entries[at + 1] as number, entries[at + 2] as number, vector);
      return isSent;
    }
    if (this.functionMasked || ((entries[at + VectorControl] as number) & VectorMask) !== 0) return false;
    messages.transmit(entries[at] as number, entries[at + 1] as number, entries[at + 2] as number, vector);
    return true;
  }

  private setPending(vector: number, pending: boolean): void {
    const word = this.pendingBits[vector >>> 5] as number;
    const bit = 1 << (vector & 31);
    this.pendingBits[vector >>> 5] = pending ? word | bit : word & ~bit;
  }
}

const noPlace: MsixPlace = Object.freeze({ bar: 0, offset: 0 });

const unknownVector = (vector: number, vectors: number): BackplaneError =>
  new BackplaneError(
    'unknown-msix-vector',
    `MSI-X: there is no vector ${vector}: @msix declares ${vectors}, from 0 on. Raise its vectors, or send another.`,
  );

const contradicting = (what: string): BackplaneError =>
  new BackplaneError('contradicting-state', `has ${what}. Restore an unchanged snapshot.`);
