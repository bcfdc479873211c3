import { OperationKind } from '../guest/operation.ts';
import { DmaColumns } from './dma-lines.ts';
import {
  type OutsideLine,
  type RecordedEnd,
  type RecordedRun,
  type RecordedString,
  type RecordedTrace,
  RunEntry,
  TraceColumns,
} from './recorded-trace.ts';

/** Collects the entries of a run while it is read. */
export class RunColumns {
  readonly entries = new TraceColumns();
  readonly strings = new Map<number, RecordedString>();
  readonly outside: OutsideLine[] = [];
  readonly dma = new DmaColumns();
  end: RecordedEnd | undefined;
  currentVcpu = 0;
  #vcpu = new Uint8Array(1024);

  /** The columns have one more entry, which is of the current vCPU. */
  noteVcpu(): void {
    const index = this.entries.length - 1;
    if (index >= this.#vcpu.length) {
      const longer = new Uint8Array(2 * this.#vcpu.length);
      longer.set(this.#vcpu);
      this.#vcpu = longer;
    }
    this.#vcpu[index] = this.currentVcpu;
  }

  /** The recording as a trace of accesses, with the run beside it. */
  finish(name: string, header: readonly string[]): RecordedTrace {
    const { strings, outside, dma, end } = this;
    const entries = this.entries.finish(name, header);
    const run = { entries, vcpu: this.#vcpu.slice(0, entries.length), strings, outside, dma: dma.finish(name), end };
    const { transfers } = entries;
    return { ...accessesOf(run), ...(transfers === undefined ? {} : { transfers }), run };
  }
}

/** The accesses alone, as a recording of version 1 has them: the elements of a string are single accesses of one time. */
function accessesOf({ entries, strings }: RecordedRun): RecordedTrace {
  const accesses = new TraceColumns();
  const { name, header, length, at, part, kind, address, size, value, valueHigh } = entries;
  let reading = -1;
  for (let index = 0; index < length; index++) {
    const nanoseconds = part === undefined || at[index]! <= Number.MAX_SAFE_INTEGER ? 0 : part[index]!;
    const what = kind[index]!;
    if (what >= OperationKind.Out && what <= OperationKind.Load) {
      accesses.add(at[index]!, what, address[index]!, size[index]!, value[index]!, valueHigh[index]!, nanoseconds);
      continue;
    }
    const string = strings.get(index);
    if (string === undefined) continue;
    if (what === OperationKind.RepIns) reading = index;
    const first = what === RunEntry.Rest ? reading : index;
    if (first < 0) continue;
    const access = what === OperationKind.RepOuts ? OperationKind.Out : OperationKind.In;
    const width = size[first]!;
    for (let byte = 0; byte + width <= string.bytes.length; byte += width)
      accesses.add(at[index]!, access, address[first]!, width, element(string.bytes, byte, width), 0, nanoseconds);
  }
  return accesses.finish(name, header);
}

function element(bytes: Uint8Array, offset: number, size: number): number {
  let value = 0;
  for (let byte = size - 1; byte >= 0; byte--) value = ((value << 8) | bytes[offset + byte]!) >>> 0;
  return value;
}
