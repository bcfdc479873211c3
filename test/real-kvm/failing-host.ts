import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import Module from 'node:module';
import { type Libc, libc } from '../../sdk/host-kvm/libc.ts';
import { MapFlag } from '../../sdk/native/libc.ts';

/** What of KVM this process has open or mapped. */
export function leftBehind(): string[] {
  const open = readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`);
      return /kvm/.test(target) ? [target] : [];
    } catch {
      return [];
    }
  });
  const mapped = readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .filter((line) => /kvm-vcpu/.test(line));
  return [...open, ...mapped];
}

/** libc whose call number `failing` fails. It counts what is mapped. */
export class FailingLibc {
  calls = 0;
  mapped = 0;
  readonly library: Libc;
  private hasFailed = false;

  constructor(failing: number) {
    const real = libc();
    const fails = (): boolean => {
      this.hasFailed = this.calls++ === failing;
      return this.hasFailed;
    };
    this.library = {
      ...real,
      errno: () => (this.hasFailed ? 22 : real.errno()),
      ioctl: (fd, request, argument) => (fails() ? -1 : real.ioctl(fd, request, argument)),
      ioctlStruct: (fd, request, argument) => (fails() ? -1 : real.ioctlStruct(fd, request, argument)),
      // What is mapped over a mapping gives that one back.
      mmap: (...values) => {
        this.mapped += (values[3] & MapFlag.Fixed) !== 0 ? -1 : 1;
        return real.mmap(...values);
      },
    };
  }
}

/** libc whose ioctl with a number fails where it is told, with this error. */
export function libcThat(fails: (request: number, argument: number) => boolean, errno: number): Libc {
  const real = libc();
  let hasFailed = false;
  return {
    ...real,
    errno: () => (hasFailed ? errno : real.errno()),
    ioctl(fd, request, argument) {
      hasFailed = fails(request, argument);
      return hasFailed ? -1 : real.ioctl(fd, request, argument);
    },
  };
}

/** Another koffi than the one that is installed; undefined: none. */
export function replaceKoffi(replacement: object | undefined): void {
  const loader = Module as unknown as { _load(request: string, ...more: unknown[]): unknown };
  const load = loader._load;
  loader._load = (request, ...more) => {
    if (request !== 'koffi') return load.call(loader, request, ...more);
    if (replacement !== undefined) return replacement;
    throw Object.assign(new Error("Cannot find module 'koffi'"), { code: 'MODULE_NOT_FOUND' });
  };
}
