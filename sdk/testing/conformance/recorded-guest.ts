import { OperationKind } from '../../accelerator/guest/operation.ts';
import { type RecordedTrace, TraceParser } from '../../accelerator/index.ts';
import { BackplaneError } from '../../base/errors.ts';
import { counted } from '../../base/text.ts';
import type { AccessWidth, ScriptStep, Space } from './script.ts';

/** What a guest did with a device, as `backplane serve -record` writes it. */
export interface GuestRecording {
  /** For messages, a path for instance. */
  readonly name: string;
  /** The text of the file, not compressed. */
  readonly bytes: Uint8Array;
}

export interface RecordedStep {
  /** Nanoseconds of guest time. */
  readonly at: bigint;
  readonly step: ScriptStep;
  /** What a read answered then. */
  readonly answer: bigint | undefined;
}

/** @see PCI Local Bus Specification 3.0, section 3.2.2.3.2, configuration mechanism #1 */
const Mechanism = { Address: 0xcf8, Data: 0xcfc, DataEnd: 0xcff } as const;
const Kinds: Readonly<Record<number, readonly ['read' | 'write', Space]>> = {
  [OperationKind.In]: ['read', 'ports'],
  [OperationKind.Out]: ['write', 'ports'],
  [OperationKind.Load]: ['read', 'memory'],
  [OperationKind.Store]: ['write', 'memory'],
};

/** The recording as steps on a bench. One that cannot be carried out there is refused, with the reason. */
export function recordedSteps({ name, bytes }: GuestRecording, type: string): readonly RecordedStep[] {
  const parser = new TraceParser(name);
  parser.push(bytes);
  const trace = parser.end();
  refuseOthers(trace, type);
  const resets = [...(trace.resets ?? [])];
  const steps: RecordedStep[] = [];
  let selected = 0;
  for (let index = 0; index < trace.length; index++) {
    const at = BigInt(trace.at[index] as number);
    if (resets[0] === index) {
      resets.shift();
      steps.push({ at, step: { kind: 'reset' }, answer: undefined });
    }
    const address = trace.address[index] as number;
    if (trace.kind[index] === OperationKind.Out && address === Mechanism.Address)
      selected = trace.value[index] as number;
    else steps.push({ at, ...accessAt(trace, index, selected) });
  }
  return steps;
}

function refuseOthers({ name, header, run, transfers }: RecordedTrace, type: string): void {
  const recorded = header.map((line) => /^device: ([^,]+)/.exec(line)?.[1]).find((one) => one !== undefined);
  if (run !== undefined || recorded !== type) {
    const what = recorded === undefined ? 'is of a whole machine' : `is of a device '${recorded}'`;
    throw new BackplaneError(
      'recording-of-another-device',
      `Recording '${name}' ${what}, and '${type}' is tested. Give one that 'backplane serve -device ${type} -record FILE' made.`,
    );
  }
  if (transfers !== undefined) {
    throw new BackplaneError(
      'recording-with-transfers',
      `Recording '${name}': not replayed: DMA. The device read guest memory (${counted(transfers, 'line')}). Record a guest that gives it no buffers.`,
    );
  }
}

function accessAt(trace: RecordedTrace, index: number, selected: number): Omit<RecordedStep, 'at'> {
  const [kind, space] = Kinds[trace.kind[index] as number] as (typeof Kinds)[number];
  const address = trace.address[index] as number;
  const size = trace.size[index] as AccessWidth;
  const value = (BigInt(trace.valueHigh[index] as number) << 32n) | BigInt(trace.value[index] as number);
  const answer = kind === 'read' ? value : undefined;
  if (space === 'ports' && address >= Mechanism.Data && address <= Mechanism.DataEnd && size !== 8) {
    const place = { offset: (selected & 0xfc) + (address & 3), size };
    const step =
      kind === 'read'
        ? ({ kind: 'config-read', ...place } as const)
        : ({ kind: 'config-write', ...place, value: Number(value) } as const);
    return { step, answer };
  }
  const where = { space, address, size };
  if (kind === 'read') return { step: { kind, ...where }, answer };
  return { step: { kind, ...where, value: size === 8 ? value : Number(value) }, answer };
}
