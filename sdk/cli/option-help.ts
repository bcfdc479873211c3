import { commandLineName, type OptionSet } from '../device/options.ts';

export interface OptionDescription {
  readonly name: string;
  readonly type: string;
  readonly default: string | undefined;
  /** `base_year=<integer>`. */
  readonly syntax: string;
  /** What it does, and what it is when nobody says. */
  readonly text: string;
}

/** The options of a device or a machine as the command line writes them. */
export function describeOptions(set: OptionSet, nameOf = commandLineName): OptionDescription[] {
  return Object.entries(set.declarations).map(([property, option]) => {
    const name = nameOf(property);
    const byDefault = option.default === undefined ? undefined : option.format(option.default);
    const suffix = byDefault === undefined ? '' : ` (default: ${byDefault})`;
    return {
      name,
      type: option.kind,
      default: byDefault,
      syntax: `${name}=<${option.kind}>`,
      text: `${option.description}${suffix}`,
    };
  });
}
