import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { BackplaneError, describeThrown } from '../../../base/errors.ts';
import { reasonOf } from '../../../base/system-errors.ts';
import { printable } from '../../../base/text.ts';
import { loadKoffi } from '../../../native/koffi.ts';
import type { QemuProgram } from '../child.ts';
import { GuestPackages } from '../debian/guest-packages.ts';
import { type KernelModule, type LinuxKernel, moduleInformation, moduleOf } from '../debian/linux-kernel.ts';
import { vfioUserQemu } from '../vfio-user-qemu.ts';
import { checkKernelFile, type GuestSettings, isFlavour, type ModuleFile } from './guest-options.ts';
import { rootFileSystem } from './root-files.ts';

/** Everything of which a virtual machine is made before its device is plugged in. */
export interface GuestPlan {
  readonly qemu: QemuProgram;
  /** The kernel's file. */
  readonly image: string;
  readonly initramfs: readonly Uint8Array[];
  /** Arguments of QEMU that are the same for each start. */
  readonly machineArguments: readonly string[];
  /** The same for two guests that boot in the same way. */
  readonly key: string;
}

const SlotOfDevice = '0x10';

/** Where the device is plugged in: arguments of `device_add`, and where Linux finds it. */
export const places = {
  pc: { bus: 'pci.0', addr: SlotOfDevice, linux: '0000:00:10.0' },
  q35: { bus: 'socket0', addr: '0x0', linux: '0000:01:00.0' },
} as const;

/** Each kind of machine with a place for one device, and nothing that was not asked for. */
const machines = {
  pc: ['-machine', 'pc,memory-backend=ram'],
  q35: [
    ...['-machine', 'q35,memory-backend=ram'],
    ...['-device', `pcie-root-port,id=${places.q35.bus},bus=pcie.0,addr=${SlotOfDevice},chassis=1,slot=1`],
  ],
} as const;

/** Oops is made a panic, whose last line is known. `/dev/mem` may reach a BAR that a driver has. */
const KernelArguments = 'console=ttyS0 quiet oops=panic no_timer_check iomem=relaxed';

/** Why no Linux can be started in a QEMU here, in one sentence; undefined where it can. */
export function whyNoPackages({ kernel, device }: GuestSettings, environment = process.env): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return `Guests with devices of this process run on Linux on x64, and this is ${process.platform} on ${process.arch}.`;
  const qemu = vfioUserQemu(environment);
  if (typeof qemu === 'string') return qemu;
  const noKoffi = device !== undefined && 'driver' in device ? undefined : whyNoKoffi();
  if (noKoffi !== undefined) return noKoffi;
  const packages = new GuestPackages({ environment });
  const what = kernel === 'full' ? 'full-kernel' : 'kernel';
  if (isFlavour(kernel) && packages.kernel(kernel) === undefined)
    return `No Linux for a guest (${kernel}) is in the cache: 'npx backplane fetch ${what}' brings it.`;
  return packages.busybox === undefined
    ? `No busybox for a guest is in the cache: 'npx backplane fetch ${what}' brings it.`
    : undefined;
}

function whyNoKoffi(): string | undefined {
  try {
    loadKoffi('A guest with a device of this process');
    return undefined;
  } catch (cause) {
    return describeThrown(cause);
  }
}

const said = new Set<string>();

/** Skips a test by the `skip` of its context, or refuses. Reporters that are silent about skips get the reason printed, once. */
export function withoutPackages(
  what: 'linuxGuest' | 'kernelModule',
  missing: string,
  skip: ((reason: string) => unknown) | undefined,
): never {
  if (skip !== undefined && !said.has(missing)) {
    said.add(missing);
    console.warn(`${what}: a test is skipped. ${missing}`);
  }
  skip?.(missing);
  throw new BackplaneError('guest-packages-missing', `${what}: ${missing}`);
}

/** Call `whyNoPackages` first: what that finds is here. */
export function planGuest(settings: GuestSettings): GuestPlan {
  const { kernel, machine, memory } = settings;
  const packages = new GuestPackages();
  const packaged = isFlavour(kernel) ? packages.kernel(kernel) : undefined;
  if (packaged === undefined) checkKernelFile(kernel);
  const image = packaged?.image ?? kernel;
  const modules = orderedModules(settings.modules, packaged);
  const initramfs = rootFileSystem({ busybox: packages.busybox!, modules, files: settings.files });
  const machineArguments = [
    ...machines[machine],
    ...['-m', memory, '-object', `memory-backend-memfd,id=ram,size=${memory},share=on`],
    ...['-accel', 'tcg', '-cpu', 'max', '-smp', '1', '-nodefaults', '-no-user-config', '-display', 'none'],
    ...['-append', `${KernelArguments} ${settings.kernelArguments}`.trimEnd()],
  ];
  const qemu = vfioUserQemu() as QemuProgram;
  return { qemu, image, initramfs, machineArguments, key: keyOf({ qemu, image, initramfs, machineArguments }) };
}

/** Each behind what it depends on. A module of the user's may depend on those of the kernel's package. */
function orderedModules(wanted: GuestSettings['modules'], kernel: LinuxKernel | undefined): KernelModule[] {
  const ordered = new Map<string, KernelModule>();
  for (const one of wanted) {
    const own = typeof one === 'string' ? fileOf(one) : one;
    if (own === undefined) {
      if (kernel === undefined)
        throw new BackplaneError(
          'guest-option',
          `linuxGuest: modules: '${printable(String(one))}' is a name of a kernel's package, and the kernel is a file of yours. Give the path of a '.ko' file.`,
        );
      for (const module of kernel.modules([one as string])) ordered.set(module.name, module);
      continue;
    }
    const module = moduleOf(own.name, readModule(own));
    if (kernel !== undefined) checkRelease(module, kernel);
    const needed = module.depends.filter((name) => !ordered.has(name));
    for (const dependency of kernel?.modules(needed) ?? []) ordered.set(dependency.name, dependency);
    ordered.set(module.name, module);
  }
  return [...ordered.values()];
}

/** Linux refuses the module of another release, after it has booted. @see kernel/module/version.c, same_magic() */
export function checkRelease(
  { name, bytes }: Pick<KernelModule, 'name' | 'bytes'>,
  { release }: Pick<LinuxKernel, 'release'>,
): void {
  const [magic] = moduleInformation(bytes, 'vermagic');
  const built = magic?.split(' ')[0];
  if (built === undefined || built === release) return;
  throw new BackplaneError(
    'guest-option',
    `linuxGuest: modules: '${printable(name)}' was built for Linux ${printable(built)}, and the guest's is ${release}. Leave 'kernel' out, or write 'full'.`,
  );
}

function fileOf(name: string): ModuleFile | undefined {
  const base = /([^/]+)\.ko$/.exec(name)?.[1];
  return base === undefined ? undefined : { name: base, path: name };
}

function readModule({ path }: ModuleFile): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new BackplaneError(
      'guest-option',
      `linuxGuest: modules: '${printable(path)}' cannot be read (${reasonOf(cause)}).`,
      { cause },
    );
  }
}

function keyOf(plan: Omit<GuestPlan, 'key'>): string {
  const hash = createHash('sha256');
  const { size, mtimeMs } = statSync(plan.qemu.path);
  hash.update(JSON.stringify([plan.qemu.path, size, mtimeMs, plan.machineArguments]));
  hash.update(readFileSync(plan.image));
  for (const piece of plan.initramfs) hash.update(piece);
  return hash.digest('hex').slice(0, 32);
}
