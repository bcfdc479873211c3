import { littleEndian } from '../base/bytes.ts';
import { BackplaneError, DeviceFailure, describeThrown } from '../base/errors.ts';
import { hex, sentence } from '../base/text.ts';
import { hostNanoseconds } from '../clock/index.ts';
import type { AddressSpace, MemorySection } from '../memory/index.ts';
import type { AcceleratorListener } from './events.ts';

/** How the guest's accesses reach the machine: by address, from exits and from the ring alike. */
export interface GuestAccess {
  /** 1, 2 or 4 bytes. */
  read(isPort: boolean, address: number, size: number): number;
  write(isPort: boolean, address: number, value: number, size: number): void;
  read64(isPort: boolean, address: number): bigint;
  write64(isPort: boolean, address: number, value: bigint): void;
  /** Any other width: the parts of an access that crosses a page. */
  readBytes(isPort: boolean, address: number, target: Uint8Array): void;
  writeBytes(isPort: boolean, address: number, source: Uint8Array): void;
}

/**
 * Straight into the machine's two address spaces. A handler that throws is its author's mistake. The error names the
 * device, the region and the offset, and its cause is what the handler threw.
 */
export class MachineAccess implements GuestAccess {
  constructor(
    private readonly memory: AddressSpace,
    private readonly io: AddressSpace,
  ) {}

  read(isPort: boolean, address: number, size: number): number {
    const space = isPort ? this.io : this.memory;
    try {
      return space.read(address, size);
    } catch (error) {
      throw handlerFailure(space, 'read', address, size, error);
    }
  }

  write(isPort: boolean, address: number, value: number, size: number): void {
    const space = isPort ? this.io : this.memory;
    try {
      space.write(address, value, size);
    } catch (error) {
      throw handlerFailure(space, 'write', address, size, error);
    }
  }

  read64(isPort: boolean, address: number): bigint {
    const space = isPort ? this.io : this.memory;
    try {
      return space.read64(address);
    } catch (error) {
      throw handlerFailure(space, 'read', address, 8, error);
    }
  }

  write64(isPort: boolean, address: number, value: bigint): void {
    const space = isPort ? this.io : this.memory;
    try {
      space.write64(address, value);
    } catch (error) {
      throw handlerFailure(space, 'write', address, 8, error);
    }
  }

  readBytes(isPort: boolean, address: number, target: Uint8Array): void {
    const space = isPort ? this.io : this.memory;
    try {
      space.readBytes(address, target);
    } catch (error) {
      throw handlerFailure(space, 'read', address, target.length, error);
    }
  }

  writeBytes(isPort: boolean, address: number, source: Uint8Array): void {
    const space = isPort ? this.io : this.memory;
    try {
      space.writeBytes(address, source);
    } catch (error) {
      throw handlerFailure(space, 'write', address, source.length, error);
    }
  }
}

function handlerFailure(space: AddressSpace, verb: string, address: number, size: number, cause: unknown): Error {
  // It names its device already, which may be another one, at the other end of a wire.
  if (cause instanceof DeviceFailure) return cause;
  const section = space.lookup(address);
  const where = section === undefined ? `${space.name} at ${hex(address)}` : describeSection(section, address);
  // What the SDK refused says itself what to change.
  const isOurs = cause instanceof BackplaneError;
  const advice = isOurs ? '' : ' A handler must answer every guest; report what the guest did wrong with guestError().';
  return new DeviceFailure(
    `${where}: the handler of a ${verb} of ${size} ${size === 1 ? 'byte' : 'bytes'} threw: ${sentence(describeThrown(cause))}${advice}`,
    section?.region.owner,
    cause,
  );
}

function describeSection(section: MemorySection, address: number): string {
  const { region } = section;
  const offset = hex(section.offsetInRegion + address - section.start);
  const owner = region.owner === undefined ? '' : `Device '${region.owner.id}', `;
  return `${owner}region '${region.name}', offset ${offset}`;
}

/** Reports each access to a listener. It stands before the plain access while there is a listener. */
export class ObservedAccess implements GuestAccess {
  constructor(
    private readonly next: GuestAccess,
    private readonly listener: AcceleratorListener,
    private readonly queued: boolean,
  ) {}

  read(isPort: boolean, address: number, size: number): number {
    const value = this.next.read(isPort, address, size);
    this.emit(isPort, false, address, size, value);
    return value;
  }

  write(isPort: boolean, address: number, value: number, size: number): void {
    this.emit(isPort, true, address, size, value);
    this.next.write(isPort, address, value, size);
  }

  read64(isPort: boolean, address: number): bigint {
    const value = this.next.read64(isPort, address);
    this.emit(isPort, false, address, 8, value);
    return value;
  }

  write64(isPort: boolean, address: number, value: bigint): void {
    this.emit(isPort, true, address, 8, value);
    this.next.write64(isPort, address, value);
  }

  readBytes(isPort: boolean, address: number, target: Uint8Array): void {
    this.next.readBytes(isPort, address, target);
    this.emit(isPort, false, address, target.length, valueIn(target));
  }

  writeBytes(isPort: boolean, address: number, source: Uint8Array): void {
    this.emit(isPort, true, address, source.length, valueIn(source));
    this.next.writeBytes(isPort, address, source);
  }

  private emit(isPort: boolean, isWrite: boolean, address: number, size: number, value: number | bigint): void {
    const { listener, queued } = this;
    const { epoch, now: time } = listener.clock;
    listener.onEvent({ kind: 'access', epoch, time, isPort, isWrite, address, size, value, queued });
  }
}

const valueIn = (bytes: Uint8Array): number | bigint =>
  bytes.length > 4 ? littleEndian(bytes) : Number(littleEndian(bytes));

/** Host time that handlers took for one port or memory page and direction. */
export interface HandlerProfileRow {
  /** As in the exit tables: `0x70:POUT`. */
  readonly key: string;
  readonly calls: number;
  readonly hostNanoseconds: number;
}

interface Measured {
  calls: number;
  hostNanoseconds: number;
}

/**
 * Measures the host time of each access on its way to the handlers. This is the only place of the accelerator where
 * host time is read, and it is there only when a profile was asked for.
 */
export class HandlerProfile implements GuestAccess {
  private readonly measured = new Map<string, Measured>();

  constructor(private readonly next: GuestAccess) {}

  /** The most expensive first. */
  rows(): HandlerProfileRow[] {
    const rows = [...this.measured].map(([key, row]) => ({ key, ...row }));
    return rows.sort((a, b) => b.hostNanoseconds - a.hostNanoseconds);
  }

  reset(): void {
    this.measured.clear();
  }

  read(isPort: boolean, address: number, size: number): number {
    return this.measure(isPort, address, false, () => this.next.read(isPort, address, size));
  }

  write(isPort: boolean, address: number, value: number, size: number): void {
    this.measure(isPort, address, true, () => this.next.write(isPort, address, value, size));
  }

  read64(isPort: boolean, address: number): bigint {
    return this.measure(isPort, address, false, () => this.next.read64(isPort, address));
  }

  write64(isPort: boolean, address: number, value: bigint): void {
    this.measure(isPort, address, true, () => this.next.write64(isPort, address, value));
  }

  readBytes(isPort: boolean, address: number, target: Uint8Array): void {
    this.measure(isPort, address, false, () => this.next.readBytes(isPort, address, target));
  }

  writeBytes(isPort: boolean, address: number, source: Uint8Array): void {
    this.measure(isPort, address, true, () => this.next.writeBytes(isPort, address, source));
  }

  private measure<Result>(isPort: boolean, address: number, isWrite: boolean, access: () => Result): Result {
    const begin = hostNanoseconds();
    try {
      return access();
    } finally {
      this.add(keyOf(isPort, address, isWrite), hostNanoseconds() - begin);
    }
  }

  private add(key: string, nanoseconds: number): void {
    const row = this.measured.get(key);
    if (row === undefined) {
      this.measured.set(key, { calls: 1, hostNanoseconds: nanoseconds });
      return;
    }
    row.calls++;
    row.hostNanoseconds += nanoseconds;
  }
}

function keyOf(isPort: boolean, address: number, isWrite: boolean): string {
  if (isPort) return `${hex(address)}:${isWrite ? 'POUT' : 'PIN'}`;
  return `${hex(Math.floor(address / 4096) * 4096)}:${isWrite ? 'W' : 'R'}`;
}
