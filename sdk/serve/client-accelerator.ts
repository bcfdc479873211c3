import {
  Accelerator,
  type AcceleratorHost,
  type AcceleratorListener,
  ExitStatistics,
  type RunOutcome,
} from '../accelerator/index.ts';
import type { KernelCounts } from '../accelerator/kvm/kernel-counts.ts';
import { BackplaneError } from '../base/errors.ts';
import type { Json } from '../base/json-reader.ts';
import { type RamBlock, ramAllocator } from '../memory/ram-block.ts';

/** The accesses of a client, counted as the exits of a guest are. */
class AccessCounts implements KernelCounts {
  portUserspaceExits = 0;
  memoryUserspaceExits = 0;
  readonly haltExits = 0;
  readonly interruptWindowExits = 0;
  readonly ringFullExits = 0;

  get userspaceExits(): number {
    return this.portUserspaceExits + this.memoryUserspaceExits;
  }

  reset(): void {
    this.portUserspaceExits = this.memoryUserspaceExits = 0;
  }
}

/** The guest runs elsewhere: its accesses come as messages. This side has devices, time and what comes from the host. */
export class ClientAccelerator extends Accelerator {
  readonly name = 'vfio-user';
  readonly counts = new AccessCounts();
  readonly statistics = new ExitStatistics(this.counts, undefined, false);
  readonly allocateRam: (size: number, name: string) => RamBlock = ramAllocator();
  listener: AcceleratorListener | undefined;
  /** A device has asked for a reset of the machine, which is not ours to reset. */
  onResetRequest: () => void = () => {};
  private host: AcceleratorHost | undefined;
  private readonly eventfds = new Map<number, () => void>();
  private nextEventfd = 1;

  attach(host: AcceleratorHost): void {
    this.host = host;
    host.topology.signalIoeventfd = (fd) => this.eventfds.get(fd)?.();
  }

  detach(): void {
    if (this.host !== undefined) this.host.topology.signalIoeventfd = undefined;
    this.host = undefined;
  }

  override get guestTime(): number {
    return this.host?.clock.now ?? 0;
  }

  /** What has come from the host reaches its devices. */
  deliver(): void {
    const { inbox, clock } = this.host ?? {};
    if (inbox === undefined || clock === undefined) return;
    while (inbox.due === 0 && inbox.deliver(0, clock.absolute()));
  }

  /** The client asks for a reset of its function. */
  reset(): void {
    this.host?.reset();
  }

  load(): void {
    throw elsewhere();
  }

  run(): RunOutcome {
    throw elsewhere();
  }

  pause(): void {}
  drain(): void {}
  settle(): void {}

  requestReset(): void {
    this.onResetRequest();
  }

  override saveState(): Json {
    return null;
  }

  override readState(): () => void {
    return () => {};
  }

  eventfd(consumer: () => void): number {
    const fd = this.nextEventfd++;
    this.eventfds.set(fd, consumer);
    return fd;
  }

  override closeEventfd(fd: number): void {
    this.eventfds.delete(fd);
  }

  override observe(listener: AcceleratorListener | undefined): void {
    this.listener = listener;
  }
}

function elsewhere(): BackplaneError {
  return new BackplaneError(
    'guest-elsewhere',
    'The guest of a served device runs in its client, and no program can be loaded here. Start QEMU with the line that serve prints.',
  );
}
