import { createRequire } from 'node:module';
import { isMainThread } from 'node:worker_threads';
import { BackplaneError } from '../base/errors.ts';

/** The one version that was tried: what it calls, and how, is no promise of its own. */
export const KoffiVersion = '3.3.4';

/** The part of koffi that is used here. Its own types are there only where it is installed. */
interface Koffi {
  readonly version: string;
  load(path: null): { func(prototype: string): (...values: unknown[]) => unknown; symbol(name: string): bigint };
  view(address: bigint, length: number): ArrayBuffer;
  errno(): number;
}

/** The calls of libc that a userspace of KVM makes. Each answers as libc does: -1, and then `errno`. */
export interface Libc {
  /** The error of the last call that answered -1; ask at once. */
  errno(): number;
  open(path: string, flags: number): number;
  close(fd: number): number;
  /** The argument by value. */
  ioctl(fd: number, request: number, argument: number): number;
  /** The argument by address. The bytes are the caller's own: nothing is copied. */
  ioctlStruct(fd: number, request: number, argument: ArrayBufferView): number;
  /** Answers `MapFailed`, and not -1, when it fails. */
  mmap(address: bigint, length: number, protection: number, flags: number, fd: number, offset: number): bigint;
  munmap(address: bigint, length: number): number;
  /** Bytes at an address of this process. What touches it after munmap ends the process. */
  view(address: bigint, length: number): ArrayBuffer;
  eventfd(initial: number, flags: number): number;
  read(fd: number, target: ArrayBufferView, length: number): number;
  setitimer(which: number, next: ArrayBufferView): number;
  /** Installs a handler by its address; answers the one before. */
  signal(number: number, handler: bigint): bigint;
  /** The address of libc's own abs(): a handler of signals that does nothing. */
  readonly doesNothing: bigint;
  /** Waits so long, or until a signal comes. */
  sleep(milliseconds: number): void;
}

/** What mmap answers when it fails: (void *) -1. */
export const MapFailed = 0xffff_ffff_ffff_ffffn;

let loaded: Libc | undefined;

/** libc through koffi, which only this file loads, when it is first needed. */
export function libc(): Libc {
  loaded ??= bind(loadKoffi());
  return loaded;
}

function loadKoffi(): Koffi {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new BackplaneError(
      'kvm-needs-linux',
      `-accel kvm: this is ${process.platform} on ${process.arch}, and /dev/kvm is driven on Linux on x64 only. Use -accel kvm-sim.`,
    );
  }
  if (!isMainThread) {
    throw new BackplaneError(
      'kvm-needs-main-thread',
      '-accel kvm: this is a worker thread, and the signal that bounds the wait of queued writes reaches the main thread only. ' +
        'Run the machine in the main thread, or in a process of its own.',
    );
  }
  const koffi = requireKoffi();
  if (koffi.version === KoffiVersion) return koffi;
  throw new BackplaneError(
    'koffi-version',
    `-accel kvm: koffi ${koffi.version} is installed, and version ${KoffiVersion} is needed. Run 'npm install koffi@${KoffiVersion}'.`,
  );
}

function requireKoffi(): Koffi {
  const require = createRequire(import.meta.url);
  try {
    return require('koffi') as Koffi;
  } catch (cause) {
    const isMissing = (cause as { code?: string }).code === 'MODULE_NOT_FOUND';
    const why = isMissing ? 'is not installed' : `cannot be loaded: ${firstLine(cause)}`;
    throw new BackplaneError(
      'koffi-missing',
      `-accel kvm: the package 'koffi', which calls libc, ${why}. Run 'npm install koffi@${KoffiVersion}'.`,
      { cause },
    );
  }
}

function firstLine(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).split('\n')[0] as string;
}

/** Fixed prototypes: koffi calls the variadic form of open and ioctl more slowly, and x86-64 passes both alike. */
function bind(koffi: Koffi): Libc {
  const library = koffi.load(null);
  const call = <Call>(prototype: string) => library.func(prototype) as Call;
  const poll = call<(fds: null, count: number, timeout: number) => number>(
    'int poll(void *fds, unsigned long count, int timeout)',
  );
  const setitimer = call<(which: number, next: ArrayBufferView, old: null) => number>(
    'int setitimer(int which, const void *next, void *old)',
  );
  return {
    errno: () => koffi.errno(),
    open: call('int open(const char *path, int flags)'),
    close: call('int close(int fd)'),
    ioctl: call('int ioctl(int fd, unsigned long request, int64_t argument)'),
    ioctlStruct: call('int ioctl(int fd, unsigned long request, void *argument)'),
    mmap: call('void *mmap(void *address, size_t length, int protection, int flags, int fd, int64_t offset)'),
    munmap: call('int munmap(void *address, size_t length)'),
    view: (address, length) => koffi.view(address, length),
    eventfd: call('int eventfd(unsigned int initial, int flags)'),
    read: call('int64_t read(int fd, void *target, size_t length)'),
    setitimer: (which, next) => setitimer(which, next, null),
    signal: call('void *signal(int number, void *handler)'),
    doesNothing: library.symbol('abs'),
    sleep: (milliseconds) => {
      poll(null, 0, Math.max(0, Math.ceil(milliseconds)));
    },
  };
}
