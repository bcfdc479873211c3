import type { SimulatedAcceleratorOptions } from '../../accelerator/index.ts';
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

const accelerators = ['kvm-sim'];

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

/** The accelerator options of `-accel kvm-sim,coalesced-pio=off` and `-profile`. */
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
