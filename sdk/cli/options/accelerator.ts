import type { KvmAccelerator, SimulatedAcceleratorOptions } from '../../accelerator/index.ts';
import {
  type AcceleratorSettings,
  acceleratorOptions,
  parseAcceleratorSettings,
} from '../../accelerator/kvm/options.ts';
import { BackplaneError } from '../../base/errors.ts';
import { didYouMean } from '../../base/text.ts';
import type { Arguments, OptionSyntax } from '../command.ts';
import { parseKeyValues } from './settings.ts';

/** Options that choose the accelerator of a run. */
export const acceleratorSyntax = { accel: 'ACCELERATOR', profile: true } as const satisfies OptionSyntax;

const accelerators = ['kvm-sim', 'kvm'] as const;

/** Which of them: simulated in TypeScript, or the host's own. */
export interface AcceleratorChoice {
  readonly name: (typeof accelerators)[number];
  /** Of `kvm` those alone that have a meaning there. */
  readonly options: SimulatedAcceleratorOptions;
}

/** What the host's kernel decides, or what is modelled, is no option of `-accel kvm`. */
const hostProperties: readonly (keyof AcceleratorSettings)[] = ['coalescedMmio', 'coalescedPio', 'drain'];

/** The options of an accelerator. */
export const optionsOf = (name: AcceleratorChoice['name']): typeof acceleratorOptions =>
  name === 'kvm-sim'
    ? acceleratorOptions
    : acceleratorOptions.filter(({ property }) => hostProperties.includes(property));

/** The option that limits the timers that may expire while the guest executes nothing. */
export const timerLimitSyntax = { 'timer-limit': 'TIMERS' } as const satisfies OptionSyntax;

export const timerLimitHelp =
  '  -timer-limit TIMERS   end where so many timers expire while the guest executes nothing; default 2 million';

export function chooseTimerLimit(args: Arguments): { readonly timerLimit?: number } {
  const timerLimit = parseCount(args, 'timer-limit', 'timers');
  return timerLimit === undefined ? {} : { timerLimit };
}

/** The option that chooses what guest time follows. */
export const clockSyntax = { clock: 'virtual|host' } as const satisfies OptionSyntax;

export const clockHelp =
  '  -clock virtual|host   guest time runs as fast as the guest does, the default, or is paced by the time of the host';

const clocks = ['virtual', 'host'] as const;

export function chooseClock(args: Arguments): { readonly clock?: (typeof clocks)[number] } {
  const text = args.value('clock');
  if (text === undefined) return {};
  const clock = clocks.find((known) => known === text);
  if (clock !== undefined) return { clock };
  throw new BackplaneError('unknown-clock', `-clock ${text}: there is no such clock. ${didYouMean(text, clocks)}`);
}

/** The value of an option that is a count. */
export function parseCount(args: Arguments, option: string, what: string): number | undefined {
  const text = args.value(option);
  if (text === undefined) return undefined;
  const count = Number(text);
  if (/^\d+$/.test(text) && count > 0 && Number.isSafeInteger(count)) return count;
  throw new BackplaneError(
    'invalid-number',
    `-${option} ${text}: not a number of ${what}. Write a positive whole number.`,
  );
}

/** The accelerator of `-accel kvm-sim,coalesced-pio=off` or `-accel kvm`, and of `-profile`. */
export function chooseAccelerator(args: Arguments): AcceleratorChoice {
  const text = args.value('accel') ?? 'kvm-sim';
  const { subject, settings, asksForHelp } = parseKeyValues('-accel', text);
  if (asksForHelp)
    throw new BackplaneError('misplaced-argument', "to list the accelerators, write 'backplane -accel help'.");
  const name = accelerators.find((known) => known === subject);
  if (name === undefined) {
    throw new BackplaneError(
      'unknown-accelerator',
      `there is no accelerator '${subject}'. ${didYouMean(subject, accelerators)}`,
    );
  }
  const given = name === 'kvm' ? withoutIrqchip(settings) : settings;
  const known = optionsOf(name).map((option) => option.name);
  for (const option of given.keys()) {
    if (!known.includes(option)) {
      throw new BackplaneError(
        'unknown-accelerator-option',
        `accelerator '${subject}' has no option '${option}'. ${didYouMean(option, known)}`,
      );
    }
  }
  const { coalescedMmio, coalescedPio, drain, ...simulated } = asOptions(parseAcceleratorSettings(given));
  const options = { coalescedMmio, coalescedPio, drain, profile: args.has('profile') } as SimulatedAcceleratorOptions;
  return { name, options: name === 'kvm' ? options : { ...simulated, ...options } };
}

/** The interrupt controllers are devices of the machine: KVM's own would take their place, and hide their accesses. */
function withoutIrqchip(settings: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const irqchip = settings.get('kernel-irqchip');
  if (irqchip !== undefined && irqchip !== 'off') {
    throw new BackplaneError(
      'no-kernel-irqchip',
      `-accel kvm,kernel-irqchip=${irqchip}: the machine's own devices are its interrupt controllers, and KVM's would take their place. ` +
        'Write kernel-irqchip=off, or leave it out.',
    );
  }
  return new Map([...settings].filter(([name]) => name !== 'kernel-irqchip'));
}

/**
 * What makes the chosen accelerator. The host's, and the processor for machine code, are loaded only where they are asked for. What boots
 * finds the same processor on both kernels.
 */
export async function acceleratorMaker(
  { name }: AcceleratorChoice,
  executesCode = false,
  boots = false,
): Promise<(options: SimulatedAcceleratorOptions) => KvmAccelerator> {
  if (name === 'kvm') {
    const { hostKvmAccelerator } = await import('../../host-kvm/accelerator.ts');
    if (!boots) return hostKvmAccelerator;
    const { CpuidTable } = await import('../../processor/x86/cpuid.ts');
    return (options) => hostKvmAccelerator({ ...options, cpuid: CpuidTable });
  }
  const { simulatedAccelerator } = await import('../../accelerator/index.ts');
  if (!executesCode) return simulatedAccelerator;
  const machineCode = await (await import('../x86-wasm.ts')).x86MachineCode();
  return (options) => simulatedAccelerator({ ...options, machineCode });
}

function asOptions({ kernelExitCost, userspaceExitCost, ...rest }: AcceleratorSettings): SimulatedAcceleratorOptions {
  return { ...rest, costs: { kernel: kernelExitCost, userspace: userspaceExitCost } };
}
