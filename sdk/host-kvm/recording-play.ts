import { describeOperation, GuestOperation, type GuestSource, OperationKind } from '../accelerator/guest/operation.ts';
import type { GuestAccess } from '../accelerator/guest-access.ts';
import { TraceGuest } from '../accelerator/trace/guest.ts';
import type { RecordedTrace } from '../accelerator/trace/recorded-trace.ts';
import { BackplaneError } from '../base/errors.ts';
import { hex } from '../base/text.ts';
import { lineOf } from './compiled-recording.ts';

/** A recording as a guest: itself, or what watches it. */
export function recordingOf(image: object): TraceGuest | undefined {
  if (image instanceof TraceGuest) return image;
  const { recording } = image as { readonly recording?: unknown };
  return recording instanceof TraceGuest ? recording : undefined;
}

/** The recording that a vCPU executes as machine code: where it is, and what must come next. */
export class RecordingPlay {
  /** The access that has come last. */
  readonly operation = new GuestOperation();
  readonly trace: RecordedTrace;

  constructor(
    /** Told of each access: the recording, or what watches it. */
    private readonly image: GuestSource,
    readonly guest: TraceGuest,
  ) {
    this.trace = guest.trace;
  }

  /** Index of the next access. */
  get next(): number {
    return this.guest.position + 1;
  }

  /** KVM has brought this access: it is the next of the recording, or the replay ends here. */
  expect(kind: OperationKind, address: number, size: number, value: number, valueHigh: number): void {
    const { operation, next } = this;
    if (!this.image.next(operation)) throw this.differs(next, 'nothing', kind, address, size, value);
    const isWrite = kind === OperationKind.Out || kind === OperationKind.Store;
    const isSame = operation.kind === kind && operation.address === address && operation.size === size;
    if (isSame && (!isWrite || (operation.value === value && operation.valueHigh === valueHigh))) return;
    throw this.differs(next, describeOperation(operation), kind, address, size, value);
  }

  /** The code has come to its end: no access may be left. */
  end(): void {
    const { operation, next, trace } = this;
    if (!this.image.next(operation)) return;
    throw new BackplaneError(
      'replay-differs',
      `Recording '${trace.name}', line ${lineOf(trace, next)}: ${describeOperation(operation)} was expected, and the guest has halted.`,
    );
  }

  private differs(
    index: number,
    expected: string,
    kind: OperationKind,
    address: number,
    size: number,
    value: number,
  ): BackplaneError {
    const came = Object.assign(new GuestOperation(), { kind, address, size, value });
    return new BackplaneError(
      'replay-differs',
      `Recording '${this.trace.name}', line ${lineOf(this.trace, index)}: ${expected} was expected, and KVM brought ` +
        `${describeOperation(came)} (value ${hex(value)}). Report it: KVM has lost an access, or its order.`,
    );
  }
}

/**
 * Stands where KVM's exits and ring entries come in. While a recording is played, each must be its next access, and a read answers
 * what was recorded. The machine is asked all the same.
 */
export class ComparedAccess implements GuestAccess {
  play: RecordingPlay | undefined;

  constructor(private readonly machine: GuestAccess) {}

  read(isPort: boolean, address: number, size: number): number {
    const { play, machine } = this;
    if (play === undefined) return machine.read(isPort, address, size);
    play.expect(isPort ? OperationKind.In : OperationKind.Load, address, size, 0, 0);
    machine.read(isPort, address, size);
    return play.operation.value;
  }

  write(isPort: boolean, address: number, value: number, size: number): void {
    this.play?.expect(isPort ? OperationKind.Out : OperationKind.Store, address, size, value >>> 0, 0);
    this.machine.write(isPort, address, value, size);
  }

  read64(isPort: boolean, address: number): bigint {
    const { play, machine } = this;
    if (play === undefined) return machine.read64(isPort, address);
    play.expect(OperationKind.Load, address, 8, 0, 0);
    machine.read64(isPort, address);
    return (BigInt(play.operation.valueHigh) << 32n) | BigInt(play.operation.value);
  }

  write64(isPort: boolean, address: number, value: bigint): void {
    this.play?.expect(OperationKind.Store, address, 8, Number(value & 0xffff_ffffn), Number(value >> 32n));
    this.machine.write64(isPort, address, value);
  }

  /** No recorded access has an odd size: it comes as a difference. */
  readBytes(isPort: boolean, address: number, target: Uint8Array): void {
    this.play?.expect(OperationKind.Load, address, target.length, 0, 0);
    this.machine.readBytes(isPort, address, target);
  }

  writeBytes(isPort: boolean, address: number, source: Uint8Array): void {
    this.play?.expect(OperationKind.Store, address, source.length, 0, 0);
    this.machine.writeBytes(isPort, address, source);
  }
}
