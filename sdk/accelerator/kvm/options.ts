import { BackplaneError } from '../../base/errors.ts';
import type { Json } from '../../base/json-reader.ts';
import type { AcceleratorHost, RunOptions, SliceLimits } from '../accelerator.ts';
import { DefaultExitCosts, type ExitCosts } from '../exit-table.ts';
import type { GuestAccess } from '../guest-access.ts';

/** When queued writes reach their devices: at every return to userspace, or only when a flagged region is accessed. */
export type DrainPolicy = 'every-exit' | 'on-access';

/** What `-accel kvm-sim,...` says, as values. */
export interface AcceleratorSettings {
  /** Whose virtualization is simulated. */
  readonly processor: 'intel' | 'amd';
  /** Which Linux's arithmetic the ring has. */
  readonly ring: '6.12' | 'before-6.12';
  readonly coalescedMmio: boolean;
  readonly coalescedPio: boolean;
  readonly drain: DrainPolicy;
  /** Modelled nanoseconds of a VM exit that stays in the kernel. */
  readonly kernelExitCost: number;
  /** Modelled nanoseconds of a VM exit that goes on to userspace. */
  readonly userspaceExitCost: number;
  /** Nanoseconds of guest time of a port access of machine code, queued or not. */
  readonly isaAccess: number;
}

/** One option of `-accel kvm-sim`. */
export interface AcceleratorOption<Value> {
  readonly property: keyof AcceleratorSettings;
  readonly name: string;
  readonly type: 'on/off' | 'choice' | 'nanoseconds';
  readonly values?: readonly string[];
  readonly default: Value;
  readonly description: string;
}

/** A cycle of an ISA bus, rounded: 8.33 MHz, with its wait states. */
export const DefaultIsaAccess = 1000;

type OptionProperty = keyof AcceleratorSettings;
const onOff = (property: OptionProperty, name: string, description: string) =>
  ({ property, name, type: 'on/off', values: ['on', 'off'], default: true, description }) as const;
const cost = (property: OptionProperty, name: string, nanoseconds: number, description: string) =>
  ({ property, name, type: 'nanoseconds', default: nanoseconds, description }) as const;

/** Every option of `-accel kvm-sim`: what the help prints and what the parser obeys. */
export const acceleratorOptions: readonly AcceleratorOption<boolean | string | number>[] = [
  onOff('coalescedMmio', 'coalesced-mmio', 'queue writes to coalesced memory instead of leaving the kernel for each'),
  onOff('coalescedPio', 'coalesced-pio', 'queue writes to coalesced ports instead of leaving the kernel for each'),
  {
    property: 'drain',
    name: 'drain',
    type: 'choice',
    values: ['every-exit', 'on-access'],
    default: 'every-exit',
    description: "deliver queued writes at every return to userspace, or by QEMU's policy: only before flagged regions",
  },
  {
    property: 'processor',
    name: 'processor',
    type: 'choice',
    values: ['intel', 'amd'],
    default: 'intel',
    description: 'whose virtualization is simulated: that of AMD asks no ioeventfd without a length before the zones',
  },
  {
    property: 'ring',
    name: 'ring',
    type: 'choice',
    values: ['6.12', 'before-6.12'],
    default: '6.12',
    description:
      "which Linux's arithmetic the ring has: before 6.12 it is sometimes full with 85 writes instead of 169",
  },
  cost(
    'kernelExitCost',
    'kernel-exit-cost',
    DefaultExitCosts.kernel,
    'modelled cost of a VM exit that stays in the kernel',
  ),
  cost(
    'userspaceExitCost',
    'userspace-exit-cost',
    DefaultExitCosts.userspace,
    'modelled cost of a VM exit that goes on to userspace',
  ),
  cost('isaAccess', 'isa-access', DefaultIsaAccess, 'guest time of a port access of machine code, queued or not'),
];

/** A modelled cost above a second is a typing mistake. */
const LargestCost = 1_000_000_000;

/** Reads the settings behind `-accel kvm-sim`; what is not named keeps its default. */
export function parseAcceleratorSettings(settings: ReadonlyMap<string, string>): AcceleratorSettings {
  const values = Object.fromEntries(acceleratorOptions.map((option) => [option.property, option.default]));
  for (const [name, text] of settings) {
    const option = acceleratorOptions.find((candidate) => candidate.name === name);
    if (option === undefined) throw unknownOption(name);
    values[option.property] = parseValue(option, text);
  }
  return values as unknown as AcceleratorSettings;
}

function parseValue(option: AcceleratorOption<unknown>, text: string): boolean | string | number {
  if (option.values?.includes(text)) return option.type === 'on/off' ? text === 'on' : text;
  if (option.type === 'nanoseconds' && /^\d{1,10}$/.test(text) && Number(text) <= LargestCost) return Number(text);
  const expected =
    option.values?.map((value) => `'${value}'`).join(' or ') ?? `a number of nanoseconds up to ${LargestCost}`;
  throw new BackplaneError(
    'invalid-accelerator-option',
    `-accel: '${option.name}=${text}' is not valid. Write ${expected}.`,
  );
}

function unknownOption(name: string): BackplaneError {
  const known = acceleratorOptions.map((option) => `'${option.name}'`).join(', ');
  return new BackplaneError(
    'unknown-accelerator-option',
    `-accel: there is no option '${name}'. kvm-sim knows ${known}.`,
  );
}

/** Options of an accelerator with KVM's interface, over either kernel. What is about modelled time or seeded turns is the simulated kernel's. */
export interface KvmAcceleratorOptions
  extends Partial<Pick<AcceleratorSettings, 'coalescedMmio' | 'coalescedPio' | 'drain'>> {
  /** How messages and help call it. Default: `kvm-sim`. */
  readonly name?: string;
  /** What the kernel's exits are modelled to cost; tables show it. */
  readonly costs?: ExitCosts;
  /** Default: 1. Loading more guests adds vCPUs. */
  readonly vcpus?: number;
  /** Decides how several vCPUs take turns. */
  readonly seed?: number;
  /** A queued write waits at most this long, in nanoseconds of guest time. Default: 10 ms. */
  readonly kickAfter?: number;
  /** All of these that a guest can notice, as data: a recording says them. @internal */
  readonly noticeable?: Json;
  /** Measure the host time of device handlers. */
  readonly profile?: boolean;
  /** Called with a sentence when a guest program has done more than can be saved. */
  readonly onTooLongToSave?: (message: string) => void;
  /** Puts something between the guest's accesses and the machine: a recording that answers for absent devices. */
  readonly intercept?: (machine: GuestAccess, host: AcceleratorHost) => GuestAccess;
}

/** More than any machine here has: a snapshot with more is not one of ours. */
export const MostVcpus = 64;

export function checkAcceleratorOptions(options: KvmAcceleratorOptions): void {
  const { vcpus = 1, seed = 0, kickAfter = 0 } = options;
  const name = `Accelerator '${options.name ?? 'kvm-sim'}'`;
  if (!Number.isInteger(vcpus) || vcpus < 1 || vcpus > MostVcpus) {
    throw new BackplaneError(
      'invalid-accelerator-option',
      `${name}: 'vcpus' is ${vcpus}. Give a whole number from 1 to ${MostVcpus}.`,
    );
  }
  if (!Number.isInteger(seed))
    throw new BackplaneError('invalid-accelerator-option', `${name}: 'seed' is ${seed}. Give a whole number.`);
  if (kickAfter >= 0) return;
  throw new BackplaneError(
    'invalid-accelerator-option',
    `${name}: 'kickAfter' is ${kickAfter}. Give 0 or more nanoseconds, or Infinity for no limit.`,
  );
}

export function checkGuestCount(accelerator: string, count: number): void {
  if (count <= MostVcpus) return;
  throw new BackplaneError(
    'too-many-guests',
    `Accelerator '${accelerator}': ${count} guests are given, one for each processor, and a machine has at most ${MostVcpus} of ` +
      'those. Give fewer.',
  );
}

export function checkRunOptions({
  operationLimit = 0,
  accessLimit = 0,
  timerLimit = 1,
  progressEvery = 1,
}: RunOptions): void {
  refuseCount('operationLimit', operationLimit, 0);
  refuseCount('accessLimit', accessLimit, 0);
  refuseCount('timerLimit', timerLimit, 1);
  refuseCount('progressEvery', progressEvery, 1);
}

export function checkSliceLimits({ operations, time = 0 }: SliceLimits): void {
  refuseCount('operations', operations, 1);
  if (time >= 0) return;
  throw new BackplaneError('invalid-run-option', `runSlice(): 'time' is ${time}. Give 0 or more nanoseconds.`);
}

function refuseCount(name: string, count: number, least: number): void {
  if ((Number.isInteger(count) && count >= least) || count === Number.POSITIVE_INFINITY) return;
  throw new BackplaneError(
    'invalid-run-option',
    `run(): '${name}' is ${count}. Give a whole number, ${least} or more, or Infinity.`,
  );
}
