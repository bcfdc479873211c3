import type { SimulatedAcceleratorOptions } from '../../accelerator/index.ts';
import {
  type AcceleratorSettings,
  acceleratorOptions,
  parseAcceleratorSettings,
} from '../../accelerator/kvm/options.ts';
import { BackplaneError } from '../../base/errors.ts';
import type { Arguments, OptionSyntax } from '../command.ts';
import { didYouMean } from '../text.ts';
import { parseKeyValues } from './key-values.ts';

/** The options with which a command that runs a guest says on what. */
export const acceleratorSyntax = { accel: 'ACCELERATOR', profile: true } as const satisfies OptionSyntax;

const accelerators = ['kvm-sim'];

/** The option with which a command that lets guest time pass says how many timers may expire meanwhile. */
export const timerLimitSyntax = { 'timer-limit': 'TIMERS' } as const satisfies OptionSyntax;

export const timerLimitHelp =
  '  -timer-limit TIMERS   end where so many timers expire while the guest executes nothing; default 2 million';

export function chooseTimerLimit(args: Arguments): { readonly timerLimit?: number } {
  const timerLimit = parseCount(args, 'timer-limit', 'timers');
  return timerLimit === undefined ? {} : { timerLimit };
}

/** The value of an option that counts something. */
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

/** What `-accel kvm-sim,coalesced-pio=off` asks for, and `-profile`. */
export function chooseAccelerator(args: Arguments): SimulatedAcceleratorOptions {
  const text = args.value('accel') ?? 'kvm-sim';
  const { subject, settings, asksForHelp } = parseKeyValues('-accel', text);
  if (asksForHelp)
    throw new BackplaneError('misplaced-argument', "to list the accelerators, write 'backplane -accel help'.");
  if (!accelerators.includes(subject)) {
    throw new BackplaneError(
      'unknown-accelerator',
      `there is no accelerator '${subject}'. ${didYouMean(subject, accelerators)}`,
    );
  }
  const known = acceleratorOptions.map(({ name }) => name);
  for (const name of settings.keys()) {
    if (!known.includes(name)) {
      throw new BackplaneError(
        'unknown-accelerator-option',
        `accelerator '${subject}' has no option '${name}'. ${didYouMean(name, known)}`,
      );
    }
  }
  return { ...asOptions(parseAcceleratorSettings(settings)), profile: args.has('profile') };
}

function asOptions({ kernelExitCost, userspaceExitCost, ...rest }: AcceleratorSettings): SimulatedAcceleratorOptions {
  return { ...rest, costs: { kernel: kernelExitCost, userspace: userspaceExitCost } };
}
