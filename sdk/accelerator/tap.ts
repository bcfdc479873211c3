import { littleEndian } from '../base/bytes.ts';
import { BackplaneError } from '../base/errors.ts';
import { hex } from '../base/text.ts';
import type { GuestAccess } from './guest-access.ts';

/** What an access carries: a number of 1, 2 or 4 bytes, and a bigint of any other width. */
export type TappedValue = number | bigint;

/**
 * Stands between the guest and a range of ports or memory, to inject faults. It may look at an access, change it, drop it, or answer
 * itself. It sees what leaves the guest for a device, and queued writes when they are delivered. RAM is not seen.
 */
export interface AccessTap {
  readonly space: 'ports' | 'memory';
  /** The first port or guest physical address, and how many bytes. An access that touches one of them is seen. */
  readonly start: number;
  readonly size: number;
  /** Answers what the guest reads. The device is read only if `carryOut` is called. */
  read?(address: number, size: number, carryOut: () => TappedValue): TappedValue;
  /** The device is written only if `carryOut` is called. */
  write?(address: number, value: TappedValue, size: number, carryOut: (value: TappedValue) => void): void;
}

/** Accesses with a tap in front of them. */
export class TappedAccess implements GuestAccess {
  constructor(
    private readonly next: GuestAccess,
    private readonly tap: AccessTap,
  ) {}

  read(isPort: boolean, address: number, size: number): number {
    const carryOut = () => this.next.read(isPort, address, size);
    const { tap } = this;
    if (tap.read === undefined || !this.isSeen(isPort, address, size)) return carryOut();
    return Number(fitted(tap.read(address, size, carryOut), size));
  }

  write(isPort: boolean, address: number, value: number, size: number): void {
    const carryOut = (given: TappedValue) => this.next.write(isPort, address, Number(fitted(given, size)), size);
    const { tap } = this;
    if (tap.write === undefined || !this.isSeen(isPort, address, size)) carryOut(value);
    else tap.write(address, value, size, carryOut);
  }

  read64(isPort: boolean, address: number): bigint {
    const carryOut = () => this.next.read64(isPort, address);
    const { tap } = this;
    if (tap.read === undefined || !this.isSeen(isPort, address, 8)) return carryOut();
    return fitted(tap.read(address, 8, carryOut), 8);
  }

  write64(isPort: boolean, address: number, value: bigint): void {
    const carryOut = (given: TappedValue) => this.next.write64(isPort, address, fitted(given, 8));
    const { tap } = this;
    if (tap.write === undefined || !this.isSeen(isPort, address, 8)) carryOut(value);
    else tap.write(address, value, 8, carryOut);
  }

  readBytes(isPort: boolean, address: number, target: Uint8Array): void {
    const { tap } = this;
    const carryOut = () => {
      this.next.readBytes(isPort, address, target);
      return littleEndian(target);
    };
    if (tap.read === undefined || !this.isSeen(isPort, address, target.length)) carryOut();
    else store(tap.read(address, target.length, carryOut), target);
  }

  writeBytes(isPort: boolean, address: number, source: Uint8Array): void {
    const { tap } = this;
    const carryOut = (given: TappedValue) => {
      const bytes = new Uint8Array(source.length);
      store(given, bytes);
      this.next.writeBytes(isPort, address, bytes);
    };
    if (tap.write === undefined || !this.isSeen(isPort, address, source.length)) carryOut(littleEndian(source));
    else tap.write(address, littleEndian(source), source.length, carryOut);
  }

  private isSeen(isPort: boolean, address: number, size: number): boolean {
    const { space, start, size: length } = this.tap;
    return isPort === (space === 'ports') && address < start + length && address + size > start;
  }
}

/** Refuses a range that is none. */
export function checkTap({ space, start, size }: AccessTap): void {
  const end = space === 'ports' ? 0x1_0000 : 2 ** 52;
  const isSpace = space === 'ports' || space === 'memory';
  if (isSpace && Number.isInteger(start) && Number.isInteger(size) && start >= 0 && size >= 1 && start + size <= end)
    return;
  throw new BackplaneError(
    'invalid-tap',
    `tap(): ${String(space)} from ${hex(start)}, ${size} bytes: that is no range. Give space: 'ports' or 'memory', a start, and a size of 1 ` +
      'byte or more.',
  );
}

/** As wide as the access. */
const fitted = (value: TappedValue, size: number): bigint => BigInt.asUintN(size * 8, BigInt(value));

function store(value: TappedValue, target: Uint8Array): void {
  let rest = fitted(value, target.length);
  for (let index = 0; index < target.length; index++) {
    target[index] = Number(rest & 0xffn);
    rest >>= 8n;
  }
}
