import { Registers, Rflags, Segment, SpecialRegisters, StructSize } from '../abi.ts';

const ResetVector = 0xfff0n;
const ApicBase = 0xfee0_0900n;
const Cr0AtReset = 0x6000_0010n;
const InterruptBitmapBytes = 32;

/**
 * What a vCPU knows besides its guest: registers, which are stored and returned until it executes machine code, and
 * whether it takes interrupts. The interrupt flag lives here and shows in RFLAGS.
 */
export class ProcessorState {
  interruptFlag = false;
  /** The instruction behind STI runs before any interrupt does. */
  interruptShadow = false;
  /** The vector that KVM_INTERRUPT queued for the next entry; -1 is none. A second one replaces it. */
  queuedVector = -1;
  readonly #registers = new DataView(new ArrayBuffer(StructSize.registers));
  readonly #special = new DataView(new ArrayBuffer(StructSize.specialRegisters));

  constructor() {
    this.#registers.setBigUint64(Registers.rip, ResetVector, true);
    this.#registers.setBigUint64(Registers.rflags, BigInt(Rflags.AlwaysOne), true);
    this.#special.setBigUint64(SpecialRegisters.cs + Segment.base, 0xffff_0000n, true);
    this.#special.setUint16(SpecialRegisters.cs + Segment.selector, 0xf000, true);
    for (let at: number = SpecialRegisters.cs; at <= SpecialRegisters.ss; at += Segment.size) {
      this.#special.setUint32(at + Segment.limit, 0xffff, true);
      this.#special.setUint8(at + Segment.present, 1);
      this.#special.setUint8(at + Segment.s, 1);
      this.#special.setUint8(at + Segment.type, at === SpecialRegisters.cs ? 0xb : 0x3);
    }
    this.#special.setBigUint64(SpecialRegisters.cr0, Cr0AtReset, true);
    this.#special.setBigUint64(SpecialRegisters.apicBase, ApicBase, true);
  }

  /** Whether an interrupt can be taken before the next instruction. */
  get acceptsInterrupt(): boolean {
    return this.interruptFlag && !this.interruptShadow;
  }

  get apicBase(): bigint {
    return this.#special.getBigUint64(SpecialRegisters.apicBase, true);
  }

  get cr8(): bigint {
    return this.#special.getBigUint64(SpecialRegisters.cr8, true);
  }

  setInterruptFlag(on: boolean): void {
    this.interruptShadow = on && !this.interruptFlag;
    this.interruptFlag = on;
  }

  /** The processor enters a handler: further interrupts wait until it returns or lets them in. Answers the vector. */
  takeInterrupt(): number {
    const vector = this.queuedVector;
    this.queuedVector = -1;
    this.interruptFlag = false;
    return vector;
  }

  returnFromInterrupt(): void {
    this.interruptFlag = true;
  }

  getRegisters(target: DataView): void {
    const other = this.#registers.getBigUint64(Registers.rflags, true) & ~BigInt(Rflags.InterruptEnable);
    const flag = this.interruptFlag ? BigInt(Rflags.InterruptEnable) : 0n;
    this.#registers.setBigUint64(Registers.rflags, other | flag, true);
    copy(this.#registers, target);
  }

  setRegisters(source: DataView): void {
    copy(source, this.#registers);
    const rflags = this.#registers.getBigUint64(Registers.rflags, true);
    this.interruptFlag = (rflags & BigInt(Rflags.InterruptEnable)) !== 0n;
    this.#registers.setBigUint64(Registers.rflags, rflags | BigInt(Rflags.AlwaysOne), true);
  }

  /** The interrupt bitmap shows the vector that waits for the next entry. */
  getSpecialRegisters(target: DataView): void {
    copy(this.#special, target);
    for (let byte = 0; byte < InterruptBitmapBytes; byte++) {
      const here = this.queuedVector >= 0 && this.queuedVector >> 3 === byte;
      target.setUint8(SpecialRegisters.interruptBitmap + byte, here ? 1 << (this.queuedVector & 7) : 0);
    }
  }

  /** The lowest vector in the interrupt bitmap is queued; an empty bitmap takes none back, as in KVM. */
  setSpecialRegisters(source: DataView): void {
    copy(source, this.#special);
    for (let vector = 0; vector < InterruptBitmapBytes * 8; vector++) {
      const bits = source.getUint8(SpecialRegisters.interruptBitmap + (vector >> 3));
      if ((bits & (1 << (vector & 7))) === 0) continue;
      this.queuedVector = vector;
      return;
    }
  }
}

function copy(source: DataView, target: DataView): void {
  const length = Math.min(source.byteLength, target.byteLength);
  new Uint8Array(target.buffer, target.byteOffset, length).set(
    new Uint8Array(source.buffer, source.byteOffset, length),
  );
}
