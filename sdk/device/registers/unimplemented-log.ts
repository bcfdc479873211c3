import { maskOf } from '../../base/bits.ts';
import { hex } from '../../base/text.ts';
import type { DeviceInstance } from '../class-metadata.ts';
import { type GuestErrorKind, guestErrorsOf } from '../guest-errors.ts';
import { bitRangesOf, type FieldDeclaration, type RegisterDeclaration } from './model.ts';
import { describeBits, registerLabel } from './names.ts';

type BitRangeSpec = Pick<FieldDeclaration, 'name' | 'low' | 'high' | 'access'>;

/**
 * Reports accesses to bits that are reserved, undocumented or unimplemented: writes to all three, reads of unimplemented registers.
 * After the first time they are only counted.
 */
export class UnimplementedLog {
  private readonly watched: readonly WatchedBits[];
  private readonly reads = new CountedReport();

  constructor(private readonly register: RegisterDeclaration) {
    this.watched = bitRangesOf(register)
      .filter(({ access }) => ['reserved', 'undocumented', 'unimplemented'].includes(access))
      .map((range) => new WatchedBits(register, range));
  }

  /** The guest has written `value`, in which some watched bits are not what they should be, or were. */
  written(device: DeviceInstance, index: number, value: number | bigint, previous: number | bigint): void {
    const { watched } = this;
    if (watched.length === 1) watched[0]?.report(device, index, value);
    else for (const bits of watched) if (bits.differ(value, previous)) bits.report(device, index, value);
  }

  /** The guest reads a register that the model only stores. */
  read(device: DeviceInstance, index: number): void {
    const { register, reads } = this;
    if (reads.countRepeat(device)) return;
    reads.report(device, `read register '${registerLabel({ register, index })}', which this model does not implement`);
  }
}

/** Bits of one kind that stand side by side. */
class WatchedBits {
  private readonly reports = new CountedReport();
  private readonly mask: number | bigint;
  /** What reserved bits must stay; others are compared with what they were. */
  private readonly fixed: number | bigint | undefined;

  constructor(
    private readonly register: RegisterDeclaration,
    private readonly range: BitRangeSpec,
  ) {
    const isBig = register.width === 64;
    this.mask = isBig ? maskOf(range) : Number(maskOf(range));
    this.fixed = range.access === 'reserved' ? register.reset : undefined;
  }

  differ(value: number | bigint, previous: number | bigint): boolean {
    const { mask, fixed = previous } = this;
    if (typeof mask === 'number') return (((value as number) ^ (fixed as number)) & mask) !== 0;
    return (((value as bigint) ^ (fixed as bigint)) & mask) !== 0n;
  }

  report(device: DeviceInstance, index: number, value: number | bigint): void {
    if (!this.reports.countRepeat(device)) this.reports.report(device, this.words(index, value));
  }

  private words(index: number, value: number | bigint): string {
    const { register, range } = this;
    const { access, name } = range;
    const inPlace = (whole: number | bigint) => hex(BigInt(whole) & maskOf(range));
    const label = `register '${registerLabel({ register, index })}'`;
    const isWhole = register.fields.length === 0;
    const where = isWhole ? label : `${describeBits(range)} of ${label}`;
    if (access === 'reserved')
      return `wrote ${inPlace(value)} to reserved ${where}: must stay ${inPlace(register.reset)}`;
    if (access === 'undocumented') return `wrote ${inPlace(value)} to undocumented ${where}`;
    const ofField = hex((BigInt(value) & maskOf(range)) >> BigInt(range.low));
    const what = isWhole ? where : `field '${name}' of ${label}`;
    return `wrote ${ofField} to ${what}, which this model does not implement`;
  }
}

/** One sentence, of each device: worded the first time, then counted. */
class CountedReport {
  private readonly kinds = new WeakMap<DeviceInstance, GuestErrorKind>();

  countRepeat(device: DeviceInstance): boolean {
    const kind = this.kinds.get(device);
    if (kind === undefined || !kind.isOpen) return false;
    kind.count++;
    return true;
  }

  report(device: DeviceInstance, message: string): void {
    const kind = guestErrorsOf.get(device)?.report(device.id, message);
    if (kind !== undefined) this.kinds.set(device, kind);
  }
}
