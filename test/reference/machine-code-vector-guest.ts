import { Registers, Rflags, SpecialRegisters, StructSize, VcpuRequest } from '../../sdk/accelerator/kvm/abi.ts';
import type { KvmKernel } from '../../sdk/accelerator/kvm/kernel.ts';
import type { RamBlock } from '../../sdk/memory/index.ts';
import { indexBytes, type VectorOperation } from './vector-notation.ts';

/** Each vCPU has its code and its strings here, far from where vectors let strings be stored. */
const CodeAt = 0x6_0000;
const StringsAt = 0x8_0000;
const RoomOfVcpu = 0x4000;

/** Writes the operations of a vector into RAM as 16-bit code, and points the vCPU at it. */
export function attachMachineCode(
  kernel: KvmKernel,
  vcpuFd: number,
  operations: readonly VectorOperation[],
  { ram, vcpu }: { readonly ram: RamBlock; readonly vcpu: number },
): void {
  const start = CodeAt + vcpu * RoomOfVcpu;
  const assembler = new RealModeAssembler(StringsAt + vcpu * RoomOfVcpu);
  for (const operation of operations) assembler.add(operation, 0);
  if (assembler.code.length > RoomOfVcpu) throw new Error('the vector is too long for the room of its code');
  ram.bytes.set(assembler.code, start);
  ram.bytes.set(assembler.strings, assembler.stringsAt);
  const special = new DataView(new ArrayBuffer(StructSize.specialRegisters));
  const call = (request: number, argument: DataView) => {
    if (kernel.ioctl(vcpuFd, request, argument) !== 0) throw new Error(`request ${request}: errno ${kernel.errno}`);
  };
  call(VcpuRequest.GetSpecialRegisters, special);
  special.setBigUint64(SpecialRegisters.cs, BigInt(start), true);
  special.setUint16(SpecialRegisters.cs + 12, start >> 4, true);
  call(VcpuRequest.SetSpecialRegisters, special);
  const general = new DataView(new ArrayBuffer(StructSize.registers));
  general.setBigUint64(Registers.rip, 0n, true);
  general.setBigUint64(Registers.rflags, BigInt(Rflags.AlwaysOne), true);
  call(VcpuRequest.SetRegisters, general);
}

/** The few instructions that vectors need, in real mode. */
class RealModeAssembler {
  readonly code: number[] = [];
  readonly strings: number[] = [];

  constructor(readonly stringsAt: number) {}

  add(operation: VectorOperation, index: number): void {
    switch (operation.op) {
      case 'out': {
        const bytes = typeof operation.bytes === 'string' ? indexBytes(index, 1) : operation.bytes;
        this.#loadAccumulator(bytes);
        this.#loadDx(operation.port);
        this.#sized(bytes.length, 0xee, 0xef);
        return;
      }
      case 'in':
        this.#loadDx(operation.port);
        this.#sized(operation.size, 0xec, 0xed);
        return;
      case 'store': {
        // mov ds, ax; then mov [offset], accumulator
        this.#loadSegment(0xd8, (operation.address >>> 8) << 4);
        this.#loadAccumulator(operation.bytes);
        this.#sized(operation.bytes.length, 0xa2, 0xa3, word(operation.address & 0xff));
        return;
      }
      case 'rep-outs': {
        const { size, count, data, port } = operation;
        const at = this.stringsAt + this.strings.length;
        for (let element = 0; element < count; element++) {
          const bytes =
            typeof data === 'string' ? indexBytes(element, size) : data.slice(element * size, (element + 1) * size);
          this.strings.push(...bytes);
        }
        this.#loadSegment(0xd8, (at >>> 8) << 4);
        this.#emit(0xbe, ...word(at & 0xff)); // mov si, offset
        this.#repeat(port, count, false);
        this.#sized(size, 0x6e, 0x6f);
        return;
      }
      case 'rep-ins': {
        const { size, count, destination, port, descending = false } = operation;
        // The batch depends on DI: it has the offset in the page, and room to go on in both directions.
        const page = destination >>> 12;
        const below = Math.min(page, 8);
        this.#loadSegment(0xc0, (page - below) << 8); // mov es, ax
        this.#emit(0xbf, ...word((below << 12) + (destination & 0xfff))); // mov di, offset
        this.#repeat(port, count, descending);
        this.#sized(size, 0x6c, 0x6d);
        return;
      }
      case 'repeat':
        for (let time = 0; time < operation.times; time++) for (const inner of operation.body) this.add(inner, time);
        return;
      case 'hlt':
        this.#emit(0xf4);
    }
  }

  #emit(...bytes: readonly number[]): void {
    this.code.push(...bytes);
  }

  /** An instruction on AL, AX or EAX: its opcode of one byte, or of a word, which a prefix makes one of 32 bits. */
  #sized(size: number, ofByte: number, ofWord: number, operand: readonly number[] = []): void {
    if (size === 4) this.#emit(0x66);
    this.#emit(size === 1 ? ofByte : ofWord, ...operand);
  }

  #loadAccumulator(bytes: readonly number[]): void {
    this.#sized(bytes.length, 0xb0, 0xb8, bytes);
  }

  #loadDx(port: number): void {
    this.#emit(0xba, ...word(port));
  }

  #loadSegment(register: number, segment: number): void {
    this.#emit(0xb8, ...word(segment), 0x8e, register); // mov ax, segment; mov register, ax
  }

  /** mov cx, count; mov dx, port; cld or std; rep */
  #repeat(port: number, count: number, descending: boolean): void {
    this.#emit(0xb9, ...word(count));
    this.#loadDx(port);
    this.#emit(descending ? 0xfd : 0xfc, 0xf3);
  }
}

const word = (value: number): number[] => [value & 0xff, value >>> 8];
