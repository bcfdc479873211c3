import { BackplaneError } from '../base/errors.ts';
import { unknownWord } from '../base/text.ts';
import type { Option } from '../device/index.ts';
import { type OptionDeclarations, OptionSet, type OptionsOf } from '../device/options/set.ts';
import type { Backend, BackendType, BlockImage, CharTransport } from './transport.ts';

/** What a back end of each type is on the host. */
export interface OpenedBackend {
  readonly char: CharTransport;
  readonly block: BlockImage;
}

/** A kind of back ends, as `defineBackend` takes it. */
export interface BackendDefinition<
  T extends BackendType = BackendType,
  D extends OptionDeclarations = OptionDeclarations,
> {
  /** As on the command line: `-chardev socket,id=c0`. */
  readonly kind: string;
  readonly type: T;
  /** One line for help, without a full stop. */
  readonly description: string;
  /** Its settings: the options after `id=`. */
  readonly options: OptionSet<D>;
  /** Makes the host's side. It may answer a promise, which `openBackends` awaits. */
  open(options: OptionsOf<OptionSet<D>>, id: string): OpenedBackend[T] | Promise<OpenedBackend[T]>;
}

/** A kind of back ends: a plugin exports it, and `-chardev` or `-blockdev` finds it by its name. */
export interface BackendKind<T extends BackendType = BackendType, D extends OptionDeclarations = OptionDeclarations>
  extends BackendDefinition<T, D> {
  /** A back end of this kind: `socket.create('c0', { path: 'line.sock' })`. */
  create(id: string, given?: { readonly [K in keyof D]?: D[K] extends Option<infer V> ? V : never }): Backend;
}

const words: Readonly<Record<keyof BackendDefinition, true>> = {
  ...{ kind: true, type: true, description: true, options: true, open: true },
};
const defined = new WeakSet<object>();

/** Declares a kind of back ends. */
export function defineBackend<const T extends BackendType, const D extends OptionDeclarations>(
  definition: BackendDefinition<T, D>,
): BackendKind<T, D> {
  const { kind, type, options, open } = definition as Partial<BackendDefinition<T, D>>;
  const refuse = (why: string) => new BackplaneError('invalid-backend', `defineBackend: kind '${kind}' ${why}`);
  const unknown = unknownWord(definition, Object.keys(words));
  if (unknown !== undefined) throw refuse(unknown);
  if (typeof kind !== 'string' || !/^[a-z][a-z0-9-]*$/.test(kind))
    throw refuse("is no name for the command line. Use small letters, digits and '-'.");
  if (type !== 'char' && type !== 'block') throw refuse("has no type. Write type: 'char' or type: 'block'.");
  if (!(options instanceof OptionSet)) throw refuse('has no options. Write options: defineOptions({}).');
  if (typeof open !== 'function') throw refuse('has no open(). Write open: (options) => ({ ... }).');
  const made: BackendKind<T, D> = Object.freeze({
    ...definition,
    create: (id: string, given: object = {}): Backend => {
      const values = options.resolve(given as Readonly<Record<string, unknown>>, `Back end '${id}' (${kind})`);
      return { id, type, kind, open: () => open(values, id) };
    },
  });
  defined.add(made);
  return made;
}

/** Whether a value was made by `defineBackend`. */
export function isBackendKind(value: unknown): value is BackendKind {
  return typeof value === 'object' && value !== null && defined.has(value);
}
