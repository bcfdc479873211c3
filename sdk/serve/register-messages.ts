import { counted, hex } from '../base/text.ts';
import { guestErrorsOf } from '../device/guest-errors.ts';
import type { ServeCounts } from './counts.ts';
import { AccessReplies, Errno, type MessageHeader, RegionIndex } from './protocol.ts';
import { AccessData, multiWriteCount, type RegionAccess, readAccess, readMultiWrite } from './requests.ts';
import type { ServedFunction } from './served-function.ts';

/** Reads and writes of a client: checks them, carries them out, and makes the answer, or an errno. */
export class RegisterMessages {
  /** The last access. */
  readonly access: RegionAccess = { offset: 0, region: 0, count: 0 };
  private readonly replies = new AccessReplies();

  constructor(
    private readonly served: ServedFunction,
    private readonly counts: ServeCounts,
    /** A handler threw, and the client is not told. */
    private readonly noteFailure: (failure: unknown) => void,
  ) {}

  read(header: MessageHeader, message: DataView): DataView | number {
    const { access } = this;
    if (!readAccess(message, false, access) || !this.isReadable()) return Errno.Invalid;
    const { offset, region, count } = access;
    this.counts.reads++;
    const reply = this.replies.to(header, message, count);
    this.served.read(region, offset, count, reply, AccessData);
    return reply;
  }

  write(header: MessageHeader, message: DataView): DataView | number {
    const { access, counts } = this;
    if (!readAccess(message, true, access) || !this.isWritable()) {
      if (header.wantsNoReply) this.noteLost();
      return Errno.Invalid;
    }
    counts.writes++;
    if (header.wantsNoReply) counts.postedWrites++;
    this.carryOut(message, AccessData);
    return header.wantsNoReply ? 0 : this.replies.to(header, message, 0);
  }

  /** Writes that have come together, and want no answer. Neither a wrong one nor a handler that throws stops the others. */
  writeMany(message: DataView): number {
    const { access, counts } = this;
    const count = multiWriteCount(message);
    if (count === undefined) return Errno.Invalid;
    counts.batches++;
    for (let index = 0; index < count; index++) {
      const at = readMultiWrite(message, index, access);
      counts.writes++;
      counts.batchedWrites++;
      if (this.isWritable()) this.tryWrite(message, at);
      else this.noteLost();
    }
    return 0;
  }

  /** Where the last access went, for messages. */
  get place(): string {
    const { offset, region } = this.access;
    if (region === RegionIndex.Config) return `configuration space at ${hex(offset)}`;
    return `${region < RegionIndex.Rom ? `BAR ${region}` : `region ${region}`} at ${hex(offset)}`;
  }

  /** The same with the region of the class: where its handler is looked for. */
  get placeAndName(): string {
    const name = this.served.nameOf(this.access.region);
    return name === undefined ? this.place : `${this.place}, region '${name}'`;
  }

  private carryOut(message: DataView, at: number): void {
    const { offset, region, count } = this.access;
    this.served.write(region, offset, count, message, at);
  }

  private tryWrite(message: DataView, at: number): void {
    try {
      this.carryOut(message, at);
    } catch (failure) {
      this.noteFailure(failure);
    }
  }

  private isReadable(): boolean {
    const { region, count } = this.access;
    if (!this.isInside()) return false;
    return region === RegionIndex.Config || region === RegionIndex.Rom || isRegisterWidth(count, 8);
  }

  private isWritable(): boolean {
    const { region, count } = this.access;
    if (!this.isInside() || region === RegionIndex.Rom) return false;
    return isRegisterWidth(count, region === RegionIndex.Config ? 4 : 8);
  }

  private isInside(): boolean {
    const { offset, region, count } = this.access;
    return region < RegionIndex.Count && count > 0 && offset + count <= this.served.sizeOf(region);
  }

  /** A posted write to what is not there: the guest is not told. */
  private noteLost(): void {
    const { device } = this.served;
    const { count } = this.access;
    guestErrorsOf
      .get(device)
      ?.report(device.id, `write of ${counted(count, 'byte')} to ${this.place}, where no register is`);
  }
}

const isRegisterWidth = (count: number, widest: number): boolean =>
  count <= widest && (count === 1 || count === 2 || count === 4 || count === 8);
