import { describeOperation, type GuestOperation, OperationKind } from '../accelerator/guest/operation.ts';
import type { RecordedRun } from '../accelerator/trace/recorded-trace.ts';
import type { RunScript } from '../accelerator/trace/run-guest.ts';
import { equalBytes } from '../base/bytes.ts';
import { hex } from '../base/text.ts';

/** What recorded machine code is played from. */
export interface PlayedCode {
  readonly script: RunScript;
  /** Guest seconds from the start of the machine to the moment from which times are counted. */
  readonly clock: { readonly epoch: bigint };
}

/** Puts an access of recorded machine code into an operation. */
export function fillFrom({ entries, strings }: RecordedRun, index: number, operation: GuestOperation): void {
  operation.kind = entries.kind[index] as OperationKind;
  operation.address = entries.address[index]!;
  operation.size = entries.size[index]!;
  operation.value = entries.value[index]!;
  operation.valueHigh = entries.valueHigh[index]!;
  operation.position = 0;
  operation.bytes = undefined;
  operation.finished = false;
  const string = strings.get(index);
  if (string === undefined) return;
  operation.count = entries.value[index]!;
  operation.bytes = operation.kind === OperationKind.RepOuts ? string.bytes : undefined;
  operation.destination = string.destination ?? 0;
  operation.descending = string.descending ?? false;
  // The processor stores what it reads, and guest RAM is not replayed.
  operation.stored = false;
}

/** Compares what an operation has read with what the recorded one read. */
export function compareRead(script: RunScript, index: number, operation: GuestOperation): void {
  const { entries, strings } = script.run;
  if (operation.kind === OperationKind.RepIns) {
    const recorded = strings.get(index)?.bytes ?? new Uint8Array(0);
    const read = operation.bytes?.subarray(0, operation.position * operation.size) ?? new Uint8Array(0);
    if (!equalBytes(read, recorded))
      script.differs(index, 0, `${describeOperation(operation)} answers other bytes than recorded`);
    return;
  }
  const [low, high] = [entries.value[index]!, entries.valueHigh[index]!];
  const answeredHigh = entries.size[index] === 8 ? operation.valueHigh : 0;
  if (operation.value === low && answeredHigh === high) return;
  const shown = (value: number, upper: number) => hex(Number((BigInt(upper) << 32n) | BigInt(value)));
  script.differs(
    index,
    0,
    `${describeOperation(operation)} answers ${shown(operation.value, answeredHigh)}, recorded ${shown(low, high)}`,
  );
}
