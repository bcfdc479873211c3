/**
 * Live options: a test, the monitor or the command line gives them other values while the machine runs. The object that a
 * constructor gets shows the value of now; every other option stays as it was given.
 */

type Values = Readonly<Record<string, unknown>>;

/** The values of now, by the object that a constructor got. */
const valuesOfNow = new WeakMap<object, Record<string, unknown>>();
/** The object that the constructor of a device got. */
const givenTo = new WeakMap<object, Values>();

/** Values of options, frozen but for those that are live. */
export function optionValues(
  entries: readonly (readonly [string, unknown])[],
  isLive: (name: string) => boolean,
): Values {
  const all = Object.fromEntries(entries);
  const live = Object.fromEntries(entries.filter(([name]) => isLive(name)));
  const names = Object.keys(live);
  for (const name of names) Object.defineProperty(all, name, { enumerable: true, get: () => live[name] });
  if (names.length > 0) valuesOfNow.set(all, live);
  return Object.freeze(all);
}

/** A device was constructed with these. */
export function noteOptions(device: object, values: Values): void {
  if (valuesOfNow.has(values)) givenTo.set(device, values);
}

/** The device reads another value from here on. It is one that the option takes. */
export function changeOption(device: object, name: string, value: unknown): void {
  const values = givenTo.get(device);
  const live = values === undefined ? undefined : valuesOfNow.get(values);
  if (live !== undefined && Object.hasOwn(live, name)) live[name] = value;
}
