import type { Json, JsonReader } from '../../base/json-reader.ts';
import { hex } from '../../base/text.ts';
import { readBytes, writeBytes } from '../../state/bytes.ts';
import { type LoadPlan, type Shape, type StatePlace, state } from '../../state/schema.ts';
import type { PciIdentity } from './identity.ts';

const SavedSize = 256;
const HeaderEnd = 0x40;
const CapabilityPointer = 0x34;
/** The device's pin decides about one bit of the status. */
const Status = 0x06;
const InterruptShown = 0x08;
/** Bytes by which a function is known: vendor and device, class, header type, subsystem. They are no state. */
const identifying = [0x00, 0x01, 0x02, 0x03, 0x09, 0x0a, 0x0b, 0x0e, 0x2c, 0x2d, 0x2e, 0x2f] as const;

/** Which bits of a byte of a function's configuration can change, by its bytes. */
const changeable = new WeakMap<Uint8Array, (offset: number) => number>();

/** The function's bytes, and which bits of each the guest can change: in a snapshot the others must be as they are. */
export function guardConfiguration(bytes: Uint8Array, changeableAt: (offset: number) => number): void {
  changeable.set(bytes, changeableAt);
}

/** What else must hold for bytes of a function's configuration, by its bytes. */
const checks = new WeakMap<Uint8Array, (saved: Uint8Array) => string | undefined>();

/** One more thing that a snapshot of these bytes must be; what is wrong with it, as the end of a sentence. */
export function checkConfiguration(bytes: Uint8Array, problemOf: (saved: Uint8Array) => string | undefined): void {
  const earlier = checks.get(bytes);
  checks.set(bytes, (saved) => earlier?.(saved) ?? problemOf(saved));
}

/** Configuration space in a snapshot: 256 bytes, of the same function. */
export const configurationShape: Shape = Object.freeze({
  expected: '256 bytes of PCI configuration',
  write: (value: unknown) => writeBytes(value as Uint8Array),
  read(saved: JsonReader, place: StatePlace, plan: LoadPlan): void {
    const data = saved.data as Json;
    const present = place.get() as Uint8Array;
    const bytes = readBytes(data, SavedSize);
    if (bytes?.length !== SavedSize) {
      saved.refuse(`expected ${SavedSize} bytes of PCI configuration in hexadecimal digits`);
      return;
    }
    const other = identifying.find((offset) => bytes[offset] !== present[offset]);
    const fixed = other === undefined ? (changedForGood(bytes, present) ?? checks.get(present)?.(bytes)) : undefined;
    if (other !== undefined)
      saved.refuse(
        `is the configuration of another PCI function: ${identityOf(bytes)} instead of ${identityOf(present)}`,
      );
    else if (fixed !== undefined) saved.refuse(fixed);
    else plan.whenSound(() => present.set(bytes));
  },
});

/**
 * The first byte in which something differs that never changes. Above the header a device may change what the guest cannot; only
 * the list of capabilities is as it is.
 */
function changedForGood(bytes: Uint8Array, present: Uint8Array): string | undefined {
  const offsets = [...Array(HeaderEnd).keys(), ...linksIn(present)];
  for (const at of offsets) {
    const mask = (changeable.get(present)?.(at) ?? 0xff) | (at === Status ? InterruptShown : 0);
    const differing = ((bytes[at] as number) ^ (present[at] as number)) & ~mask;
    if (differing === 0) continue;
    const show = (value: number) => hex(value, 2);
    return (
      `found ${show(bytes[at] as number)} at ${show(at)}, and there the bits ${show(differing)} never change: ` +
      `expected ${show(present[at] as number)}`
    );
  }
  return undefined;
}

/** Where the capabilities have their numbers and their links. */
function linksIn(bytes: Uint8Array): number[] {
  const offsets: number[] = [];
  for (
    let at = bytes[CapabilityPointer] as number;
    at >= HeaderEnd && !offsets.includes(at);
    at = bytes[at + 1] as number
  )
    offsets.push(at, at + 1);
  return offsets;
}

/** `8086:7000 class 0601`. */
function identityOf(bytes: Uint8Array): string {
  const word = (offset: number) =>
    ((bytes[offset + 1] as number) * 256 + (bytes[offset] as number)).toString(16).padStart(4, '0');
  return `${word(0x00)}:${word(0x02)} class ${word(0x0a)} subsystem ${word(0x2c)}:${word(0x2e)}`;
}

/** Offsets of the configuration header that every function has. */
export const PciRegister = {
  VendorId: 0x00,
  DeviceId: 0x02,
  Command: 0x04,
  Status: 0x06,
  Revision: 0x08,
  ProgrammingInterface: 0x09,
  ClassCode: 0x0a,
  CacheLineSize: 0x0c,
  LatencyTimer: 0x0d,
  HeaderType: 0x0e,
  BaseAddress0: 0x10,
  SubsystemVendorId: 0x2c,
  SubsystemId: 0x2e,
  ExpansionRom: 0x30,
  CapabilityPointer: 0x34,
  InterruptLine: 0x3c,
  InterruptPin: 0x3d,
} as const;

export const PciCommand = {
  Io: 0x0001,
  Memory: 0x0002,
  Master: 0x0004,
  Serr: 0x0100,
  InterruptDisable: 0x0400,
} as const;
export const PciStatus = { Interrupt: 0x0008, Capabilities: 0x0010, WriteOneToClear: 0xf900 } as const;

/** Bytes of conventional configuration space. Accesses that run over its end are cut there. */
export const PciConfigSize = 256;

const WritableCommand =
  PciCommand.Io | PciCommand.Memory | PciCommand.Master | PciCommand.Serr | PciCommand.InterruptDisable;
const HeaderSize = 0x40;
const Multifunction = 0x80;

/**
 * The 256 bytes of configuration of one function: what the guest may change, bit by bit, and what a written one clears. The
 * guest comes in by `read` and `write`; the device by `get` and `set`, which know no masks.
 */
export class PciConfigSpace {
  @state({ as: configurationShape }) readonly bytes = new Uint8Array(PciConfigSize);
  private readonly writable = new Uint8Array(PciConfigSize);
  private readonly writeOneToClear = new Uint8Array(PciConfigSize);

  constructor(identity: PciIdentity) {
    guardConfiguration(this.bytes, (at) => (this.writable[at] as number) | (this.writeOneToClear[at] as number));
    this.set(PciRegister.VendorId, identity.vendorId, 2);
    this.set(PciRegister.DeviceId, identity.deviceId, 2);
    this.set(PciRegister.Revision, identity.revision ?? 0, 1);
    this.set(PciRegister.ProgrammingInterface, identity.programmingInterface ?? 0, 1);
    this.set(PciRegister.ClassCode, identity.classCode, 2);
    this.set(PciRegister.HeaderType, identity.multifunction ? Multifunction : 0, 1);
    this.set(PciRegister.SubsystemVendorId, identity.subsystemVendorId ?? 0, 2);
    this.set(PciRegister.SubsystemId, identity.subsystemId ?? 0, 2);
    this.set(PciRegister.InterruptPin, identity.interruptPin ? ' ABCD'.indexOf(identity.interruptPin) : 0, 1);
    this.setWritable(PciRegister.Command, WritableCommand, 2);
    this.setWritable(PciRegister.CacheLineSize, 0xff, 1);
    this.setWritable(PciRegister.InterruptLine, 0xff, 1);
    this.writable.fill(0xff, HeaderSize);
    this.setWriteOneToClear(PciRegister.Status, PciStatus.WriteOneToClear, 2);
  }

  /** As the guest reads: bytes beyond the end are zero. */
  read(offset: number, size: number): number {
    return this.get(offset, Math.min(size, PciConfigSize - offset));
  }

  /** As the guest writes: only writable bits change, and ones clear where ones clear. Bytes beyond the end are dropped. */
  write(offset: number, value: number, size: number): void {
    for (let i = 0; i < size && offset + i < PciConfigSize; i++) {
      const at = offset + i;
      const written = (value >>> (8 * i)) & 0xff;
      const mask = this.writable[at] as number;
      const kept = ((this.bytes[at] as number) & ~mask) | (written & mask);
      this.bytes[at] = kept & ~(written & (this.writeOneToClear[at] as number));
    }
  }

  get(offset: number, size: number): number {
    let value = 0;
    for (let i = size - 1; i >= 0; i--) value = value * 256 + (this.bytes[offset + i] as number);
    return value;
  }

  set(offset: number, value: number, size: number): void {
    store(this.bytes, offset, value, size);
  }

  /** What a snapshot of these bytes must be besides: answers what is wrong with it, as the end of a sentence. */
  checkSaved(problemOf: (saved: Uint8Array) => string | undefined): void {
    checkConfiguration(this.bytes, problemOf);
  }

  /** Which bits the guest may change: a one for each. */
  setWritable(offset: number, mask: number, size: number): void {
    store(this.writable, offset, mask, size);
  }

  /** Which bits a written one clears. */
  setWriteOneToClear(offset: number, mask: number, size: number): void {
    store(this.writeOneToClear, offset, mask, size);
  }

  /** What a bus reset does to the header: clears what the guest could have set in it. Bytes from 0x40 are the device's. */
  resetHeader(): void {
    this.clearChangeable(PciRegister.Command, 2);
    this.clearChangeable(PciRegister.Status, 2);
    this.clearChangeable(PciRegister.InterruptLine, 1);
    this.bytes[PciRegister.CacheLineSize] = 0;
  }

  private clearChangeable(offset: number, size: number): void {
    for (let at = offset; at < offset + size; at++) {
      const kept = (this.bytes[at] as number) & ~(this.writable[at] as number);
      this.bytes[at] = kept & ~(this.writeOneToClear[at] as number);
    }
  }
}

function store(bytes: Uint8Array, offset: number, value: number, size: number): void {
  for (let i = 0; i < size; i++) bytes[offset + i] = (value >>> (8 * i)) & 0xff;
}

/** A register of configuration space, as references write it. */
export const registerName = (offset: number): string => hex(offset, 2);
