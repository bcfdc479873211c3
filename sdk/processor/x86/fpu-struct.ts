import { StructSize } from '../../accelerator/kvm/abi.ts';
import type { GuestState } from './guest-state.ts';
import { At } from './state-layout.ts';
import type { WasmInstance } from './wasm-instance.ts';

/** struct kvm_fpu: offset of each part. @see asm/kvm.h (uapi) */
const FpuStruct = {
  registers: 0,
  control: 128,
  status: 130,
  tags: 132,
  opcode: 134,
  instruction: 136,
  operand: 144,
  xmm: 152,
  mxcsr: 408,
} as const;
const RegisterBytes = 16;
const Registers = 8;
const XmmBytes = 128;
/** TOP, which the module keeps apart from the status word. */
const TopShift = 11;
const TopMask = 7 << TopShift;

/** The registers by their place on the stack, the tags by their number: 1 is in use. @see Intel SDM volume 1, 10.5.1.1 */
export function getFpu({ view, bytes }: GuestState, to: DataView): void {
  const top = view.getUint8(At.fpuStackTop) & 7;
  const target = new Uint8Array(to.buffer, to.byteOffset, StructSize.fpu);
  target.fill(0);
  for (let place = 0; place < Registers; place++) {
    const from = At.fpuRegisters + ((top + place) & 7) * RegisterBytes;
    target.set(bytes.subarray(from, from + RegisterBytes), FpuStruct.registers + place * RegisterBytes);
  }
  target.set(bytes.subarray(At.xmm, At.xmm + XmmBytes), FpuStruct.xmm);
  to.setUint16(FpuStruct.control, view.getUint16(At.fpuControl, true), true);
  to.setUint16(FpuStruct.status, (view.getUint16(At.fpuStatus, true) & ~TopMask) | (top << TopShift), true);
  to.setUint8(FpuStruct.tags, ~view.getUint8(At.fpuStackEmpty) & 0xff);
  to.setUint16(FpuStruct.opcode, view.getUint16(At.fpuOpcode, true), true);
  to.setUint32(FpuStruct.instruction, view.getUint32(At.fpuInstruction, true), true);
  to.setUint32(FpuStruct.operand, view.getUint32(At.fpuOperand, true), true);
  to.setUint32(FpuStruct.mxcsr, view.getUint32(At.mxcsr, true), true);
}

export function setFpu({ view, bytes }: GuestState, wasm: WasmInstance, from: DataView): void {
  const status = from.getUint16(FpuStruct.status, true);
  const top = (status & TopMask) >> TopShift;
  const source = new Uint8Array(from.buffer, from.byteOffset, StructSize.fpu);
  for (let place = 0; place < Registers; place++) {
    const start = FpuStruct.registers + place * RegisterBytes;
    bytes.set(source.subarray(start, start + RegisterBytes), At.fpuRegisters + ((top + place) & 7) * RegisterBytes);
  }
  bytes.set(source.subarray(FpuStruct.xmm, FpuStruct.xmm + XmmBytes), At.xmm);
  view.setUint8(At.fpuStackTop, top);
  view.setUint16(At.fpuStatus, status & ~TopMask, true);
  view.setUint8(At.fpuStackEmpty, ~from.getUint8(FpuStruct.tags) & 0xff);
  view.setUint16(At.fpuOpcode, from.getUint16(FpuStruct.opcode, true), true);
  view.setUint32(At.fpuInstruction, from.getUint32(FpuStruct.instruction, true), true);
  view.setUint32(At.fpuOperand, from.getUint32(FpuStruct.operand, true), true);
  view.setUint32(At.mxcsr, from.getUint32(FpuStruct.mxcsr, true), true);
  // Rounding and precision follow from it.
  wasm.exports.set_control_word(from.getUint16(FpuStruct.control, true));
}
