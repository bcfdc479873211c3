import { BackplaneError } from '../memory/index.ts';

// Two copies of this package in one process are strangers: each has classes and records of its own. What one of them declared is
// missing in the other, without a mistake of the author that could be named. So all copies note in one place which classes are theirs.

// biome-ignore lint/complexity/noBannedTypes: any class
type AnyClass = Function;

/** One copy of the package, by its place. */
interface Copy {
  readonly place: string;
}

const here = import.meta.url;
const thisCopy: Copy = {
  place: URL.canParse('../../', here) ? decodeURIComponent(new URL('../../', here).pathname) : 'a bundle',
};
const key = Symbol.for('backplane.copies');
const shared = globalThis as { [key]?: WeakMap<AnyClass, Copy> };
shared[key] ??= new WeakMap();
const copies = shared[key];

/** The class is declared with this copy; the first one that says so is right. */
export function claimClass(deviceClass: AnyClass): void {
  if (!copies.has(deviceClass)) copies.set(deviceClass, thisCopy);
}

/** Refuses a class that another copy knows, itself or one of its bases. */
export function refuseOtherCopies(deviceClass: AnyClass): void {
  for (let at: unknown = deviceClass; typeof at === 'function'; at = Object.getPrototypeOf(at)) {
    const copy = copies.get(at);
    if (copy === undefined || copy === thisCopy || at === Function.prototype) continue;
    const places =
      copy.place === thisCopy.place ? `twice from '${copy.place}'` : `from '${copy.place}' and '${thisCopy.place}'`;
    throw new BackplaneError(
      `Class ${deviceClass.name}: two copies of 'backplane' are in this process, loaded ${places}, and one knows nothing of what the other ` +
        'declared. Let everything import the same copy: install the package once, for all that is part of the program (npm dedupe).',
    );
  }
}
