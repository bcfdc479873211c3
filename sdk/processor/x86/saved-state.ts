import { toHex } from '../../base/bytes.ts';
import type { Json, JsonReader } from '../../base/json-reader.ts';
import { LargestRamPiece } from './access-list.ts';
import type { Exits } from './exits.ts';
import type { GuestState } from './guest-state.ts';
import type { LowMemory } from './low-memory.ts';
import { At } from './state-layout.ts';
import type { WasmInstance } from './wasm-instance.ts';

/** Of the state's bytes, those that the module, or an entry, sets itself. */
const Kept = [
  [At.halted, 1],
  [At.codePage, 8],
  [At.blockCount, 12],
  [At.memorySize, 4],
] as const;
/** Bytes that are 0 or 1. A snapshot can come from an attacker. */
const Booleans = [At.protectedMode, At.codeIs32, At.stackIs32, At.taskIs32];
const StampBytes = 8;
const PageBytes = 4096;
const LowPages = 256;

/** The parts of a processor that have state. */
interface Parts {
  readonly state: GuestState;
  readonly exits: Exits;
  readonly memory: LowMemory;
  readonly wasm: WasmInstance;
  readonly instructions: number;
  readonly piece: number;
}

/** What the structs of KVM do not hold: flags that are computed late, among others. So it has the whole state. */
export function saveState({ state, exits, memory, wasm, instructions, piece }: Parts): Json {
  // Both continuations, this one and the restored one, then walk the page tables anew.
  wasm.exports.full_clear_tlb();
  const bytes = state.bytes.slice(At.start, At.end);
  for (const [at, size] of Kept) bytes.fill(0, at - At.start, at - At.start + size);
  return {
    instructions,
    piece,
    bytes: toHex(bytes),
    timeStamps: At.timeStamps.map((at) => toHex(state.bytes.subarray(at, at + StampBytes))),
    random: exits.randomState >>> 0,
    aside: Array.from(memory.waitingAside(), ([page, bytes]): Json => [page / PageBytes, toHex(bytes)]),
  };
}

/** The answer puts the state in place. Then the counts are the saved ones. */
export function readState(
  { state, exits, memory, wasm }: Parts,
  reader: JsonReader,
  setCounts: (counts: Pick<Parts, 'instructions' | 'piece'>) => void,
): () => void {
  const instructions = reader.member('instructions').integer(0);
  const piece = reader.member('piece').integer(0, LargestRamPiece);
  const bytes = readBytes(reader.member('bytes'), state.bytes);
  const stamps = At.timeStamps.map((_, place) => reader.member('timeStamps').item(place).hex(StampBytes));
  const random = reader.member('random').integer(1, 2 ** 32 - 1);
  const aside = reader
    .member('aside')
    .list(LowPages)
    .map((row) => [row.item(0).integer(0, LowPages - 1), row.item(1).hex(PageBytes)] as const);
  return () => {
    exits.reset();
    exits.randomState = random | 0;
    state.bytes.set(bytes, At.start);
    At.timeStamps.forEach((at, place) => {
      state.bytes.set(stamps[place]!, at);
    });
    for (const [page, bytesAside] of aside) memory.setAside(page * PageBytes, bytesAside);
    wasm.exports.set_control_word(state.view.getUint16(At.fpuControl, true));
    wasm.exports.update_state_flags();
    wasm.exports.full_clear_tlb();
    setCounts({ instructions, piece });
  };
}

/** The saved bytes, with those of this module where they are its own. */
function readBytes(reader: JsonReader, now: Uint8Array): Uint8Array {
  const bytes = reader.hex(At.end - At.start);
  for (const [at, size] of Kept) bytes.set(now.subarray(at, at + size), at - At.start);
  for (const at of Booleans) bytes[at - At.start]! &= 1;
  bytes[At.privilege - At.start]! &= 3;
  bytes[At.fpuStackTop - At.start]! &= 7;
  return bytes;
}
