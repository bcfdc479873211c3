import { commandLineName, describeOption, type OptionSet } from '../device/options/set.ts';

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
    return {
      name,
      type: option.kind,
      default: option.default === undefined ? undefined : option.format(option.default),
      syntax: `${name}=<${option.kind}>`,
      text: describeOption(option),
    };
  });
}
