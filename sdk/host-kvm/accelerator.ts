import { Capability, Errno, SystemRequest } from '../accelerator/kvm/abi.ts';
import { KvmAccelerator } from '../accelerator/kvm/accelerator.ts';
import type { CpuidEntry } from '../accelerator/kvm/cpuid.ts';
import type { KvmAcceleratorOptions } from '../accelerator/kvm/options.ts';
import type { ProcessorParts } from '../accelerator/kvm/userspace-loop.ts';
import { BackplaneError } from '../base/errors.ts';
import { HostKernel } from './host-kernel.ts';
import { type Libc, libc } from './libc.ts';
import { HostProcessors } from './processors.ts';
import { ComparedAccess } from './recording-play.ts';

/** What of the options of an accelerator has a meaning on the host's kernel. Nothing is modelled there, and no turn is seeded. */
export interface HostKvmOptions
  extends Pick<KvmAcceleratorOptions, 'coalescedMmio' | 'coalescedPio' | 'drain' | 'vcpus' | 'profile' | 'intercept'> {
  /** What CPUID answers: the table of `loadX86`, so that a guest sees the same processor on both kernels. Default: the host's features. */
  readonly cpuid?: readonly CpuidEntry[];
}

/**
 * `-accel kvm`: the accelerator on the host's /dev/kvm, on Linux on x64 with the optional package koffi, in the main thread. It runs
 * machine code: a `FlatBinary` for each vCPU, or one recording. Descriptors and mappings are given back by `machine.dispose()`.
 *
 * Guest time is that of the host, a queued write waits less than 10 ms, and an access comes in with at most 8 bytes. What the kernel does
 * not tell is undefined in the statistics, and `null` in their summary: VM exits, the longest wait, ioeventfds that were signalled.
 *
 * @throws BackplaneError where it cannot be, and nothing is left behind: `no-kvm`, `kvm-forbidden`, `kvm-busy`, `koffi-missing`,
 *   `koffi-version`, `kvm-needs-linux`, `kvm-needs-main-thread`, `unsupported-kernel`; `kvm-failure` for a call that fails.
 */
export function hostKvmAccelerator(options: HostKvmOptions = {}): KvmAccelerator {
  return acceleratorOver(libc(), options);
}

/** The same over calls of libc that a test has made. */
export function acceleratorOver(library: Libc, options: HostKvmOptions = {}): KvmAccelerator {
  const kernel = new HostKernel(library);
  try {
    return new HostKvmAccelerator(kernel, options);
  } catch (cause) {
    const why = explained(kernel, cause);
    kernel.dispose();
    throw why;
  }
}

class HostKvmAccelerator extends KvmAccelerator {
  constructor(
    private readonly hostKernel: HostKernel,
    { cpuid, ...options }: HostKvmOptions,
  ) {
    refuseOldKernel(hostKernel);
    const compared: { access?: ComparedAccess } = {};
    super({
      ...options,
      name: 'kvm',
      kernel: hostKernel,
      intercept: (machine, host) => {
        compared.access = new ComparedAccess(options.intercept?.(machine, host) ?? machine);
        return compared.access;
      },
      processors: (parts: ProcessorParts) => new HostProcessors(hostKernel, parts, () => compared.access, cpuid),
    });
  }

  /** Descriptors and mappings go with the machine. */
  override detach(): void {
    try {
      super.detach();
    } finally {
      this.hostKernel.dispose();
    }
  }
}

/** What no machine does without. Coalesced zones are no part of it: where they are missing each write exits. */
const Needed = [
  [Capability.UserMemory, 'KVM_CAP_USER_MEMORY'],
  [Capability.ImmediateExit, 'KVM_CAP_IMMEDIATE_EXIT'],
] as const;

function refuseOldKernel(kernel: HostKernel): void {
  const fd = kernel.open('/dev/kvm');
  if (fd < 0) throw new BackplaneError('kvm-failure', `-accel kvm: /dev/kvm cannot be opened: errno ${kernel.errno}.`);
  const missing = Needed.find(([capability]) => kernel.ioctl(fd, SystemRequest.CheckExtension, capability) <= 0);
  kernel.close(fd);
  if (missing === undefined) return;
  throw new BackplaneError(
    'unsupported-kernel',
    `-accel kvm: the kernel of this host lacks ${missing[1]}, which every machine needs. Use a newer kernel.`,
  );
}

/** What can be wrong with /dev/kvm itself, in a sentence each. Everything else keeps its own. */
function explained(kernel: HostKernel, cause: unknown): unknown {
  const { failed, errno } = kernel;
  if (failed === 'open') return explainedOpen(errno, cause);
  if (failed?.request !== SystemRequest.CreateVm || errno !== Errno.EBUSY) return cause;
  return new BackplaneError(
    'kvm-busy',
    "-accel kvm: another hypervisor uses the host processor's virtualization (EBUSY). Stop it, or use -accel kvm-sim.",
    { cause },
  );
}

function explainedOpen(errno: number, cause: unknown): unknown {
  if (errno === Errno.ENOENT || errno === Errno.ENXIO) {
    return new BackplaneError(
      'no-kvm',
      '-accel kvm: there is no /dev/kvm. Load the module kvm-intel or kvm-amd, on a host whose processor has virtualization enabled, or use ' +
        '-accel kvm-sim.',
      { cause },
    );
  }
  if (errno === Errno.EACCES || errno === Errno.EPERM) {
    return new BackplaneError(
      'kvm-forbidden',
      '-accel kvm: this user may not open /dev/kvm. Join the group that owns it (often kvm), or use -accel kvm-sim.',
      { cause },
    );
  }
  if (errno !== Errno.EBUSY) return cause;
  return new BackplaneError('kvm-busy', '-accel kvm: /dev/kvm is busy (EBUSY). Try again, or use -accel kvm-sim.', {
    cause,
  });
}
