import { BackplaneError } from '../../../base/errors.ts';
import { orDeath } from '../emulator.ts';

/** What went wrong with a guest first: Linux panicked, QEMU ended, or its device threw. Each call of the guest fails with it. */
export class GuestFailure {
  #first: { readonly cause: unknown } | undefined;
  #isReported = false;
  #reject: (cause: unknown) => void = () => undefined;
  readonly #happened = new Promise<never>((_, reject) => {
    this.#reject = reject;
  });

  constructor() {
    this.#happened.catch(() => undefined);
  }

  /** A promise that only rejects. */
  watch(failure: Promise<never>): void {
    failure.catch((cause: unknown) => {
      this.#first ??= { cause };
      this.#reject(cause);
    });
  }

  /** What comes first: the value of a promise, or a failure. */
  async orFailure<Value>(work: Promise<Value>): Promise<Value> {
    try {
      return await orDeath(work, this.#happened);
    } catch (cause) {
      return this.report(cause);
    }
  }

  report(cause: unknown): never {
    this.#isReported ||= cause === this.#first?.cause;
    throw cause;
  }

  /** Throws what no call has thrown. */
  throwUnreported(): void {
    if (this.#first !== undefined && !this.#isReported) this.report(this.#first.cause);
  }
}

/** Of a device of this process, whose guest has read all ones. */
export const deviceThrew = (sentence: string): BackplaneError =>
  new BackplaneError(
    'guest-device-failed',
    `Guest: its device threw, and the guest has read all ones or lost a write. ${sentence}`,
  );
