import { type GuestOperation, type GuestSource, OperationKind } from '../../../sdk/accelerator/guest/operation.ts';
import {
  Registers,
  Rflags,
  Segment,
  SpecialRegisters,
  StructSize,
  VcpuRequest,
} from '../../../sdk/accelerator/kvm/abi.ts';
import type { KvmKernel } from '../../../sdk/accelerator/kvm/kernel.ts';
import type { ScheduledKernel } from '../../../sdk/accelerator/kvm/scheduled/kernel.ts';
import type { RamBlock } from '../../../sdk/memory/ram-block.ts';
import { compile, readSizes, stringBytes } from './machine-code.ts';
import { type Chunk, type GuestStep, Layout } from './script.ts';

/** How one kind of kernel executes the guest of a script. */
export interface ScriptGuest {
  /** Begins a script; false if it does not fit. */
  load(chunks: readonly Chunk[]): boolean;
  /** What the guest has read by the next so many reads, as bytes in hexadecimal. */
  takeReads(count: number): string[];
}

/** Machine code in the RAM of the VM. */
export class MachineCodeGuest implements ScriptGuest {
  #sizes: number[] = [];
  #taken = 0;

  constructor(
    private readonly kernel: KvmKernel,
    private readonly vcpuFd: number,
    private readonly ram: RamBlock,
  ) {
    const special = new DataView(new ArrayBuffer(StructSize.specialRegisters));
    this.#call(VcpuRequest.GetSpecialRegisters, special);
    flatSegments(special);
    this.#call(VcpuRequest.SetSpecialRegisters, special);
  }

  load(chunks: readonly Chunk[]): boolean {
    const compiled = compile(chunks);
    if (compiled === undefined) return false;
    this.ram.bytes.set(compiled.code, Layout.code);
    this.ram.bytes.set(compiled.data, Layout.data);
    this.#sizes = chunks.flatMap(({ guest }) => readSizes(guest));
    this.#taken = 0;
    const general = new DataView(new ArrayBuffer(StructSize.registers));
    general.setBigUint64(Registers.rip, BigInt(Layout.code), true);
    general.setBigUint64(Registers.rflags, BigInt(Rflags.AlwaysOne), true);
    this.#call(VcpuRequest.SetRegisters, general);
    this.ram.bytes.fill(0, Layout.log, Layout.log + 8 * this.#sizes.length);
    return true;
  }

  takeReads(count: number): string[] {
    const from = this.#taken;
    this.#taken += count;
    return this.#sizes.slice(from, this.#taken).map((size, index) => {
      const at = Layout.log + 8 * (from + index);
      return Buffer.from(this.ram.bytes.subarray(at, at + size)).toString('hex');
    });
  }

  #call(request: number, argument: DataView): void {
    if (this.kernel.ioctl(this.vcpuFd, request, argument) === 0) return;
    throw new Error(`request 0x${request.toString(16)} of the vCPU failed with errno ${this.kernel.errno}`);
  }
}

/** Protected mode with segments over the first 4 GiB, without descriptors in memory. */
function flatSegments(special: DataView): void {
  const names = ['cs', 'ds', 'es', 'fs', 'gs', 'ss'] as const;
  for (const name of names) {
    const at = SpecialRegisters[name];
    special.setBigUint64(at + Segment.base, 0n, true);
    special.setUint32(at + Segment.limit, 0xffff_ffff, true);
    special.setUint16(at + Segment.selector, name === 'cs' ? 8 : 16, true);
    special.setUint8(at + Segment.type, name === 'cs' ? 11 : 3);
    special.setUint8(at + Segment.present, 1);
    special.setUint8(at + 16, 0); // dpl
    special.setUint8(at + 17, 1); // db
    special.setUint8(at + Segment.s, 1);
    special.setUint8(at + 20, 1); // g
  }
  special.setBigUint64(SpecialRegisters.cr0, 0x31n, true); // PE, ET, NE
}

/** Operations of a simulated vCPU. */
export class SimulatedGuest implements ScriptGuest, GuestSource {
  readonly name = 'random script';
  #operations: ((operation: GuestOperation) => void)[] = [];
  #next = 0;
  #reads: string[] = [];

  constructor(
    private readonly kernel: ScheduledKernel,
    private readonly vcpuFd: number,
  ) {}

  load(chunks: readonly Chunk[]): boolean {
    this.#operations = chunks.flatMap(({ guest }) => [...guest.flatMap(operationsOf), halt]);
    this.#next = 0;
    this.#reads = [];
    this.kernel.processor(this.vcpuFd).attach(this);
    return true;
  }

  takeReads(count: number): string[] {
    return this.#reads.splice(0, count);
  }

  next(operation: GuestOperation): boolean {
    const { kind, size, value, valueHigh } = operation;
    if (kind === OperationKind.In || kind === OperationKind.Load) {
      const bytes = Buffer.alloc(8);
      bytes.writeUInt32LE(value >>> 0);
      bytes.writeUInt32LE(valueHigh >>> 0, 4);
      this.#reads.push(bytes.toString('hex', 0, size));
    }
    const fill = this.#operations[this.#next++];
    if (fill === undefined) return false;
    operation.kind = OperationKind.None;
    fill(operation);
    return true;
  }

  interrupt(): void {
    throw new Error('a script has no interrupts');
  }
}

const halt = (operation: GuestOperation): void => {
  operation.kind = OperationKind.Hlt;
};

function operationsOf(step: GuestStep): ((operation: GuestOperation) => void)[] {
  switch (step.op) {
    case 'out': {
      const { port: address, size, value } = step;
      return Array.from({ length: step.times }, (_, time) => (operation) => {
        const written = size === 4 ? (value + time) >>> 0 : (value + time) & (size === 1 ? 0xff : 0xffff);
        Object.assign(operation, { kind: OperationKind.Out, address, size, value: written, valueHigh: 0 });
      });
    }
    case 'in':
      return [
        (operation) =>
          Object.assign(operation, { kind: OperationKind.In, address: step.port, size: step.size, valueHigh: 0 }),
      ];
    case 'store': {
      const { address, size, value, valueHigh } = step;
      return [(operation) => Object.assign(operation, { kind: OperationKind.Store, address, size, value, valueHigh })];
    }
    case 'load':
      return [
        (operation) => Object.assign(operation, { kind: OperationKind.Load, address: step.address, size: step.size }),
      ];
    case 'rep-outs': {
      const { port: address, size, count } = step;
      const bytes = Uint8Array.from(stringBytes(step.first, count * size));
      return [
        (operation) =>
          Object.assign(operation, {
            kind: OperationKind.RepOuts,
            address,
            size,
            count,
            position: 0,
            bytes,
            destination: 0,
            descending: false,
            stored: false,
          }),
      ];
    }
    case 'rep-ins': {
      const { port: address, size, count, destination, descending } = step;
      return [
        (operation) =>
          Object.assign(operation, {
            kind: OperationKind.RepIns,
            address,
            size,
            count,
            position: 0,
            bytes: undefined,
            destination,
            descending,
            stored: true,
          }),
      ];
    }
  }
}
