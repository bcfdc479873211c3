import { BackplaneError, describeThrown } from '../../../base/errors.ts';
import { describeOperation, type GuestOperation, TripleFault } from '../../guest/operation.ts';
import { EmulationFailure, ExitReason, FailEntryExit, InternalErrorExit, InvalidGuestState, KvmRun } from '../abi.ts';
import type { Processor } from './processor.ts';

/** Which guest on which vCPU, and at which operation. */
export interface GuestWhereabouts {
  readonly guest: string | undefined;
  readonly operation: number;
  readonly vcpu: number;
}

/** flags, and an instruction with its size. @see linux/kvm.h (uapi), struct kvm_run, emulation_failure */
const InstructionBytes = { words: 3, flag: 1n, most: 15 } as const;

/** A program that has shut down stays so until a reset. Another guest that cannot go on is an error of the emulation. */
export function describeFailure(runPage: DataView, { failure, failedInstruction }: Processor): 0 {
  if (failure instanceof TripleFault) return describeShutdown(runPage);
  runPage.setUint32(KvmRun.exitReason, ExitReason.InternalError, true);
  runPage.setUint32(InternalErrorExit.suberror, EmulationFailure, true);
  runPage.setUint32(InternalErrorExit.dataCount, failedInstruction === undefined ? 0 : InstructionBytes.words, true);
  if (failedInstruction === undefined) return 0;
  const { data } = InternalErrorExit;
  runPage.setBigUint64(data, InstructionBytes.flag, true);
  const length = Math.min(failedInstruction.length, InstructionBytes.most);
  runPage.setUint8(data + 8, length);
  for (let byte = 0; byte < InstructionBytes.most; byte++)
    runPage.setUint8(data + 9 + byte, byte < length ? failedInstruction[byte]! : 0);
  return 0;
}

export function describeShutdown(runPage: DataView): 0 {
  runPage.setUint32(KvmRun.exitReason, ExitReason.Shutdown, true);
  return 0;
}

/** As VMX does it: an event cannot be injected while the guest's state does not allow it. It stays queued. */
export function describeFailedEntry(runPage: DataView): 0 {
  runPage.setUint32(KvmRun.exitReason, ExitReason.FailEntry, true);
  runPage.setBigUint64(FailEntryExit.reason, BigInt(InvalidGuestState), true);
  runPage.setUint32(FailEntryExit.cpu, 0, true);
  return 0;
}

/** The guest asked for an operation that no processor has. */
export function refusedOperation(where: GuestWhereabouts, operation: GuestOperation, why: string): BackplaneError {
  return new BackplaneError('invalid-operation', `${place(where)} (${describeOperation(operation)}): ${why}`);
}

/** The program itself failed. A BackplaneError that it threw is passed on as it is. */
export function thrownByProgram(where: GuestWhereabouts, cause: unknown): BackplaneError {
  if (cause instanceof BackplaneError) return cause;
  return new BackplaneError('guest-program-threw', `${place(where)}: its program threw: ${describeThrown(cause)}`, {
    cause,
  });
}

function place({ guest, operation, vcpu }: GuestWhereabouts): string {
  return `Guest '${guest}', operation ${operation} on vCPU ${vcpu}`;
}

/** Machine code was given to a kernel that executes programs only. */
export function noProcessorFor(guest: string): BackplaneError {
  return new BackplaneError(
    'machine-code-guest',
    `Guest '${guest}' is machine code, and this simulated kernel has no processor for it. Give it one: ` +
      'simulatedAccelerator({ machineCode }). Or use -accel kvm.',
  );
}
