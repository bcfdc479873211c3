import { isPowerOfTwo } from '../../base/bits.ts';
import { BackplaneError } from '../../base/errors.ts';
import { hex, unknownWord } from '../../base/text.ts';
import { bit, bits, type RegisterDeclaration, reserved } from '../../device/index.ts';
import type { BusMaster } from './bus-master.ts';
import { declareCapability, PciCapabilityId } from './capabilities.ts';
import { declareConfigRegister as register } from './config-registers.ts';
import type { PciConfigSpace } from './config-space.ts';
import type { PciClass } from './identity.ts';

const Field = { Control: 2, Address: 4, AddressHigh: 8, Data32Bit: 8, Data64Bit: 12 } as const;
/** The mask begins here, what waits behind it 4 bytes later. */
const Masks = { Of32Bit: 12, Of64Bit: 16, Pending: 4 } as const;
const Control = { Enable: 0x01, CapableShift: 1, EnabledShift: 4, Log2: 0x7, Is64Bit: 0x80, HasMask: 0x100 } as const;
const MostVectors = 32;

export interface MsiSpec {
  /** How many messages it can send: 1, 2, 4, 8, 16 or 32. Default: 1. */
  readonly vectors?: number;
  /** The guest may hold single messages back; they wait then. Default: false. */
  readonly perVectorMasking?: boolean;
  /** The message address may lie above 4 GiB. Default: true. */
  readonly is64Bit?: boolean;
  /** Where the capability is in configuration space. Default: the first free place. */
  readonly offset?: number;
}

/**
 * The function can interrupt by messages, if the guest asks for that, instead of its pin. Extend the class from PciDevice and
 * call `sendMessage(vector)` where the pin would go up.
 */
export function msi(spec: MsiSpec = {}) {
  const { vectors = 1, offset } = spec;
  const unknown = unknownWord(spec, ['vectors', 'perVectorMasking', 'is64Bit', 'offset']);
  return (deviceClass: PciClass): void => {
    if (unknown !== undefined) throw new BackplaneError('unknown-word', `Class ${deviceClass.name}: @msi ${unknown}`);
    if (!isPowerOfTwo(vectors) || vectors > MostVectors) {
      throw new BackplaneError(
        'invalid-msi-vectors',
        `Class ${deviceClass.name}: @msi has vectors: ${vectors}. The capability counts in powers of two: give it 1, 2, 4, 8, 16 or 32.`,
      );
    }
    const registers = msiRegisters(spec);
    declareCapability({ id: PciCapabilityId.Msi, ...(offset === undefined ? {} : { offset }), registers })(deviceClass);
  };
}

/** @see PCI Local Bus Specification 3.0, 6.8.1 "MSI Capability Structure" */
function msiRegisters({ vectors = 1, perVectorMasking = false, is64Bit = true }: MsiSpec): RegisterDeclaration[] {
  const capable = Math.log2(vectors) << Control.CapableShift;
  const control = capable | (is64Bit ? Control.Is64Bit : 0) | (perVectorMasking ? Control.HasMask : 0);
  const maskAt = is64Bit ? Masks.Of64Bit : Masks.Of32Bit;
  const fields = {
    ...(vectors === 32 ? { vectors: bits(0, 31) } : { vectors: bits(0, vectors - 1), unused: reserved([vectors, 31]) }),
  };
  return [
    register('msiControl', Field.Control, {
      width: 16,
      reset: control,
      fields: {
        enable: bit(0),
        capable: bits(1, 3, 'constant'),
        enabled: bits(4, 6),
        is64Bit: bit(7, 'constant'),
        hasMask: bit(8, 'constant'),
        unused: reserved([9, 15]),
      },
    }),
    register('msiAddress', Field.Address, {
      width: 32,
      fields: { aligned: bits(0, 1, 'constant'), address: bits(2, 31) },
    }),
    ...(is64Bit ? [register('msiAddressHigh', Field.AddressHigh, { width: 32 })] : []),
    register('msiData', is64Bit ? Field.Data64Bit : Field.Data32Bit, { width: 16 }),
    ...(perVectorMasking
      ? [
          register('msiUnused', maskAt - 2, { width: 16, access: 'constant' }),
          register('msiMask', maskAt, { width: 32, fields }),
          register('msiPending', maskAt + Masks.Pending, { width: 32, access: 'read-only' }),
        ]
      : []),
  ];
}

/** Who says whether a vector may go, and carries it. In a machine of ours: the capability, and the table of MSI-X. */
export interface VectorOwner {
  /** true: sent; false: it may not go now, it stays pending. */
  send(vector: number): boolean;
}

/**
 * Message-signalled interrupts of one function. A message is a 32-bit write by the function as bus master, to the address
 * that the guest chose. The region that is mapped there receives it: on a PC, the window of the local APICs. On a machine
 * without one the message may go to RAM.
 */
export class MessageSignalledInterrupts {
  /**
   * Called for each message that is sent, MSI-X too; not for those of a function that the guest does not let be a bus master. Where a
   * client has the table of MSI-X, address and data are those of the table here, which stays at its reset value.
   */
  observer: ((address: bigint, data: number, vector: number) => void) | undefined;
  /** Carries the messages in place of the write into memory. */
  owner: VectorOwner | undefined;
  private readonly bytes = new Uint8Array(4);

  /** @internal */
  constructor(
    private readonly config: PciConfigSpace,
    private readonly offset: number | undefined,
    private readonly port: BusMaster,
  ) {
    const { vectors, control, maskAt } = this;
    if (offset !== undefined) config.checkSaved((saved) => savedProblem(saved, { offset, vectors, control, maskAt }));
  }

  /** The guest wants messages; the pin stays down meanwhile. */
  get enabled(): boolean {
    return this.offset !== undefined && (this.config.get(this.offset + Field.Control, 1) & Control.Enable) !== 0;
  }

  /** How many messages the function can send. */
  get vectors(): number {
    return this.offset === undefined ? 0 : 1 << ((this.control >>> Control.CapableShift) & Control.Log2);
  }

  /** How many of them the guest has given it. */
  get enabledVectors(): number {
    return 1 << ((this.control >>> Control.EnabledShift) & Control.Log2);
  }

  /** The guest has written the configuration: it gets no more vectors than there are, and what it no longer holds back. */
  update(): void {
    if (!this.enabled || this.offset === undefined) return;
    const { control, vectors } = this;
    const others = control & ~(Control.Log2 << Control.EnabledShift);
    const log2 = Math.log2(Math.min(this.enabledVectors, vectors));
    this.config.set(this.offset + Field.Control, others | (log2 << Control.EnabledShift), 2);
    const { maskAt } = this;
    if (maskAt === undefined) return;
    const held = this.config.get(maskAt, 4);
    const waiting = this.config.get(maskAt + Masks.Pending, 4);
    let left = 0;
    for (let vector = 0; vector < this.enabledVectors; vector++) {
      const bit = (waiting & (1 << vector)) >>> 0;
      if (bit !== 0 && (held & bit) === 0) this.write(vector);
      else left += bit;
    }
    this.config.set(maskAt + Masks.Pending, left, 4);
  }

  /** The write that the first message is now. */
  get message(): { readonly address: bigint; readonly data: number } {
    return this.messageOf(0);
  }

  /** The guest's data with the vector in its low bits, as many of them as the guest has enabled. */
  messageOf(vector: number): { readonly address: bigint; readonly data: number } {
    const { config, offset = 0, control } = this;
    const is64Bit = (control & Control.Is64Bit) !== 0;
    const high = is64Bit ? config.get(offset + Field.AddressHigh, 4) : 0;
    const data = config.get(offset + (is64Bit ? Field.Data64Bit : Field.Data32Bit), 2);
    const lowBits = this.enabledVectors - 1;
    const address = (BigInt(high) << 32n) | BigInt(config.get(offset + Field.Address, 4));
    return { address, data: (data & ~lowBits) | (vector & lowBits) };
  }

  /**
   * Sends it if messages are enabled, or keeps it until the guest no longer holds it back. With fewer vectors enabled than
   * there are, several share one. It is lost without an error where nothing is mapped, or if the function is no bus master.
   */
  send(vector = 0): boolean {
    if (!this.enabled) return false;
    if (!Number.isInteger(vector) || vector < 0 || vector >= this.vectors) {
      throw new BackplaneError(
        'unknown-msi-vector',
        `MSI: there is no vector ${vector}: @msi declares ${this.vectors}, from 0 on. Raise its vectors, or send another.`,
      );
    }
    const shared = vector & (this.enabledVectors - 1);
    const { maskAt } = this;
    if (maskAt === undefined || (this.config.get(maskAt, 4) & (1 << shared)) === 0) this.write(shared);
    else this.config.set(maskAt + Masks.Pending, this.config.get(maskAt + Masks.Pending, 4) | (1 << shared), 4);
    return true;
  }

  private get control(): number {
    return this.offset === undefined ? 0 : this.config.get(this.offset + Field.Control, 2);
  }

  /** Where the mask is; undefined without per-vector masking. */
  private get maskAt(): number | undefined {
    const { control, offset } = this;
    if (offset === undefined || (control & Control.HasMask) === 0) return undefined;
    return offset + ((control & Control.Is64Bit) !== 0 ? Masks.Of64Bit : Masks.Of32Bit);
  }

  /** The write of a message: 32 bits of data to the address, of which `high` has the upper half. @internal */
  transmit(low: number, high: number, data: number, vector: number): void {
    const { bytes, port } = this;
    for (let byte = 0; byte < bytes.length; byte++) bytes[byte] = data >>> (8 * byte);
    this.observe(low, high, data, vector);
    port.write(high * 2 ** 32 + low, bytes);
  }

  /** @internal */
  observe(low: number, high: number, data: number, vector: number): void {
    if (this.observer !== undefined && this.port.enabled)
      this.observer((BigInt(high) << 32n) | BigInt(low), data, vector);
  }

  private write(vector: number): void {
    const { address, data } = this.messageOf(vector);
    if (this.owner !== undefined) {
      if (!this.port.enabled) return;
      this.observer?.(address, data, vector);
      this.owner.send(vector);
      return;
    }
    this.transmit(Number(address & 0xffff_ffffn), Number(address >> 32n), data, vector);
  }
}

interface Capability {
  readonly offset: number;
  readonly vectors: number;
  readonly control: number;
  readonly maskAt: number | undefined;
}

/** A snapshot of a class with other messages, or in a state to which no guest brings it. */
function savedProblem(saved: Uint8Array, { offset, vectors, control, maskAt }: Capability): string | undefined {
  const view = new DataView(saved.buffer, saved.byteOffset, saved.byteLength);
  const found = view.getUint16(offset + Field.Control, true);
  const changeable = Control.Enable | (Control.Log2 << Control.EnabledShift);
  if ((found & ~changeable) !== (control & ~changeable)) {
    const declared = 1 << ((found >>> Control.CapableShift) & Control.Log2);
    return `has MSI with ${declared} vectors and the control bits ${hex(found & ~changeable)}, and the class has ${vectors} and ${hex(control & ~changeable)}`;
  }
  const enabled = 1 << ((found >>> Control.EnabledShift) & Control.Log2);
  if ((found & Control.Enable) !== 0 && enabled > vectors) return `has ${enabled} MSI vectors enabled, of ${vectors}`;
  const pending = maskAt === undefined ? 0 : view.getUint32(maskAt + Masks.Pending, true);
  return pending < 2 ** vectors
    ? undefined
    : `has MSI vectors pending of which there are none: ${hex(pending)}, of ${vectors}`;
}
