import { lowMask, maskOf } from '../../base/bits.ts';
import type { Json, JsonReader } from '../../base/json-reader.ts';
import { hex } from '../../base/text.ts';
import { type BankAccess, bitRangesOf, type RegisterDeclaration } from '../../device/index.ts';
import { readBytes, writeBytes } from '../../state/bytes.ts';
import { type LoadPlan, type Shape, type StatePlace, state } from '../../state/schema.ts';
import { PciConfigSize } from './config-registers.ts';
import { DeviceSelect, HeaderEnd, headerRegisters, PciRegister, PciStatus } from './header.ts';
import type { PciIdentity } from './identity.ts';

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
 * The 256 bytes of configuration of one function. The guest accesses them by `read` and `write`. Registers that the class
 * declares are in its fields. The others are here, with masks that come from the declarations of header and capabilities.
 */
export class PciConfigSpace {
  /** Those of declared registers stay 0: the fields of the device have them. */
  @state({ as: configurationShape }) readonly bytes = new Uint8Array(PciConfigSize);
  private readonly writable = new Uint8Array(PciConfigSize);
  private readonly writeOneToClear = new Uint8Array(PciConfigSize);
  private registers: BankAccess | undefined;
  /** By byte: 1 where a declared register has it. */
  private readonly declared = new Uint8Array(PciConfigSize);
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
    this.set(PciRegister.Status, DeviceSelect[identity.deviceSelect ?? 'fast'] << PciStatus.DeviceSelectShift, 2);
    this.writable.fill(0xff, HeaderEnd);
    for (const register of headerRegisters) this.applyMasks(register, register.offset);
  }

  /** The registers that the class declares, as their bank reaches them. */
  carry(registers: BankAccess): void {
    this.registers = registers;
    for (let at = 0; at < PciConfigSize; at++) this.declared[at] = registers.has(at) ? 1 : 0;
  }

  /** Whether a declared register has one of these bytes. */
  hasRegister(offset: number, size: number): boolean {
    for (let at = offset; at < offset + size; at++) if (this.declared[at] === 1) return true;
    return false;
  }

  /** As the guest reads: bytes beyond the end are zero. */
  read(offset: number, size: number): number {
    const length = Math.min(size, PciConfigSize - offset);
    const { registers } = this;
    if (registers === undefined || !this.hasRegister(offset, length)) return this.get(offset, length);
    return registers.read(offset, length);
  }

  /** As the guest writes: only writable bits change, and ones clear where ones clear. Bytes beyond the end are dropped. */
  write(offset: number, value: number, size: number): void {
    const length = Math.min(size, PciConfigSize - offset);
    const { registers } = this;
    if (registers === undefined || !this.hasRegister(offset, length)) this.put(offset, value, length);
    else registers.write(offset, value, length);
  }

  /** What a read would answer, without its consequences. */
  peek(offset: number, size: number): number {
    const length = Math.min(size, PciConfigSize - offset);
    return (this.get(offset, length) | (this.registers?.peek(offset, length) ?? 0)) >>> 0;
  }

  /** A write of the guest to bytes that no declared register has. */
  put(offset: number, value: number, size: number): void {
    for (let i = 0; i < size; i++) {
      const at = offset + i;
      const written = (value >>> (8 * i)) & 0xff;
      const mask = this.writable[at] as number;
      const kept = ((this.bytes[at] as number) & ~mask) | (written & mask);
      this.bytes[at] = kept & ~(written & (this.writeOneToClear[at] as number));
    }
  }

  /** Bytes that no declared register has. */
  get(offset: number, size: number): number {
    return load(this.bytes, offset, size);
  }

  /** Sets them, whatever the guest may change. */
  set(offset: number, value: number, size: number): void {
    store(this.bytes, offset, value, size);
  }

  /**
   * The bytes of a declared register in a snapshot from a time when no register had them; they are its field's from now on.
   */
  take(register: RegisterDeclaration, index: number): bigint {
    const { offset, width, stride = 0, reset } = register;
    const at = offset + index * stride;
    let value = 0n;
    for (let byte = width / 8 - 1; byte >= 0; byte--) value = (value << 8n) | BigInt(this.get(at + byte, 1));
    this.bytes.fill(0, at, at + width / 8);
    const fixed = bitRangesOf(register).filter(({ access }) => access === 'constant' || access === 'reserved');
    for (const bits of fixed) value = (value & ~maskOf(bits)) | (BigInt(reset) & maskOf(bits));
    return value;
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

  /** The guest may change what the fields of this register say, wherever a capability has it. */
  applyMasks(register: RegisterDeclaration, offset: number): void {
    const { width, count = 1, stride = 0 } = register;
    let [writable, clearing] = [0, 0];
    for (const { low, high, access } of bitRangesOf(register)) {
      const mask = lowMask(high - low + 1) * 2 ** low;
      if (access === 'read-write') writable += mask;
      if (access === 'write-one-to-clear') clearing += mask;
    }
    for (let index = 0; index < count; index++) {
      this.setWritable(offset + index * stride, writable, width / 8);
      this.setWriteOneToClear(offset + index * stride, clearing, width / 8);
    }
  }

  /** A register of a capability as a reset leaves it. */
  setReset({ width, reset }: RegisterDeclaration, offset: number): void {
    this.set(offset, Number(reset), width / 8);
  }

  writableAt(offset: number): number {
    return this.writable[offset] as number;
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
    for (; link >= HeaderEnd && !links.includes(link); link = this.get(link + 1, 1)) links.push(link, link + 1);
    const show = (value: number) => hex(value, 2);
    for (const at of [...Array(HeaderEnd).keys(), ...links]) {
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

/** What the declared registers leave of a configuration space. */
export class UndeclaredBytes {
  constructor(private readonly config: PciConfigSpace) {}

  read(offset: number, size: number): number {
    return this.config.get(offset, size);
  }

  write(offset: number, value: number, size: number): void {
    this.config.put(offset, value, size);
  }
}

/** A PCI function, as its bus reaches its configuration. */
interface ConfiguredFunction {
  readonly config: PciConfigSpace;
  readConfig(offset: number, size: number): number;
  writeConfig(offset: number, value: number, size: number): void;
}

/** The configuration space of a function as a bank of registers. All accesses go the way of the guest's. */
export class ConfigAccess implements BankAccess {
  constructor(private readonly func: ConfiguredFunction) {}

  read(offset: number, size: number): number {
    return this.func.readConfig(offset, size);
  }

  write(offset: number, value: number, size: number): void {
    this.func.writeConfig(offset, value, size);
  }

  read64(offset: number): bigint {
    return BigInt(this.read(offset, 4)) | (BigInt(this.read(offset + 4, 4)) << 32n);
  }

  write64(offset: number, value: bigint): void {
    this.write(offset, Number(BigInt.asUintN(32, value)), 4);
    this.write(offset + 4, Number(BigInt.asUintN(32, value >> 32n)), 4);
  }

  /** The header and bytes without a declared register answer too. */
  has(offset: number): boolean {
    return offset >= 0 && offset < PciConfigSize;
  }

  peek(offset: number, size: number): number {
    return this.func.config.peek(offset, size);
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
