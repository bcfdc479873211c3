import type { MachineCode } from '../../../sdk/x86.ts';
import { type Difference, differing, type Results, runBoth } from './comparison.ts';
import { buildCase, writeDriver, writePool } from './generate.ts';
import { In, InRegisters, MemorySize, Out, Place, PoolSize, Selector } from './layout.ts';
import { Image } from './processors.ts';
import { code16 } from './tables.ts';

const Names = ['EAX', 'ECX', 'EDX', 'EBX', 'ESP', 'EBP', 'ESI', 'EDI'] as const;
const Esp = 4;
const FewestFlags = 2;

/** One instruction and its inputs, as simple as still shows the difference. */
export interface Shrunk {
  readonly name: string;
  readonly seed: number;
  readonly index: number;
  readonly bits: 16 | 32;
  /** Bytes of the instruction. */
  readonly code: Uint8Array;
  /** Inputs that matter, by their names. */
  readonly inputs: Readonly<Record<string, number>>;
  /** What differs: ours, then TCG's. */
  readonly differs: Readonly<Record<string, readonly [ours: number, theirs: number]>>;
}

/** A change to the inputs that makes them simpler. */
type Step = (record: DataView, memory: DataView) => void;

/** Takes inputs away, all candidates of a round in one image, until none can go. */
export async function shrink(machineCode: MachineCode, difference: Difference): Promise<Shrunk> {
  const { selection, index } = difference;
  const pool = new DataView(new ArrayBuffer(PoolSize));
  writePool(pool, selection.seed);
  const { fixed, bits, length } = regenerate(difference, pool);
  let best: Inputs = { record: difference.record.slice(), memory: difference.memory.slice() };
  let steps = stepsFor(fixed);
  while (steps.length > 0) {
    const together = steps.reduce(changed, best);
    const candidates = [together, ...steps.map((step) => changed(best, step))];
    const still = differing(await runCandidates(machineCode, candidates, bits));
    const [chosen] = still;
    if (chosen === undefined) break;
    best = candidates[chosen]!;
    steps = steps.filter((_, place) => place + 1 > chosen && still.includes(place + 1) && chosen > 0);
  }
  const last = await runCandidates(machineCode, [best], bits);
  // At another address a case that names its own one may show nothing: then it is told as it was found.
  const shown = differing(last).length > 0 ? last : difference;
  return {
    name: difference.name,
    seed: selection.seed,
    index,
    bits,
    code: best.record.slice(In.bytes, In.bytes + length),
    inputs: inputsOf(best),
    differs: differencesOf(shown),
  };
}

/** The case again, from its seed: which registers its addresses depend on, and how long it is. */
function regenerate(difference: Difference, pool: DataView): { fixed: number; bits: 16 | 32; length: number } {
  const { selection, index } = difference;
  const builder = buildCase(selection, index, index - selection.first, selection.count, pool);
  const isRing3 = builder.ring3;
  const record = difference.record.subarray(In.bytes);
  const ends = isRing3 ? [0xcd, 0x80] : builder.bits === 16 ? [0x66, 0xea] : [0xea];
  let length = record.length;
  while (length > 0 && !ends.every((byte, at) => record[length + at] === byte)) length--;
  return { fixed: builder.fixed | (1 << Esp), bits: builder.bits, length };
}

function stepsFor(fixed: number): Step[] {
  const registers = InRegisters.flatMap((offset, number): Step[] =>
    (fixed & (1 << number)) === 0 ? [(record) => record.setUint32(offset, 0, true)] : [],
  );
  const words = Array.from(
    { length: MemorySize / 4 },
    (_, word): Step =>
      (_, memory) =>
        memory.setUint32(4 * word, 0),
  );
  const allMemory: Step = (_, memory) => new Uint8Array(memory.buffer).fill(0);
  const flags: Step = (record) => record.setUint32(In.flags, FewestFlags, true);
  return [allMemory, flags, ...registers, ...words];
}

interface Inputs {
  readonly record: Uint8Array;
  readonly memory: Uint8Array;
}

function changed({ record, memory }: Inputs, step: Step): Inputs {
  const copy = { record: record.slice(), memory: memory.slice() };
  step(new DataView(copy.record.buffer), new DataView(copy.memory.buffer));
  return copy;
}

/** Records of one image, which find their memory one behind the other in its pool. */
async function runCandidates(machineCode: MachineCode, candidates: readonly Inputs[], bits: 16 | 32): Promise<Results> {
  const image = new Image(candidates.length);
  const { entry } = writeDriver(image.view, candidates.length);
  for (const [place, { record, memory }] of candidates.entries()) {
    const at = Place.records + place * In.size;
    image.bytes.set(record, at);
    image.bytes.set(memory, Place.pool + place * MemorySize);
    image.view.setUint16(at + In.pool, (place * MemorySize) / 4, true);
    const isRing3 = (image.view.getUint32(at + In.code, true) & 3) === 3;
    const offset = bits === 16 ? place * In.size : at;
    image.view.setUint32(at + In.pointer, offset + In.bytes, true);
    const flat = isRing3 ? Selector.userCode : Selector.code;
    image.view.setUint32(at + In.code, bits === 16 ? code16(0, isRing3, candidates.length) : flat, true);
  }
  return runBoth(machineCode, image, entry);
}

function inputsOf({ record, memory }: Inputs): Record<string, number> {
  const view = new DataView(record.buffer);
  const words = new DataView(memory.buffer);
  const registers = InRegisters.map((offset, number) => [Names[number]!, view.getUint32(offset, true)] as const);
  const places = Array.from(
    { length: MemorySize / 4 },
    (_, word) => [`[0x${(Place.result + 4 * word).toString(16)}]`, words.getUint32(4 * word, true)] as const,
  );
  const flags = ['EFLAGS', view.getUint32(In.flags, true)] as const;
  return Object.fromEntries([...registers, flags, ...places].filter(([, value]) => value !== 0));
}

function differencesOf({ ours, theirs }: Results): Record<string, readonly [number, number]> {
  const [a, b] = [new DataView(ours.buffer, ours.byteOffset), new DataView(theirs.buffer, theirs.byteOffset)];
  const names = [
    ...Names.map((name, number) => [name, Out.registers + 4 * number] as const),
    ...(['flags', 'vector', 'errorCode', 'cr2', 'pointer', 'code', 'stack'] as const).map(
      (name) => [name, Out[name]] as const,
    ),
    ...[0, 4].map((offset) => [offset === 0 ? 'DS, ES' : 'FS, GS', Out.segments + offset] as const),
    ...Array.from(
      { length: MemorySize / 4 },
      (_, word) => [`[0x${(Place.result + 4 * word).toString(16)}]`, 4 * word] as const,
    ),
  ];
  return Object.fromEntries(
    names
      .map(([name, at]) => [name, [a.getUint32(at, true), b.getUint32(at, true)] as const] as const)
      .filter(([, [our, their]]) => our !== their),
  );
}

/** Three lines for a report: the instruction, what it needs, what differs. */
export function describeShrunk({ name, seed, index, bits, code, inputs, differs }: Shrunk): string {
  const hex = (value: number) => `0x${value.toString(16)}`;
  const bytes = Array.from(code, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
  const given = Object.entries(inputs).map(([input, value]) => `${input}=${hex(value)}`);
  const found = Object.entries(differs).map(
    ([what, [our, their]]) => `${what} is ${hex(our)} here, ${hex(their)} in TCG`,
  );
  return `${name} (${bits}-bit code, seed ${seed}, case ${index}): ${bytes}\n  with ${given.join(' ')}\n  ${found.join('; ')}`;
}
