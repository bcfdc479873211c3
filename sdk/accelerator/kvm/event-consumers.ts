import { BackplaneError } from '../../base/errors.ts';
import type { KvmKernel } from './kernel.ts';

export interface SavedEventfd {
  readonly name: string;
  readonly signalled: boolean;
}

interface Consumer {
  readonly name: () => string;
  /** A write has signalled it, and the handler was not called yet. */
  signalled: boolean;
  /** Undefined while its device has not made it again since a snapshot was restored. */
  readonly made: { readonly fd: number; readonly handler: () => void } | undefined;
}

/** The consumers of ioeventfds, in the order in which they were added. The main loop calls them when a guest's write has signalled. */
export class EventConsumers {
  private consumers: readonly Consumer[] = [];

  constructor(private readonly kernel: Pick<KvmKernel, 'eventfd' | 'readEventfd' | 'close' | 'errno'>) {}

  get any(): boolean {
    return this.consumers.length > 0;
  }

  /** A new eventfd, whose signals call `handler`. One that a snapshot had gets its place in the order, and its signal. */
  add(handler: () => void, name?: () => string): number {
    const fd = this.kernel.eventfd();
    if (fd < 0) throw noEventfd(this.kernel.errno);
    const made = { fd, handler };
    const own = name ?? (() => `eventfd ${fd}`);
    const index = this.consumers.findIndex((one) => one.made === undefined && one.name() === own());
    const { signalled = false } = this.consumers[index] ?? {};
    this.consumers = replaced(this.consumers, index, { name: own, signalled, made });
    return fd;
  }

  /** Closes one. A pending signal, and the place in the order, go to another one of its name: that of a replacement device. */
  remove(fd: number): void {
    const index = this.consumers.findIndex(({ made }) => made?.fd === fd);
    const gone = this.consumers[index];
    if (gone === undefined) return;
    this.kernel.close(fd);
    const name = gone.name();
    const successor = this.consumers.find((one) => one !== gone && one.name() === name);
    const others = this.consumers.filter((one) => one !== gone && one !== successor);
    if (successor === undefined) this.consumers = others;
    else {
      successor.signalled ||= gone.signalled;
      const place = Math.min(index, this.consumers.indexOf(successor));
      this.consumers = others.toSpliced(place, 0, successor);
    }
  }

  signal(fd: number): void {
    for (const consumer of this.consumers) if (consumer.made?.fd === fd) consumer.signalled = true;
  }

  /** Calls the consumers that were signalled. `settle` comes first: the guest's earlier writes are delivered before the signal. */
  notify(settle: () => void): void {
    for (const consumer of this.consumers) {
      const { made } = consumer;
      if (made === undefined || !this.isSignalled(consumer)) continue;
      consumer.signalled = false;
      settle();
      made.handler();
    }
  }

  save(): { readonly name: string; readonly signalled: boolean }[] {
    return this.consumers.map((consumer) => ({ name: consumer.name(), signalled: this.isSignalled(consumer) }));
  }

  /** The order and the signals of a snapshot, for those that are there and for those that are made again. */
  restore(saved: readonly SavedEventfd[]): void {
    const known = new Map(this.consumers.map((consumer) => [consumer.name(), consumer]));
    const restored = saved.map(({ name, signalled }): Consumer => {
      const made = known.get(name)?.made;
      known.delete(name);
      return { name: () => name, signalled, made };
    });
    this.consumers = [...restored, ...known.values()];
  }

  close(): void {
    for (const { made } of this.consumers) if (made !== undefined) this.kernel.close(made.fd);
    this.consumers = [];
  }

  /** The kernel's signal is read, and kept here. */
  private isSignalled(consumer: Consumer): boolean {
    if (consumer.made !== undefined && this.kernel.readEventfd(consumer.made.fd) !== 0n) consumer.signalled = true;
    return consumer.signalled;
  }
}

function replaced(consumers: readonly Consumer[], index: number, one: Consumer): readonly Consumer[] {
  return index < 0 ? [...consumers, one] : consumers.with(index, one);
}

function noEventfd(errno: number): BackplaneError {
  return new BackplaneError(
    'kvm-failure',
    `KVM could not make an eventfd: errno ${errno}. Its process has no more file descriptors. Raise their limit, or use fewer devices ` +
      'that have eventfds.',
  );
}
