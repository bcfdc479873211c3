import { OperationKind } from '../../sdk/accelerator/guest/operation.ts';
import type { CompiledRecording } from '../../sdk/host-kvm/compiled-recording.ts';

/** An access that the code makes; a read has no value. */
export interface DecodedAccess {
  readonly kind: number;
  readonly address: number;
  readonly size: number;
  readonly value: bigint;
}

/**
 * Reads compiled recordings back, as a processor would: what the registers hold decides. Any instruction that a recording does not
 * need is refused.
 */
export function decode({ bytes, address }: CompiledRecording): DecodedAccess[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const accesses: DecodedAccess[] = [];
  let [at, eax, edx, mm0] = [0, 0, 0, 0n];
  const long = (): number => {
    at += 4;
    return view.getUint32(at - 4, true);
  };
  const isOwn = (place: number) => place >= address && place + 8 <= address + bytes.length;
  for (;;) {
    const isWord = bytes[at] === 0x66;
    if (isWord) at++;
    const wide = isWord ? 2 : 4;
    const opcode = bytes[at++] as number;
    const add = (kind: number, where: number, size: number, value: bigint) =>
      accesses.push({ kind, address: where, size, value: BigInt.asUintN(8 * size, value) });
    switch (opcode) {
      case 0xb8:
        eax = long();
        break;
      case 0xba:
        edx = long();
        break;
      case 0xee:
      case 0xef:
        add(OperationKind.Out, edx & 0xffff, opcode === 0xee ? 1 : wide, BigInt(eax));
        break;
      case 0xec:
      case 0xed:
        add(OperationKind.In, edx & 0xffff, opcode === 0xec ? 1 : wide, 0n);
        break;
      case 0xa2:
      case 0xa3:
        add(OperationKind.Store, long(), opcode === 0xa2 ? 1 : wide, BigInt(eax));
        break;
      case 0xa0:
      case 0xa1:
        add(OperationKind.Load, long(), opcode === 0xa0 ? 1 : wide, 0n);
        break;
      case 0x0f: {
        const isStore = bytes[at] === 0x7f;
        if ((!isStore && bytes[at] !== 0x6f) || bytes[at + 1] !== 0x05) throw unknown(at);
        at += 2;
        const place = long();
        if (isStore) add(OperationKind.Store, place, 8, mm0);
        else if (isOwn(place)) mm0 = view.getBigUint64(place - address, true);
        else add(OperationKind.Load, place, 8, 0n);
        break;
      }
      case 0xf4:
        return accesses;
      default:
        throw unknown(at - 1);
    }
  }
}

const unknown = (at: number): Error => new Error(`no instruction of a recording at offset ${at}`);
