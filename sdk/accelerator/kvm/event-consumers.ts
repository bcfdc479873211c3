import type { KvmKernel } from './kvm-kernel.ts';

interface Consumer {
  readonly fd: number;
  readonly handler: () => void;
  /** Signalled by a write that reached userspace, because the kernel has no ioeventfds. */
  signalled: boolean;
}

/** Those who wait for an ioeventfd: the main loop's side of a signal that a guest's write gave. */
export class EventConsumers {
  private consumers: readonly Consumer[] = [];

  constructor(private readonly kernel: KvmKernel) {}

  get count(): number {
    return this.consumers.length;
  }

  get any(): boolean {
    return this.consumers.length > 0;
  }

  /** A new eventfd, whose signals call `handler`. */
  add(handler: () => void): number {
    const fd = this.kernel.eventfd();
    this.consumers = [...this.consumers, { fd, handler, signalled: false }];
    return fd;
  }

  /** Forgets one and closes it; a signal that nobody was called for yet is lost. */
  remove(fd: number): void {
    if (!this.consumers.some((consumer) => consumer.fd === fd)) return;
    this.consumers = this.consumers.filter((consumer) => consumer.fd !== fd);
    this.kernel.close(fd);
  }

  signal(fd: number): void {
    for (const consumer of this.consumers) if (consumer.fd === fd) consumer.signalled = true;
  }

  /** Calls those who were signalled; `settle` comes first, because what the guest wrote before the signal counts. */
  notify(settle: () => void): void {
    for (const consumer of this.consumers) {
      if (!consumer.signalled && this.kernel.readEventfd(consumer.fd) === 0n) continue;
      consumer.signalled = false;
      settle();
      consumer.handler();
    }
  }

  /** Who was signalled and not called yet, in the order in which they were added. */
  get signalled(): boolean[] {
    return this.consumers.map((consumer) => {
      if (this.kernel.readEventfd(consumer.fd) !== 0n) consumer.signalled = true;
      return consumer.signalled;
    });
  }

  set signalled(signalled: readonly boolean[]) {
    this.consumers.forEach((consumer, index) => {
      consumer.signalled = signalled[index] === true;
    });
  }

  close(): void {
    for (const consumer of this.consumers) this.kernel.close(consumer.fd);
    this.consumers = [];
  }
}
