import { didYouMean } from '../../../base/text.ts';
import { type Device, pinsOf, timersOf } from '../../../device/index.ts';
import type { Check, Subject } from '../subject.ts';

/** Finds an exception for something that the device does not have. */
export const settingsNameWhatIsThere: Check = {
  name: 'the settings name what the device has',
  applies: ({ settings }) => settings.notExercised !== undefined,
  find(subject) {
    const { device } = subject.bench();
    for (const name of Object.keys(subject.settings.notExercised ?? {})) {
      const problem = problemOf(subject, device, name);
      if (problem !== undefined) return { message: `notExercised names '${name}', and ${problem}`, script: [] };
    }
    return undefined;
  },
};

/** Checks the first part of a path, and fields of registers: helper objects may come and go. */
function problemOf({ metadata }: Subject, device: Device, name: string): string | undefined {
  const [, first = '', field] = /^([^.[]*)(?:\.(.*))?/.exec(name) ?? [];
  const { registers } = metadata;
  const others = [...timersOf(device).keys(), ...pinsOf(device).keys()];
  const members = [...Object.keys(device), ...registers.flatMap((one) => [one.member, one.name])];
  if (others.includes(name)) return undefined;
  if (!members.includes(first))
    return `the device has no such member, timer or pin. ${didYouMean(name, [...new Set([...members, ...others])])}`;
  const register = registers.find((one) => one.member === first || one.name === first);
  if (register === undefined || field === undefined) return undefined;
  const fields = register.fields.map((one) => one.name);
  return fields.includes(field)
    ? undefined
    : `register '${register.name}' has no such field. ${didYouMean(field, fields)}`;
}
