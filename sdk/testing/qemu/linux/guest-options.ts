import { existsSync } from 'node:fs';
import type { Backend } from '../../../backend/index.ts';
import { BackplaneError } from '../../../base/errors.ts';
import { printable, unknownWord } from '../../../base/text.ts';
import type { Device } from '../../../device/index.ts';
import type { UsedDevice } from '../../../machine/index.ts';
import type { QmpObject } from '../qmp-client.ts';

/** A device of QEMU's own, by the arguments of its `device_add`: `{ driver: 'edu' }`. */
export type QemuDevice = QmpObject & { readonly driver: string };

/** A kernel module that was built for a kernel: what `kernelModule()` answers. */
export interface ModuleFile {
  /** The name by which Linux knows it. */
  readonly name: string;
  /** The `.ko` file. */
  readonly path: string;
}

export interface LinuxGuestOptions<D extends Device = Device> {
  /** What is plugged in when Linux has booted: `use(MyCard)`, or a device of QEMU's own. Default: nothing. */
  readonly device?: UsedDevice<D> | QemuDevice;
  /** Devices on the buses of that one: `behind: [use(Ds1307, { bus: 'ICH9-SMB.smbus', addr: '0x68' })]`. */
  readonly behind?: readonly UsedDevice[];
  /** What options of the device name: `backends: [rawImage({ id: 'disk0', file: 'disk.img' })]`. */
  readonly backends?: readonly Backend[];
  /**
   * `cloud`: a small Linux of Debian for virtual machines. `full`: the Linux of this host's release of Debian, with all drivers.
   * Or the path of a kernel's image. Default: `full` where a module was built by `kernelModule()`, else `cloud`.
   */
  readonly kernel?: 'cloud' | 'full' | (string & {});
  /** Inserted at boot, with what they depend on: names of the kernel's package, paths of `.ko` files, modules of `kernelModule()`. */
  readonly modules?: readonly (string | ModuleFile)[];
  /**
   * Whether it is an error that no driver takes the device when it is plugged in first. Default: true where a module was built by
   * `kernelModule()`.
   */
  readonly requireDriver?: boolean;
  /** Programs and data by the path where the guest has them, each a path of this host: `{ '/bin/mytest': 'build/mytest' }`. */
  readonly files?: Readonly<Record<string, string>>;
  /** As QEMU's `-m`: `256M`, `1G`. Default: `256M`. */
  readonly memory?: string;
  /** `pc`: the device is on PCI. `q35`: it is behind a PCI Express root port. Default: `pc`. */
  readonly machine?: 'pc' | 'q35';
  /** Added to the kernel's command line. */
  readonly kernelArguments?: string;
  /** The state of the booted guest is kept, and the next guest of the same options starts with it. Default: true. */
  readonly warmStart?: boolean;
  /** Milliseconds in which Linux must have booted. Default: 180,000. */
  readonly bootTimeout?: number;
  /**
   * Called with one sentence where QEMU or Linux cannot be had here: `skip` of a test's context ends the test with it. The
   * sentence is printed too, once. Without `skip`, or where it returns, that is an error.
   */
  readonly skip?: (reason: string) => unknown;
}

const words: readonly (keyof LinuxGuestOptions)[] = [
  ...(['device', 'behind', 'backends', 'kernel', 'modules', 'files', 'memory', 'machine'] as const),
  ...(['kernelArguments', 'warmStart', 'bootTimeout', 'requireDriver', 'skip'] as const),
];
const DefaultMemory = '256M';
const DefaultBootTimeout = 180_000;
const SmallestMemory = 128;
const LargestMemory = 64 * 1024;

/** The options with their defaults. */
export interface GuestSettings {
  readonly device: UsedDevice | QemuDevice | undefined;
  readonly behind: readonly UsedDevice[];
  readonly backends: readonly Backend[];
  readonly kernel: string;
  readonly modules: readonly (string | ModuleFile)[];
  readonly files: Readonly<Record<string, string>>;
  readonly memory: string;
  readonly machine: 'pc' | 'q35';
  readonly kernelArguments: string;
  readonly warmStart: boolean;
  readonly bootTimeout: number;
  readonly requireDriver: boolean;
}

const refusal = (why: string): BackplaneError => new BackplaneError('guest-option', `linuxGuest: ${why}`);

export function checkedSettings(options: LinuxGuestOptions): GuestSettings {
  const misspelt = unknownWord(options, words);
  if (misspelt !== undefined) throw new BackplaneError('unknown-word', `linuxGuest ${misspelt}`);
  const {
    device,
    behind = [],
    backends = [],
    modules = [],
    files = {},
    machine = 'pc',
    kernelArguments = '',
  } = options;
  const { memory = DefaultMemory, warmStart = true, bootTimeout = DefaultBootTimeout } = options;
  if (machine !== 'pc' && machine !== 'q35')
    throw refusal(`machine is '${printable(String(machine))}'. Write 'pc' or 'q35'.`);
  if (/[^\x20-\x7e]/.test(kernelArguments))
    throw refusal('kernelArguments are words of ASCII with spaces between them.');
  if (!(bootTimeout > 0)) throw refusal(`bootTimeout is ${bootTimeout}. Give milliseconds.`);
  checkMemory(memory);
  for (const path of Object.keys(files)) checkPath(path);
  const isBuilt = modules.some((one) => typeof one !== 'string');
  const kernel = options.kernel ?? (isBuilt ? 'full' : 'cloud');
  return {
    ...{ device, behind, backends, kernel, modules, files, memory, machine, kernelArguments, warmStart, bootTimeout },
    requireDriver: options.requireDriver ?? isBuilt,
  };
}

function checkMemory(memory: string): void {
  const [, digits, unit] = /^([1-9]\d{0,5})([MG])$/.exec(memory) ?? [];
  const mebibytes = Number(digits) * (unit === 'G' ? 1024 : 1);
  if (mebibytes >= SmallestMemory && mebibytes <= LargestMemory) return;
  throw refusal(`memory is '${printable(memory)}'. Give '${SmallestMemory}M' to '${LargestMemory / 1024}G'.`);
}

/** The guest's own files are not to be replaced. */
function checkPath(path: string): void {
  const isPath = /^(\/[^/\0]+)+$/.test(path) && !/(^|\/)\.\.?(\/|$)/.test(path);
  const isOwn = /^\/(init|bin\/(busybox|sh)|etc\/(shell|passwd|group)|(dev|proc|sys|modules)\/.*)$/.test(path);
  if (isPath && !isOwn) return;
  const why = isOwn
    ? 'the guest has a file of its own there'
    : "a path begins with '/', and has no '.', '..' or empty names";
  throw refusal(`files: '${printable(path)}' cannot be one: ${why}.`);
}

/** Whether it names a kernel of Debian's, and not a file. */
export const isFlavour = (kernel: string): kernel is 'cloud' | 'full' => kernel === 'cloud' || kernel === 'full';

/** Refuses a kernel of the user's that is not there. */
export function checkKernelFile(path: string): void {
  if (existsSync(path)) return;
  throw refusal(
    `kernel: '${printable(path)}' does not exist. Write 'cloud', 'full', or the path of a kernel's image (bzImage).`,
  );
}
