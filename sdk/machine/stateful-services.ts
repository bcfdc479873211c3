import { runDevice } from '../clock/index.ts';
import {
  type EpochMove,
  type FailField,
  type Json,
  readFields,
  rebaseFields,
  rememberShapes,
  StateError,
  StateLoading,
  stateOf,
  writeFields,
} from '../device/index.ts';
import { BackplaneError, describeThrown } from '../memory/index.ts';

/** What a service may do when the machine is reset, or when its state was loaded. */
interface StatefulService {
  reset?(): void;
  onStateLoaded?(version: number): void;
}

/** The state of one service that was read and not put into force yet. */
export interface ServiceLoading {
  readonly loading: StateLoading;
  readonly service: object;
}

/**
 * The services that remember something, because their classes have `@state` fields: they are reset with the machine, after its
 * devices and if they have a `reset`, and they are in its snapshots. Services of services too: every one that was made is noted.
 */
export class StatefulServices {
  private readonly made = new Map<string, Set<object>>();
  private readonly makers = new Map<string, () => unknown>();

  /** What a token is bound to, and how to make it. */
  noteMaker(token: unknown, make: () => unknown): void {
    this.makers.set(nameOf(token), make);
  }

  /** For a snapshot that has the state of a service which only a device used that came and went: makes it, if there is one. */
  make(name: string): void {
    this.makers.get(name)?.();
  }

  /** A service was made. `token` is what it is bound to; one that remembers nothing is forgotten. */
  note(token: unknown, service: unknown): void {
    if (typeof service !== 'object' || service === null) return;
    if (stateOf(service.constructor ?? Object).length === 0 && !('onStateLoaded' in service)) return;
    for (const others of this.made.values()) if (others.has(service)) return;
    const name = nameOf(token);
    this.made.set(name, (this.made.get(name) ?? new Set()).add(service));
  }

  /** By the names of their tokens, in the order of the names. Refuses services that a snapshot could not tell apart. */
  get byName(): ReadonlyMap<string, StatefulService> {
    const sorted = [...this.made].sort(([a], [b]) => (a < b ? -1 : 1));
    return new Map(
      sorted.map(([name, services]) => {
        if (services.size > 1) throw severalOf(name, services.size);
        return [name, [...services][0] as StatefulService];
      }),
    );
  }

  /** They are new now: their fields have the shapes that they have in snapshots. What no snapshot could hold is refused. */
  remember(): void {
    for (const [name, service] of this.byName) rememberShapes(service, stateOf(service.constructor), failing(name));
  }

  /** All but those that something else resets. */
  reset(others: readonly unknown[] = []): void {
    for (const [name, service] of this.byName) {
      if (service.reset === undefined || others.includes(service)) continue;
      try {
        runDevice(() => service.reset?.());
      } catch (cause) {
        throw new BackplaneError(`Service ${name}: reset() threw: ${describeThrown(cause)}`, { cause });
      }
    }
  }

  /** The clock's epoch has moved, and with it the times that they keep. */
  rebase(move: EpochMove): void {
    for (const service of this.byName.values()) rebaseFields(service, stateOf(service.constructor), move);
  }

  save(): { readonly [name: string]: Json } {
    const saved = [...this.byName].map(([name, service]) => [
      name,
      writeFields(service, stateOf(service.constructor), failing(name)),
    ]);
    return Object.fromEntries(saved);
  }

  /** Reads what was saved and changes nothing; `savedOf` answers what there is of a service, which may be anything. */
  read(savedOf: (name: string) => unknown): ServiceLoading[] {
    return [...this.byName].map(([name, service]) => {
      const loading = new StateLoading(1, undefined);
      const reader = loading.reader(savedOf(name) ?? null, `services.${name}`);
      readFields(service, stateOf(service.constructor), reader, loading);
      return { loading, service };
    });
  }

  /** Loads what `save` has answered, on a bench: all of it or, with a StateError, nothing. */
  load(saved: { readonly [name: string]: Json }): void {
    const read = this.read((name) => (Object.hasOwn(saved, name) ? saved[name] : undefined));
    const differences = read.flatMap(({ loading }) => loading.differences);
    if (differences.length > 0) throw new StateError('The services cannot take this state', differences);
    for (const { loading } of read) loading.applyAll();
    for (const one of read) finishService(one);
  }
}

/** Runs the hooks of a service whose state was put in its place. */
export function finishService({ loading, service }: ServiceLoading): void {
  runDevice(() => {
    loading.finishAll();
    (service as StatefulService).onStateLoaded?.(1);
  });
}

const nameOf = (token: unknown): string => (typeof token === 'function' ? token.name : String(token));

const failing =
  (name: string): FailField =>
  (member, why) =>
    new BackplaneError(`Service ${name}: @state field '${member}' ${why}.`);

function severalOf(name: string, count: number): BackplaneError {
  return new BackplaneError(
    `Service ${name}: there are ${count} of them with @state, and a snapshot could not tell them apart. Bind ${name} in singleton scope, ` +
      'which is the default, or give two classes of one name different names.',
  );
}
