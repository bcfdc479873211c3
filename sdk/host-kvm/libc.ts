import { isMainThread } from 'node:worker_threads';
import { BackplaneError } from '../base/errors.ts';
import { type Koffi, loadKoffi } from '../native/koffi.ts';
import { type BasicLibc, basicLibc } from '../native/libc.ts';

/** The calls of libc that a userspace of KVM makes. Each answers as libc does: -1, and then `errno`. */
export interface Libc extends BasicLibc {
  open(path: string, flags: number): number;
  /** The argument by value. */
  ioctl(fd: number, request: number, argument: number): number;
  /** The argument by address. The bytes are the caller's own: nothing is copied. */
  ioctlStruct(fd: number, request: number, argument: ArrayBufferView): number;
  /** Sets a timer; `before` gets the one that was set. */
  setitimer(which: number, next: ArrayBufferView, before: ArrayBufferView | null): number;
  /** Installs a handler; `before` gets the one that was there. */
  sigaction(number: number, next: ArrayBufferView, before: ArrayBufferView | null): number;
  /** The address of libc's own abs(): a handler of signals that does nothing. */
  readonly doesNothing: bigint;
  /** Waits so long, or until a signal comes. */
  sleep(milliseconds: number): void;
}

let loaded: Libc | undefined;

/** libc through koffi, when it is first needed. */
export function libc(): Libc {
  if (loaded !== undefined) return loaded;
  refuseHost();
  loaded = bind(loadKoffi('-accel kvm'));
  return loaded;
}

function refuseHost(): void {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new BackplaneError(
      'kvm-needs-linux',
      `-accel kvm: this is ${process.platform} on ${process.arch}, and /dev/kvm is driven on Linux on x64 only. Use -accel kvm-sim.`,
    );
  }
  if (isMainThread) return;
  throw new BackplaneError(
    'kvm-needs-main-thread',
    '-accel kvm: this is a worker thread, and the signal that bounds the wait of queued writes reaches the main thread only. ' +
      'Run the machine in the main thread, or in a process of its own.',
  );
}

/** Fixed prototypes: koffi calls the variadic form of open and ioctl more slowly, and x86-64 passes both alike. */
function bind(koffi: Koffi): Libc {
  const basic = basicLibc(koffi);
  const library = koffi.load(null);
  const call = <Call>(prototype: string) => library.func(prototype) as Call;
  return {
    ...basic,
    open: call('int open(const char *path, int flags)'),
    ioctl: call('int ioctl(int fd, unsigned long request, int64_t argument)'),
    ioctlStruct: call('int ioctl(int fd, unsigned long request, void *argument)'),
    setitimer: call('int setitimer(int which, const void *next, void *before)'),
    sigaction: call('int sigaction(int number, const void *next, void *before)'),
    doesNothing: library.symbol('abs'),
    sleep: (milliseconds) => {
      basic.poll(null, 0, Math.max(0, Math.ceil(milliseconds)));
    },
  };
}
