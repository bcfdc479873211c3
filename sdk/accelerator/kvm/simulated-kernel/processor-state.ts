import { Registers, Rflags, SpecialRegisters } from '../abi.ts';
import { registersAfterReset, specialRegistersAfterReset } from '../reset-values.ts';

const InterruptBitmapBytes = 32;

/** Registers that are stored and returned, and whether interrupts are taken. The interrupt flag lives here and shows in RFLAGS. */
export class ProcessorState {
  interruptFlag = false;
  /** The instruction behind STI runs before any interrupt does. */
  interruptShadow = false;
  /** The vector that KVM_INTERRUPT queued for the next entry; -1 is none. A second one replaces it. */
  queuedVector = -1;
  readonly #registers: DataView;
  readonly #special: DataView;

  /** A new processor stands where a reset puts it. */
  constructor(vcpu: number) {
    this.#registers = registersAfterReset();
    this.#special = specialRegistersAfterReset(vcpu);
  }

  /** Whether an interrupt can be taken before the next instruction. */
  get acceptsInterrupt(): boolean {
    return this.interruptFlag && !this.interruptShadow;
  }

  getRegisters(target: DataView): void {
    const other = this.#registers.getBigUint64(Registers.rflags, true) & ~BigInt(Rflags.InterruptEnable);
    const flag = this.interruptFlag ? BigInt(Rflags.InterruptEnable) : 0n;
    this.#registers.setBigUint64(Registers.rflags, other | flag, true);
    copy(this.#registers, target);
  }

  setRegisters(source: DataView): boolean {
    copy(source, this.#registers);
    const rflags = this.#registers.getBigUint64(Registers.rflags, true);
    this.interruptFlag = (rflags & BigInt(Rflags.InterruptEnable)) !== 0n;
    this.#registers.setBigUint64(Registers.rflags, rflags | BigInt(Rflags.AlwaysOne), true);
    return true;
  }

  getSpecialRegisters(target: DataView): void {
    copy(this.#special, target);
  }

  setSpecialRegisters(source: DataView): boolean {
    copy(source, this.#special);
    return true;
  }
}

/** The interrupt bitmap of struct kvm_sregs shows the vector that waits for the next entry. */
export function showQueuedVector(special: DataView, vector: number): void {
  for (let byte = 0; byte < InterruptBitmapBytes; byte++) {
    const here = vector >= 0 && vector >> 3 === byte;
    special.setUint8(SpecialRegisters.interruptBitmap + byte, here ? 1 << (vector & 7) : 0);
  }
}

/** The lowest vector in the interrupt bitmap, which is queued; -1 for an empty bitmap, which takes none back, as in KVM. */
export function queuedVectorIn(special: DataView): number {
  for (let vector = 0; vector < InterruptBitmapBytes * 8; vector++) {
    const bits = special.getUint8(SpecialRegisters.interruptBitmap + (vector >> 3));
    if ((bits & (1 << (vector & 7))) !== 0) return vector;
  }
  return -1;
}

function copy(source: DataView, target: DataView): void {
  const length = Math.min(source.byteLength, target.byteLength);
  new Uint8Array(target.buffer, target.byteOffset, length).set(
    new Uint8Array(source.buffer, source.byteOffset, length),
  );
}
