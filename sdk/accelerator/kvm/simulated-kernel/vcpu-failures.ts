import { BackplaneError, describeThrown } from '../../../base/errors.ts';
import { describeOperation, type GuestOperation, TripleFault } from '../../guest/operation.ts';
import { EmulationFailure, ExitReason, FailEntryExit, InternalErrorExit, InvalidGuestState, KvmRun } from '../abi.ts';

/** Which guest on which vCPU, and at which operation. */
export interface GuestWhereabouts {
  readonly guest: string | undefined;
  readonly operation: number;
  readonly vcpu: number;
}

/** A processor that has shut down stays so until a reset; another guest that cannot go on is an error of the emulation. */
export function describeFailure(runPage: DataView, failure: BackplaneError | undefined): 0 {
  const isShutdown = failure instanceof TripleFault;
  runPage.setUint32(KvmRun.exitReason, isShutdown ? ExitReason.Shutdown : ExitReason.InternalError, true);
  if (isShutdown) return 0;
  runPage.setUint32(InternalErrorExit.suberror, EmulationFailure, true);
  runPage.setUint32(InternalErrorExit.dataCount, 0, true);
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
