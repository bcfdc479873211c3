import { BackplaneError } from '../../base/errors.ts';
import type { AcceleratorListener, ExitReasonName } from '../events.ts';
import { type GuestAccess, ObservedAccess } from '../guest-access.ts';
import { ExitReason, InternalErrorExit, IoDirection, IoExit, KvmRun, MmioExit, PageSize } from './abi.ts';
import { loadNumber, storeNumber } from './coalesced-ring.ts';
import type { RunRequests } from './run-control.ts';
import type { KvmVcpu } from './vm.ts';

const reasonNames: ReadonlyMap<number, ExitReasonName> = new Map<number, ExitReasonName>([
  [ExitReason.Io, 'io'],
  [ExitReason.Mmio, 'mmio'],
  [ExitReason.Hlt, 'hlt'],
  [ExitReason.Shutdown, 'shutdown'],
  [ExitReason.IrqWindowOpen, 'interrupt-window'],
]);

/** Carries out the access that a vCPU left guest mode for; the kernel takes the result over at its next entry. */
export class ExitService {
  private access: GuestAccess;
  private listener: AcceleratorListener | undefined;

  constructor(
    private machine: GuestAccess,
    private readonly requests: RunRequests,
  ) {
    this.access = machine;
  }

  /** Accesses go past the listener while there is one, and straight to the machine otherwise. */
  listen(listener: AcceleratorListener | undefined): void {
    this.listener = listener;
    this.access = listener === undefined ? this.machine : new ObservedAccess(this.machine, listener, false);
  }

  /** They go this way from here on. */
  route(machine: GuestAccess): void {
    this.machine = machine;
    this.listen(this.listener);
  }

  note({ id, run }: KvmVcpu): void {
    if (this.listener === undefined) return;
    const reason = reasonNames.get(run.getUint32(KvmRun.exitReason, true)) ?? 'other';
    const { epoch, now: time } = this.listener.clock;
    this.listener.onEvent({ kind: 'exit', epoch, time, vcpu: id, reason });
  }

  /** One port access, or the elements of a string; a reset asked for by one element leaves the rest undone. */
  serveIo(vcpu: KvmVcpu): void {
    const { run, portData } = vcpu;
    const isWrite = run.getUint8(IoExit.direction) === IoDirection.Out;
    const size = run.getUint8(IoExit.size);
    const port = run.getUint16(IoExit.port, true);
    const start = run.getUint32(IoExit.dataOffset, true) - PageSize;
    const end = Math.min(start + size * run.getUint32(IoExit.count, true), PageSize);
    for (let at = start; at < end && !this.requests.reset; at += size) {
      if (isWrite) this.access.write(true, port, loadNumber(portData, at, size), size);
      else storeNumber(portData, at, size, this.access.read(true, port, size));
    }
  }

  /** One memory access of at most 8 bytes; what crosses a page comes in two of odd widths. */
  serveMmio(vcpu: KvmVcpu): void {
    if (this.requests.reset) return;
    const { run } = vcpu;
    const address = run.getUint32(MmioExit.address + 4, true) * 0x1_0000_0000 + run.getUint32(MmioExit.address, true);
    const size = run.getUint32(MmioExit.length, true);
    const isWrite = run.getUint8(MmioExit.isWrite) !== 0;
    if (size === 1 || size === 2 || size === 4) {
      if (isWrite) this.access.write(false, address, loadNumber(run, MmioExit.data, size), size);
      else storeNumber(run, MmioExit.data, size, this.access.read(false, address, size));
    } else if (size === 8) {
      if (isWrite) this.access.write64(false, address, run.getBigUint64(MmioExit.data, true));
      else run.setBigUint64(MmioExit.data, this.access.read64(false, address), true);
    } else {
      const bytes = new Uint8Array(run.buffer, run.byteOffset + MmioExit.data, size);
      if (isWrite) this.access.writeBytes(false, address, bytes);
      else this.access.readBytes(false, address, bytes);
    }
  }
}

/** The error of an exit that userspace cannot serve. */
export function unknownExit(vcpu: KvmVcpu, reason: number): BackplaneError {
  const detail =
    reason === ExitReason.InternalError ? `, suberror ${vcpu.run.getUint32(InternalErrorExit.suberror, true)}` : '';
  return new BackplaneError(
    'unknown-exit',
    `KVM stopped vCPU ${vcpu.id} with exit reason ${reason}${detail}: the guest cannot go on.`,
  );
}
