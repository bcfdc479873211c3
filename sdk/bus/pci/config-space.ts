import type { Json, JsonReader } from '../../base/json-reader.ts';
import { hex } from '../../base/text.ts';
import { type AttributeDocument, ClassAttribute } from '../../device/index.ts';
import { readBytes, writeBytes } from '../../state/bytes.ts';
import { type LoadPlan, type Shape, type StatePlace, state } from '../../state/schema.ts';
import type { PciIdentity } from './identity.ts';

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

/** Bytes by which a function is known: vendor and device, class, header type, subsystem. They are no state. */
const identifying = [0x00, 0x01, 0x02, 0x03, 0x09, 0x0a, 0x0b, 0x0e, 0x2c, 0x2d, 0x2e, 0x2f] as const;

/** The space that holds these bytes. */
const spaces = new WeakMap<Uint8Array, PciConfigSpace>();

/** Configuration space in a snapshot: 256 bytes, of the same function. */
const configurationShape: Shape = Object.freeze({
  expected: `${PciConfigSize} bytes of PCI configuration`,
  write: (value: unknown) => writeBytes(value as Uint8Array),
  read(saved: JsonReader, place: StatePlace, plan: LoadPlan): void {
    const present = place.get() as Uint8Array;
    const bytes = readBytes(saved.data as Json, PciConfigSize);
    const problem =
      bytes?.length === PciConfigSize
        ? spaces.get(present)?.problemOf(bytes)
        : `expected ${PciConfigSize} bytes of PCI configuration in hexadecimal digits`;
    if (problem !== undefined) saved.refuse(problem);
    else plan.onValidated(() => present.set(bytes as Uint8Array));
  },
});

/**
 * The 256 bytes of configuration of one function: which bits the guest may change, and which a written one clears. The guest
 * accesses them by `read` and `write`, the device by `get` and `set`, which apply no masks.
 */
export class PciConfigSpace {
  @state({ as: configurationShape }) readonly bytes = new Uint8Array(PciConfigSize);
  private readonly writable = new Uint8Array(PciConfigSize);
  private readonly writeOneToClear = new Uint8Array(PciConfigSize);
  private readonly checks: ((saved: Uint8Array) => string | undefined)[] = [];

  constructor(identity: PciIdentity) {
    spaces.set(this.bytes, this);
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
    return load(this.bytes, offset, size);
  }

  set(offset: number, value: number, size: number): void {
    store(this.bytes, offset, value, size);
  }

  /** Adds a check of saved bytes. It answers what is wrong with them, as the end of a sentence. */
  checkSaved(problemOf: (saved: Uint8Array) => string | undefined): void {
    this.checks.push(problemOf);
  }

  /** Which bits the guest may change: a one for each. */
  setWritable(offset: number, mask: number, size: number): void {
    store(this.writable, offset, mask, size);
  }

  /** Which bits a written one clears. */
  setWriteOneToClear(offset: number, mask: number, size: number): void {
    store(this.writeOneToClear, offset, mask, size);
  }

  /** Why a snapshot cannot hold these bytes: what never changes differs, or one of the checks says so. */
  problemOf(saved: Uint8Array): string | undefined {
    if (identifying.some((offset) => saved[offset] !== this.bytes[offset])) {
      return `is the configuration of another PCI function: ${identityOf(saved)} instead of ${identityOf(this.bytes)}`;
    }
    let problem = this.changedForGood(saved);
    for (const check of this.checks) problem ??= check(saved);
    return problem;
  }

  /** Above the header a device may change what the guest cannot; only the list of capabilities is as it is. */
  private changedForGood(saved: Uint8Array): string | undefined {
    const links: number[] = [];
    let link = this.get(PciRegister.CapabilityPointer, 1);
    for (; link >= HeaderSize && !links.includes(link); link = this.get(link + 1, 1)) links.push(link, link + 1);
    const show = (value: number) => hex(value, 2);
    for (const at of [...Array(HeaderSize).keys(), ...links]) {
      // The device's pin decides about one bit of the status.
      const shown = at === PciRegister.Status ? PciStatus.Interrupt : 0;
      const changeable = load(this.writable, at, 1) | load(this.writeOneToClear, at, 1) | shown;
      const [found, expected] = [load(saved, at, 1), this.get(at, 1)];
      const differing = (found ^ expected) & ~changeable;
      if (differing === 0) continue;
      return `found ${show(found)} at ${show(at)}, and there the bits ${show(differing)} never change: expected ${show(expected)}`;
    }
    return undefined;
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

function load(bytes: Uint8Array, offset: number, size: number): number {
  let value = 0;
  for (let i = size - 1; i >= 0; i--) value = value * 256 + (bytes[offset + i] as number);
  return value;
}

function store(bytes: Uint8Array, offset: number, value: number, size: number): void {
  for (let i = 0; i < size; i++) bytes[offset + i] = (value >>> (8 * i)) & 0xff;
}

/** `8086:7000 class 0601 subsystem 0000:0000`. */
function identityOf(bytes: Uint8Array): string {
  const word = (offset: number) => load(bytes, offset, 2).toString(16).padStart(4, '0');
  return `${word(0x00)}:${word(0x02)} class ${word(0x0a)} subsystem ${word(0x2c)}:${word(0x2e)}`;
}

/** A register of configuration space, as references write it. */
export const registerName = (offset: number): string => hex(offset, 2);

/** What the guest finds in configuration space, for the reference of the device. */
function documentIdentity(identity: PciIdentity): AttributeDocument {
  const { revision = 0, programmingInterface = 0, subsystemVendorId = 0, subsystemId = 0, interruptPin } = identity;
  const pin = interruptPin === undefined ? undefined : `INT${interruptPin}`;
  const rows: [offset: number, name: string, value: string][] = [
    [PciRegister.VendorId, 'vendor', hex(identity.vendorId, 4)],
    [PciRegister.DeviceId, 'device', hex(identity.deviceId, 4)],
    [PciRegister.Revision, 'revision', hex(revision, 2)],
    [PciRegister.ProgrammingInterface, 'programming interface', hex(programmingInterface, 2)],
    [PciRegister.ClassCode, 'class', hex(identity.classCode, 4)],
    [PciRegister.HeaderType, 'header type', identity.multifunction ? '0x80, several functions' : '0x00'],
    [PciRegister.SubsystemVendorId, 'subsystem vendor', hex(subsystemVendorId, 4)],
    [PciRegister.SubsystemId, 'subsystem', hex(subsystemId, 4)],
    [PciRegister.InterruptPin, 'interrupt pin', pin ?? 'none'],
  ];
  const table = rows.map(([offset, ...row]) => [registerName(offset), ...row]);
  return {
    tables: [{ heading: 'PCI configuration', columns: ['offset', 'register', 'value'], rows: table }],
    pins: {
      interrupt: pin === undefined ? '' : `${pin}, as the device wants it`,
      interruptOut: pin === undefined ? '' : `${pin} on the bus: down while the guest disables it, or has messages`,
    },
  };
}

/** What `@pci` declared: `metadataOf(Class).attribute(pciIdentity)`. */
export const pciIdentity = new ClassAttribute<PciIdentity>('pci', documentIdentity);
