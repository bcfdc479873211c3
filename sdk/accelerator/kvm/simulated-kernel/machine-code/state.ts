import { toHex } from '../../../../base/bytes.ts';
import type { Json, JsonReader } from '../../../../base/json-reader.ts';
import { hex } from '../../../../base/text.ts';
import { StructSize } from '../../abi.ts';
import type { Processor } from '../processor.ts';

const LargestMsr = 0xffff_ffff;

/** What a processor for machine code holds beside its general and special registers, between two instructions. */
export function saveCode(processor: Processor, msrs: readonly number[]): Json {
  const values: Record<string, string> = {};
  for (const index of msrs) {
    const value = processor.getMsr?.(index);
    if (value !== undefined) values[hex(index)] = `0x${value.toString(16)}`;
  }
  return { fpu: fpuOf(processor), msrs: values, processor: processor.save() };
}

/** Reads and checks it, and answers how to put it in force: the processor's own state last, which may say all of it again. */
export function readCode(reader: JsonReader, processor: Processor, msrs: readonly number[]): () => void {
  reader.only('fpu', 'msrs', 'processor');
  const hasFpu = processor.setFpu !== undefined;
  const fpu = hasFpu ? reader.member('fpu').hex(StructSize.fpu) : undefined;
  if (!hasFpu && reader.member('fpu').data !== null) reader.member('fpu').refuse('expected null: there is no FPU');
  const values = reader
    .member('msrs')
    .entries(msrs.length)
    .map(([name, value]) => {
      const index = /^0x[0-9a-f]{1,8}$/.test(name) ? Number(name) : LargestMsr + 1;
      const text = value.text(18);
      if (!msrs.includes(index)) value.refuse('is no model specific register of this processor');
      if (!/^0x[0-9a-f]{1,16}$/.test(text)) value.refuse('expected a number of 64 bits in hexadecimal');
      return [index, /^0x[0-9a-f]{1,16}$/.test(text) ? BigInt(text) : 0n] as const;
    });
  const apply = processor.read(reader.member('processor'));
  return () => {
    if (fpu !== undefined) processor.setFpu?.(new DataView(fpu.buffer, fpu.byteOffset, fpu.byteLength));
    for (const [index, value] of values) processor.setMsr?.(index, value);
    apply();
  };
}

function fpuOf(processor: Processor): string | null {
  if (processor.getFpu === undefined) return null;
  const bytes = new Uint8Array(StructSize.fpu);
  processor.getFpu(new DataView(bytes.buffer));
  return toHex(bytes);
}
