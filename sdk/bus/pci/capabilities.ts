import { BackplaneError, type Fail } from '../../base/errors.ts';
import { hex } from '../../base/text.ts';
import {
  type AttributeDocument,
  baseMetadataOf,
  ClassAttributeList,
  type RegisterDeclaration,
  recorderOf,
} from '../../device/index.ts';
import { PciConfigSize } from './config-registers.ts';
import { PciConfigSpace } from './config-space.ts';
import { HeaderEnd, PciRegister, PciStatus } from './header.ts';
import { type PciClass, registerName } from './identity.ts';

/** Capability numbers that drivers look for. */
export const PciCapabilityId = { PowerManagement: 0x01, Msi: 0x05, VendorSpecific: 0x09, MsiX: 0x11 } as const;

/** A structure in configuration space above the header, linked into the list that guests walk. */
export interface CapabilitySpec {
  /** What it is: `PciCapabilityId.PowerManagement`. */
  readonly id: number;
  /** Where it is. Default: the first free multiple of 4 from 0x40. */
  readonly offset?: number;
  /** Its bytes after number and link, as a reset leaves them. Or `size`. */
  readonly contents?: readonly number[];
  /**
   * Bytes, with number and link: those that `configRegisters` of the class has at its offset are registers, the others 0.
   * Give it an offset too.
   */
  readonly size?: number;
  /** Which bits of the contents the guest may change. Default: none. */
  readonly writable?: readonly number[];
}

/** A capability whose bytes the bus declares as registers. Their offsets count from the capability's start. */
export interface CapabilityOfRegisters extends CapabilitySpec {
  readonly registers?: readonly RegisterDeclaration[];
}

/** Every capability of a class, in source order: `metadataOf(Class).attribute(pciCapabilities)`. */
export const pciCapabilities = new ClassAttributeList<CapabilityOfRegisters>('capability', documentCapabilities);

const LinkSize = 2;

/** Declares a capability: guests find it in the list of configuration space. */
export function capability(spec: CapabilitySpec): (deviceClass: PciClass) => void {
  return declareCapability(spec);
}

export function declareCapability(spec: CapabilityOfRegisters) {
  return (deviceClass: PciClass): void => {
    const record = recorderOf(deviceClass);
    const earlier = [
      ...(baseMetadataOf(deviceClass)?.attribute(pciCapabilities) ?? []),
      ...record.list(pciCapabilities),
    ];
    checkCapability(spec, earlier, (code, why) => {
      return new BackplaneError(code, `Class ${deviceClass.name}: @capability(${hex(spec.id)}): ${why}`);
    });
    record.prepend(pciCapabilities, Object.freeze({ ...spec }));
  };
}

function checkCapability(spec: CapabilitySpec, earlier: readonly CapabilitySpec[], fail: Fail): void {
  const { id, offset, contents = [], writable = [] } = spec;
  const size = sizeOf(spec);
  const isByte = (value: number) => Number.isInteger(value) && value >= 0 && value <= 0xff;
  if (!isByte(id)) throw fail('invalid-capability', 'its id is not a byte. Give it the number that drivers look for.');
  if (![...contents, ...writable].every(isByte))
    throw fail('invalid-capability', 'contents and writable are bytes, 0 to 0xff each.');
  if (writable.length > contents.length)
    throw fail('invalid-capability', 'writable is longer than contents. Give it a mask for each byte of them.');
  if (id !== PciCapabilityId.VendorSpecific && earlier.some((other) => other.id === id))
    throw fail('capability-twice', 'the class has it already. Keep one of them.');
  if (spec.size !== undefined && (offset === undefined || spec.contents !== undefined || !(spec.size >= LinkSize))) {
    throw fail(
      'invalid-capability',
      'size stands in place of contents, and with an offset: registers of the class have its bytes. Give it both, or contents.',
    );
  }
  if (size > PciConfigSize - HeaderEnd) {
    throw fail(
      'capability-misplaced',
      `${size} bytes are more than the ${PciConfigSize - HeaderEnd} behind the header. Shorten contents.`,
    );
  }
  if (offset === undefined) return;
  if (offset % 4 !== 0)
    throw fail(
      'capability-misplaced',
      `its offset ${hex(offset)} is not a multiple of 4, as the list's links are. Move it.`,
    );
  if (offset < HeaderEnd || offset + size > PciConfigSize) {
    throw fail(
      'capability-misplaced',
      `${size} bytes at ${hex(offset)} are not inside ${hex(HeaderEnd)} to 0xff. Move it.`,
    );
  }
  const other = earlier.find(
    (one) => one.offset !== undefined && one.offset < offset + size && offset < one.offset + sizeOf(one),
  );
  if (other === undefined) return;
  throw fail(
    'capability-misplaced',
    `it overlaps capability ${hex(other.id)} at ${hex(other.offset as number)}. Move one of them.`,
  );
}

const sizeOf = ({ size, contents = [], registers = [] }: CapabilityOfRegisters): number =>
  size ?? Math.max(LinkSize + contents.length, ...registers.map(({ offset, width }) => offset + width / 8));

/** The capabilities of one function: their bytes, masks and links. */
export class PciCapabilities {
  private readonly taken: { offset: number; size: number; spec: CapabilityOfRegisters }[] = [];
  /** The registers that they brought, where they are in configuration space. */
  readonly registers: RegisterDeclaration[] = [];

  constructor(
    private readonly config: PciConfigSpace,
    private readonly specs: readonly CapabilityOfRegisters[],
  ) {
    // Those with a fixed place first, so that the others find what is left.
    for (const spec of specs) if (spec.offset !== undefined) this.place(spec, spec.offset);
    for (const spec of specs) if (spec.offset === undefined) this.place(spec, this.freeOffset(spec));
    this.reset();
    specs.forEach((spec, index) => {
      const next = specs[index + 1];
      const offset = this.placeOf(spec);
      config.set(offset, spec.id, 1);
      config.set(offset + 1, next === undefined ? 0 : this.placeOf(next), 1);
    });
    const first = specs[0];
    if (first === undefined) return;
    config.set(PciRegister.CapabilityPointer, this.placeOf(first), 1);
    config.set(PciRegister.Status, config.get(PciRegister.Status, 2) | PciStatus.Capabilities, 2);
  }

  /** Where a capability is, of several the first in the list; undefined if the function does not have it. */
  offsetOf(id: number): number | undefined {
    const first = this.specs.find((spec) => spec.id === id);
    return first && this.placeOf(first);
  }

  /** Where one of these capabilities is. */
  placeOf(spec: CapabilityOfRegisters): number {
    return this.taken.find((one) => one.spec === spec)?.offset as number;
  }

  /** Contents as declared. */
  reset(): void {
    for (const { offset, spec } of this.taken) {
      for (const [at, byte] of (spec.contents ?? []).entries()) this.config.set(offset + LinkSize + at, byte, 1);
      for (const register of spec.registers ?? []) this.config.setReset(register, offset + register.offset);
    }
  }

  private place(spec: CapabilityOfRegisters, offset: number): void {
    const { id, writable = [], registers = [] } = spec;
    const size = sizeOf(spec);
    if (this.config.hasRegister(offset, LinkSize)) {
      throw new BackplaneError(
        'capability-misplaced',
        `PCI: a register of the class has the number or the link of capability ${hex(id)} at ${hex(offset)}. Move one of them.`,
      );
    }
    this.taken.push({ offset, size, spec });
    for (let at = 0; at < size; at++) this.config.setWritable(offset + at, writable[at - LinkSize] ?? 0, 1);
    for (const register of registers) {
      this.config.applyMasks(register, offset + register.offset);
      this.registers.push({ ...register, offset: offset + register.offset });
    }
  }

  private freeOffset(spec: CapabilityOfRegisters): number {
    const size = sizeOf(spec);
    for (let offset = HeaderEnd; offset + size <= PciConfigSize; offset += 4) {
      const isTaken = this.taken.some((other) => other.offset < offset + size && offset < other.offset + other.size);
      if (!isTaken && !this.config.hasRegister(offset, size)) return offset;
    }
    const { id } = spec;
    throw new BackplaneError(
      'configuration-space-full',
      `PCI: no ${size} bytes of configuration space are left for capability ${hex(id)}. Shorten one, or leave out offsets.`,
    );
  }
}

const capabilityNames: Readonly<Record<number, string>> = {
  [PciCapabilityId.PowerManagement]: 'power management',
  [PciCapabilityId.Msi]: 'message-signalled interrupts',
  [PciCapabilityId.VendorSpecific]: 'vendor specific',
  [PciCapabilityId.MsiX]: 'MSI-X',
};

function documentCapabilities(specs: readonly CapabilityOfRegisters[]): AttributeDocument {
  const unnamed = { vendorId: 0, deviceId: 0, classCode: 0 };
  const config = new PciConfigSpace(unnamed);
  const placed = new PciCapabilities(config, specs);
  const rows = specs.map((spec) => {
    const { id } = spec;
    const offset = placed.placeOf(spec);
    const behindLink = Array.from({ length: sizeOf(spec) - LinkSize }, (_, at) => offset + LinkSize + at);
    const shown = (byteAt: (at: number) => number) =>
      spec.size === undefined
        ? behindLink.map((at) => byteAt(at).toString(16).padStart(2, '0')).join(' ')
        : 'registers';
    const contents = shown((at) => config.get(at, 1));
    const writable = shown((at) => config.writableAt(at));
    const isFixed = /^[0 ]*$/.test(writable);
    return [
      registerName(offset),
      `${hex(id)}, ${capabilityNames[id] ?? 'of its own kind'}`,
      contents,
      isFixed ? '' : writable,
    ];
  });
  const columns = ['offset', 'capability', 'contents at reset', 'writable bits'];
  const note = 'In configuration space, each behind its number and its link; bytes in hexadecimal.';
  return { tables: [{ heading: 'Capabilities', note, columns, rows }] };
}
