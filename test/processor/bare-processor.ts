import { GuestOperation, OperationKind } from '../../sdk/accelerator/guest/operation.ts';
import { Registers, Segment, SpecialRegisters, StructSize } from '../../sdk/accelerator/kvm/abi.ts';
import {
  type KernelMemorySlot,
  type MachineCode,
  type MachineCodeVm,
  type Processor,
  type ProcessorBus,
  Stop,
  type StopValue,
} from '../../sdk/accelerator/kvm/simulated-kernel/processor.ts';

import { x86MachineCode as x86 } from '../../sdk/cli/x86-wasm.ts';

export { x86 };

/** General registers by their place in struct kvm_regs. */
export const Register = {
  eax: 0,
  ebx: 8,
  ecx: 16,
  edx: 24,
  esi: 32,
  edi: 40,
  esp: 48,
  ebp: 56,
  eip: Registers.rip,
  flags: Registers.rflags,
} as const;
export type RegisterName = keyof typeof Register;

/** Answers nothing itself, but for the ranges that a test gives to the kernel. */
export class BareBus implements ProcessorBus {
  low = 0;
  high = 0;
  nanoseconds = 0;
  processor: Processor | undefined;
  /** Ports and MMIO addresses whose writes are taken inside the kernel, and what was taken. */
  readonly taken: string[] = [];
  takesPort = (_port: number): boolean => false;
  takesMemory = (_address: number): boolean => false;
  /** Bytes of a slot at this address; undefined: none. */
  slot = (_address: number): DataView | undefined => undefined;

  portWrite(port: number, size: number, value: number): boolean {
    if (!this.takesPort(port)) return false;
    this.taken.push(`out${size * 8} ${port.toString(16)}=${value.toString(16)}`);
    return true;
  }

  takes(isPort: boolean, address: number): boolean {
    return isPort ? this.takesPort(address) : this.takesMemory(address);
  }

  longString(elements: number): void {
    this.taken.push(`string of ${elements}`);
  }

  memoryWrite(address: number, size: number, low: number, high: number): boolean {
    const slot = this.slot(address);
    if (slot !== undefined) {
      for (let byte = 0; byte < size; byte++)
        slot.setUint8((address + byte) % slot.byteLength, (byte < 4 ? low : high) >>> (8 * (byte & 3)));
      return true;
    }
    if (!this.takesMemory(address)) return false;
    this.taken.push(`store${size * 8} ${address.toString(16)}=${low.toString(16)}`);
    return true;
  }

  memoryRead(address: number, size: number): boolean {
    const slot = this.slot(address);
    if (slot === undefined) return false;
    const at = address % slot.byteLength;
    this.low = size === 1 ? slot.getUint8(at) : size === 2 ? slot.getUint16(at, true) : slot.getUint32(at, true);
    this.high = 0;
    return true;
  }

  now(): number {
    return this.nanoseconds + (this.processor?.instructions ?? 0) * 10;
  }
}

/** A processor with RAM and a bus, and nothing else: the test is its userspace. */
export class BareProcessor {
  readonly bus = new BareBus();
  readonly vm: MachineCodeVm;
  readonly ram: Uint8Array;
  readonly processor: Processor;
  readonly operation = new GuestOperation();
  /** Answers of devices: of IN and of loads, in their order; then zeroes. */
  answers: number[] = [];
  /** What userspace saw: `out8 80=5`, `load32 fe000000`. */
  readonly seen: string[] = [];

  constructor(machineCode: MachineCode, ramSize = 2 << 20) {
    this.vm = machineCode.create();
    this.ram = this.vm.memory.allocate(ramSize, 'ram').bytes;
    this.vm.memory.slotsChanged([this.ramSlot()]);
    this.processor = this.vm.processor(this.bus);
    this.bus.processor = this.processor;
  }

  ramSlot(start = 0, size = this.ram.length - start): KernelMemorySlot {
    const { buffer, byteOffset } = this.ram;
    return slot(start, new DataView(buffer, byteOffset + start, size));
  }

  /** Flat segments of 32 bits, or segments of 16 bits at 0; then at this address. */
  begin(bits: 16 | 32, address: number, registers: Partial<Record<RegisterName, number>> = {}): this {
    const special = new DataView(new ArrayBuffer(StructSize.specialRegisters));
    this.processor.getSpecialRegisters(special);
    const { cs, ds, es, fs, gs, ss, cr0 } = SpecialRegisters;
    for (const offset of [cs, ds, es, fs, gs, ss]) {
      special.setBigUint64(offset + Segment.base, 0n, true);
      special.setUint32(offset + Segment.limit, bits === 32 ? 0xffff_ffff : 0xffff, true);
      special.setUint16(offset + Segment.selector, bits === 16 ? 0 : offset === cs ? 8 : 16, true);
      special.setUint8(offset + Segment.db, bits === 32 ? 1 : 0);
    }
    special.setUint32(cr0, bits === 32 ? 0x11 : 0x10, true);
    if (!this.processor.setSpecialRegisters(special)) throw new Error('the special registers are refused');
    this.setRegisters({ esp: 0x8000, flags: 2, ...registers, eip: address });
    return this;
  }

  setRegisters(values: Partial<Record<RegisterName, number>>): void {
    const view = this.#registers();
    for (const [name, value] of Object.entries(values))
      view.setBigUint64(Register[name as RegisterName], BigInt(value >>> 0), true);
    if (!this.processor.setRegisters(view)) throw new Error('the registers are refused');
  }

  get(name: RegisterName): number {
    return this.#registers().getUint32(Register[name], true);
  }

  /** Enters once. What it stopped for is served and noted. */
  step(limit = 100_000): StopValue {
    const stop = this.processor.enter(limit, this.operation);
    if (stop === Stop.Operation) this.#serve();
    return stop;
  }

  /** Goes on until something else than an access stops it. */
  run(limit = 100_000): StopValue {
    while (true) {
      const stop = this.step(limit);
      if (stop !== Stop.Operation) return stop;
    }
  }

  #registers(): DataView {
    const view = new DataView(new ArrayBuffer(StructSize.registers));
    this.processor.getRegisters(view);
    return view;
  }

  #serve(): void {
    const { operation } = this;
    const { kind, address, size, value, valueHigh, count } = operation;
    const at = address.toString(16);
    const data =
      size === 8 ? valueHigh.toString(16).padStart(8, '0') + value.toString(16).padStart(8, '0') : value.toString(16);
    operation.finished = true;
    if (kind === OperationKind.Out) this.seen.push(`out${size * 8} ${at}=${data}`);
    else if (kind === OperationKind.Store) this.seen.push(`store${size * 8} ${at}=${data}`);
    else if (kind === OperationKind.RepOuts) {
      this.seen.push(
        `rep outs${size * 8} ${at}=${Buffer.from(operation.bytes!.subarray(0, count * size)).toString('hex')}`,
      );
    } else if (kind === OperationKind.RepIns) {
      operation.bytes = new Uint8Array(count * size);
      for (let byte = 0; byte < operation.bytes.length; byte += size) {
        const answer = this.answers.shift() ?? 0;
        for (let part = 0; part < size; part++) operation.bytes[byte + part] = answer >>> (8 * part);
      }
      this.seen.push(`rep ins${size * 8} ${at} x${count}`);
      this.processor.complete(operation);
    } else {
      operation.value = (this.answers.shift() ?? 0) >>> 0;
      operation.valueHigh = 0;
      this.seen.push(`${kind === OperationKind.In ? 'in' : 'load'}${size * 8} ${at}`);
      this.processor.complete(operation);
    }
  }
}

export function slot(guestAddress: number, view: DataView, flags = 0): KernelMemorySlot {
  return { id: 0, flags, guestAddress, size: view.byteLength, userspaceAddress: 0, view, dirty: undefined };
}

/** `'b0 05 e6 80'` as bytes. */
export const code = (text: string): Uint8Array =>
  Uint8Array.from(text.trim().split(/\s+/), (byte) => Number.parseInt(byte, 16));

/** A processor of the suite that stands at this code, at 0x1000. */
export async function executing(
  bits: 16 | 32,
  text: string,
  registers: Partial<Record<RegisterName, number>> = {},
): Promise<BareProcessor> {
  const bare = new BareProcessor(await x86());
  bare.ram.set(code(text), 0x1000);
  return bare.begin(bits, 0x1000, registers);
}
