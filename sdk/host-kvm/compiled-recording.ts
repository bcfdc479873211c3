import { OperationKind } from '../accelerator/guest/operation.ts';
import { PageSize } from '../accelerator/kvm/abi.ts';
import type { RecordedTrace } from '../accelerator/trace/recorded-trace.ts';
import { BackplaneError } from '../base/errors.ts';
import { hex } from '../base/text.ts';

/** 32-bit code in flat segments reaches so far. */
const EndOfSegment = 2 ** 32;

/**
 * Opcodes of 32-bit code: the accumulator, and MMX for 8 bytes. @see Intel SDM volume 2
 */
const Opcode = {
  OperandSize: 0x66,
  LoadEax: 0xb8,
  LoadEdx: 0xba,
  In8: 0xec,
  In: 0xed,
  Out8: 0xee,
  Out: 0xef,
  Load8: 0xa0,
  Load: 0xa1,
  Store8: 0xa2,
  Store: 0xa3,
  Hlt: 0xf4,
} as const;
/** movq mm0, [address], and movq [address], mm0: two bytes of opcode, and one that names mm0 and an absolute address. */
const LoadMm0 = [0x0f, 0x6f, 0x05];
const StoreMm0 = [0x0f, 0x7f, 0x05];
/** Bytes of the longest access: two MMX instructions. */
const LongestAccess = 14;
const QuadWord = 8;

/** Machine code that makes the accesses of a recording, one instruction an access, and halts. */
export interface CompiledRecording {
  /** The code, and behind it the values of 8-byte writes: all of it belongs at `address`. */
  readonly bytes: Uint8Array;
  readonly address: number;
  /** Where the values begin, counted from the start. */
  readonly codeSize: number;
}

/**
 * Compiles a recording to 32-bit code for flat segments, to be placed at `address`. There is no loop and no call: the only accesses
 * are the recorded ones, and the fetch of the code.
 */
export function compileRecording(trace: RecordedTrace, address: number): CompiledRecording {
  const { length, kind, size } = trace;
  let wideWrites = 0;
  for (let index = 0; index < length; index++) {
    refuseAccess(trace, index);
    if (kind[index] === OperationKind.Store && size[index] === QuadWord) wideWrites++;
  }
  const code = new CodeBuffer(new Uint8Array(length * LongestAccess + 1 + QuadWord));
  const references: { readonly at: number; readonly index: number }[] = [];
  for (let index = 0; index < length; index++) {
    if (size[index] === QuadWord) compileWide(code, trace, index, references);
    else compileAccess(code, trace, index);
  }
  code.byte(Opcode.Hlt);
  const codeSize = Math.ceil(code.length / QuadWord) * QuadWord;
  const bytes = new Uint8Array(codeSize + wideWrites * QuadWord);
  bytes.set(code.bytes.subarray(0, code.length));
  const view = new DataView(bytes.buffer);
  references.forEach(({ at, index }, number) => {
    const place = codeSize + number * QuadWord;
    view.setUint32(at, address + place, true);
    view.setUint32(place, trace.value[index]!, true);
    view.setUint32(place + 4, trace.valueHigh[index]!, true);
  });
  return { bytes, address, codeSize };
}

/** What a machine needs to hold the code of a recording of so many accesses, at most. */
export function roomForRecording({ length }: RecordedTrace): number {
  return length * (LongestAccess + QuadWord) + 2 * QuadWord;
}

/** The line of an access in the text of its recording, from 1: behind its first line and its comments. */
export function lineOf({ header }: RecordedTrace, index: number): number {
  return header.length + index + 2;
}

function compileAccess(code: CodeBuffer, trace: RecordedTrace, index: number): void {
  const [kind, size, address] = [trace.kind[index], trace.size[index]!, trace.address[index]!];
  if (kind === OperationKind.Out || kind === OperationKind.Store) {
    code.byte(Opcode.LoadEax);
    code.long(trace.value[index]!);
  }
  if (kind === OperationKind.Out || kind === OperationKind.In) {
    code.byte(Opcode.LoadEdx);
    code.long(address);
    if (kind === OperationKind.Out) code.sized(size, Opcode.Out8, Opcode.Out);
    else code.sized(size, Opcode.In8, Opcode.In);
    return;
  }
  if (kind === OperationKind.Store) code.sized(size, Opcode.Store8, Opcode.Store);
  else code.sized(size, Opcode.Load8, Opcode.Load);
  code.long(address);
}

/** The value of a write lies behind the code, and its place is filled in at the end. */
function compileWide(
  code: CodeBuffer,
  trace: RecordedTrace,
  index: number,
  references: { readonly at: number; readonly index: number }[],
): void {
  const address = trace.address[index]!;
  if (trace.kind[index] !== OperationKind.Store) {
    code.bytesOf(LoadMm0);
    code.long(address);
    return;
  }
  code.bytesOf(LoadMm0);
  references.push({ at: code.length, index });
  code.long(0);
  code.bytesOf(StoreMm0);
  code.long(address);
}

function refuseAccess(trace: RecordedTrace, index: number): void {
  const [kind, size, address] = [trace.kind[index]!, trace.size[index]!, trace.address[index]!];
  const refuse = (where: string, why: string): never => {
    const what = `Recording '${trace.name}'${where} cannot be machine code: ${why} Replay it with -accel kvm-sim.`;
    throw new BackplaneError('recording-not-compilable', what);
  };
  const isList = trace.run === undefined && kind >= OperationKind.Out && kind <= OperationKind.Load;
  if (!isList) refuse('', 'it is a recorded run with strings and interrupts, and no list of accesses (iotrace v1).');
  if (kind !== OperationKind.Store && kind !== OperationKind.Load) return;
  const at = `, line ${lineOf(trace, index)},`;
  if (address + size > EndOfSegment)
    refuse(at, `${hex(address)} is beyond the first 4 GiB, as far as 32-bit code reaches.`);
  if ((address % PageSize) + size > PageSize)
    refuse(at, `${size} bytes at ${hex(address)} cross a page, which are two exits.`);
}

/** Bytes that are appended to. */
class CodeBuffer {
  length = 0;

  constructor(readonly bytes: Uint8Array) {}

  byte(value: number): void {
    this.bytes[this.length++] = value;
  }

  bytesOf(values: readonly number[]): void {
    for (const value of values) this.byte(value);
  }

  long(value: number): void {
    this.byte(value & 0xff);
    this.byte((value >>> 8) & 0xff);
    this.byte((value >>> 16) & 0xff);
    this.byte(value >>> 24);
  }

  /** The instruction for the accumulator's 8, 16 or 32 bits. */
  sized(size: number, ofByte: number, ofLong: number): void {
    if (size === 2) this.byte(Opcode.OperandSize);
    this.byte(size === 1 ? ofByte : ofLong);
  }
}
