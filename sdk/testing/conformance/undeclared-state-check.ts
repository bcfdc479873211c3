import type { Device } from '../../device/index.ts';
import type { TestBench } from '../test-bench.ts';
import { declaredState, isFrameworks } from './declared-state.ts';
import { isOwned, within } from './observation.ts';
import { isCollection, type MethodText, ownedObjects } from './source-text.ts';
import type { Check } from './subject.ts';

/** What happens before the guest comes, or to undo it, or to rebuild what follows from a snapshot. */
const BesideTheGuest = ['reset', 'realize', 'unrealize', 'onRealize', 'onUnrealize', 'onStateLoaded'];

const Assigned = String.raw`\s*(?:=(?![=>])|[-+*/%&|^]=|\*\*=|<<=|>>>?=|&&=|\|\|=|\?\?=|\+\+|--)`;
const Mutators = String.raw`\s*\.\s*(?:push|pop|shift|unshift|splice|fill|set|add|delete|clear|copyWithin|sort|reverse)\s*\(`;

/**
 * A field that a method changes is state, whether or not a random program gets there: the text of the methods tells. What is
 * worked out anew before it is used is named in `scratch`. A `#field` can be seen by nobody, no snapshot either.
 */
export const nothingIsForgotten: Check = {
  name: 'every field that a method changes is declared to be state',
  find(subject) {
    const bench = subject.bench();
    const known = within([...(subject.settings.scratch ?? []), ...declaredState(bench.device).map(({ path }) => path)]);
    for (const { prefix, object, methods } of ownedObjects(bench)) {
      const during = methods.filter(({ name }) => !BesideTheGuest.includes(name));
      const fields = Object.entries(object).filter(
        ([name, value]) => isPlain(bench, value) && !(object === bench.device && isFrameworks(bench.device, name)),
      );
      for (const name of [...fields.map(([field]) => field), ...privateNames(during)]) {
        if (known(`${prefix}${name}`)) continue;
        const method = during.find((one) => changes(one, name));
        if (method !== undefined) return { message: messageOf(`${prefix}${name}`, method.name, name), script: [] };
      }
    }
    return undefined;
  },
};

function messageOf(path: string, method: string, name: string): string {
  const remedy = name.startsWith('#')
    ? "Snapshots cannot hold private #fields: write 'private' instead, and put @state on it"
    : 'Put @state on it';
  return `'${path}' is changed by ${method}(), and no snapshot knows of it. ${remedy}, or, if it is worked out anew before it is used, name it in scratch.`;
}

/** Numbers, texts and the like, and lists of them: what a snapshot would have to hold. */
function isPlain(bench: TestBench<Device>, value: unknown): boolean {
  if (typeof value === 'function' || typeof value === 'symbol') return false;
  if (typeof value !== 'object' || value === null) return true;
  const isList = Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
  return (isList || isCollection(value) || Object.getPrototypeOf(value) === Object.prototype) && isOwned(bench, value);
}

const privateNames = (methods: readonly MethodText[]): string[] => [
  ...new Set(
    methods.flatMap(({ text }) => [...text.matchAll(/\bthis\s*\.\s*(#[\w$]+)/g)].map(([, name]) => name as string)),
  ),
];

/** Whether the text assigns to it, to one of its elements, or calls what changes a list. */
function changes({ text }: MethodText, name: string): boolean {
  const field = String.raw`\bthis\s*\.\s*${name.replaceAll('$', String.raw`\$`)}(?![\w$])`;
  const element = String.raw`(?:\s*\[[^\]]*\]|\s*\.\s*[\w$]+)?`;
  return new RegExp(`${field}(?:${element}${Assigned}|${Mutators})|(?:\\+\\+|--)\\s*${field}`).test(text);
}
