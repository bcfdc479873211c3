import { type BindToFluentSyntax, Container, type ContainerModule, type ServiceIdentifier } from 'inversify';
import { BackplaneError, describeThrown } from '../base/errors.ts';
import type { Json } from '../base/json-reader.ts';
import { runDevice } from '../clock/index.ts';
import { noteServicePart } from '../device/parts.ts';
import { captureShapes, type FailField, readFields, rebaseFields, writeFields } from '../state/fields.ts';
import { StateError, StateLoading } from '../state/restore-plan.ts';
import { type EpochMove, stateOf } from '../state/schema.ts';

/**
 * Loads service modules into one container, in order. A later module replaces bindings of earlier ones, and the `replaceable`
 * ones: a customized machine replaces a service by adding a module. Each service that is made is noted in `stateful`. Answers the
 * tokens that the modules bind.
 */
export function loadServices(
  container: Container,
  modules: readonly ContainerModule[],
  replaceable: readonly ServiceIdentifier[],
  stateful: StatefulServices,
): readonly ServiceIdentifier[] {
  const earlier = new Set(replaceable);
  const bound = new Set<ServiceIdentifier>();
  for (const module of modules) {
    const own = new Set<ServiceIdentifier>();
    const bind = <T>(token: ServiceIdentifier<T>): BindToFluentSyntax<T> => {
      if (earlier.has(token) && !own.has(token)) container.unbind(token);
      own.add(token);
      stateful.noteMaker(token, () => container.isBound(token) && container.get(token));
      const binding = container.bind(token);
      container.onActivation(token, (_, service) => {
        stateful.note(token, service);
        return service;
      });
      return binding;
    };
    const rebind = <T>(token: ServiceIdentifier<T>): BindToFluentSyntax<T> => {
      container.unbind(token);
      own.add(token);
      return bind(token);
    };
    const loaded = module.load({
      bind,
      isBound: container.isBound.bind(container),
      onActivation: container.onActivation.bind(container),
      onDeactivation: container.onDeactivation.bind(container),
      rebind,
      rebindAsync: async (token) => rebind(token),
      unbind: container.unbind.bind(container),
      unbindAsync: container.unbindAsync.bind(container),
    });
    if (loaded instanceof Promise) {
      throw new BackplaneError(
        'asynchronous-module',
        'it is asynchronous, and a machine is built synchronously. Await first, then bind the result.',
      );
    }
    for (const token of own) {
      earlier.add(token);
      bound.add(token);
    }
  }
  return [...bound];
}

/**
 * The error of a constructor, from the container's error. After a stack overflow the container reports a circular dependency
 * that it cannot name: then the overflow is the error.
 */
export function constructionFailure(error: unknown): unknown {
  if (!(error instanceof Error) || !(error.cause instanceof RangeError)) return error;
  const namesACircle = error.message.includes('->') || !error.message.startsWith('Circular dependency');
  return namesACircle ? error : error.cause;
}

/** The reason of a failed construction, as the end of a sentence. */
export function describeConstruction(failure: unknown): string {
  const why = describeThrown(failure).trim();
  return failure instanceof RangeError && /call stack/.test(why)
    ? `${why}: its constructor, or what that calls, calls itself without end`
    : why;
}

/** A container with singletons by default. */
export function newContainer(parent?: Container): Container {
  return new Container({ defaultScope: 'Singleton', ...(parent === undefined ? {} : { parent }) });
}

/** Optional methods of a service with state. */
interface StatefulService {
  reset?(): void;
  onStateLoaded?(version: number): void;
}

/** The state of one service that was read and is not applied yet. */
export interface ServiceLoading {
  readonly loading: StateLoading;
  readonly service: object;
}

/** A service that was made, and the name of its token. */
export interface NotedService {
  readonly name: string;
  readonly service: object;
}

/**
 * The services whose classes have `@state` fields, also services of services. They are in the machine's snapshots. Those with a
 * `reset` are reset with the machine, after its devices.
 */
export class StatefulServices {
  private readonly made = new Map<string, Set<object>>();
  private readonly makers = new Map<string, () => unknown>();
  private noting: NotedService[] | undefined;

  /** Keeps how to make the service of a token. */
  noteMaker(token: unknown, make: () => unknown): void {
    this.makers.set(nameOf(token), make);
  }

  /** Makes a service that a snapshot has and no device of the machine has asked for, if it can be made. */
  make(name: string): void {
    if ((this.made.get(name)?.size ?? 0) === 0) this.makers.get(name)?.();
  }

  /**
   * Notes a service that was made, if it has state. State that no snapshot could hold is refused here: then its container does
   * not keep the service either.
   */
  note(token: unknown, service: unknown): void {
    if (typeof service !== 'object' || service === null) return;
    noteServicePart(service);
    const declared = stateOf(service.constructor ?? Object);
    if (declared.length === 0 && !('onStateLoaded' in service)) return;
    if (this.all().includes(service)) return;
    const name = nameOf(token);
    const filled = declared.filter(({ member }) => (service as Record<string, unknown>)[member] !== undefined);
    writeFields(service, filled, failing(name));
    this.made.set(name, (this.made.get(name) ?? new Set()).add(service));
    this.noting?.push({ name, service });
  }

  /** Runs `work` and adds the services that were made meanwhile to `noted`, also if it throws. */
  noteInto<T>(noted: NotedService[], work: () => T): T {
    const outer = this.noting;
    this.noting = noted;
    try {
      return work();
    } finally {
      this.noting = outer;
    }
  }

  forget(noted: readonly NotedService[]): void {
    for (const { name, service } of noted) this.made.get(name)?.delete(service);
  }

  /** Moves the state of a device's own services to those of its replacement. */
  handOver(from: readonly NotedService[], to: readonly NotedService[]): void {
    const left = [...from];
    const pairs = to.flatMap(({ name, service }) => {
      const [old] = left.splice(left.findIndex((one) => one.name === name) >>> 0, 1);
      return old === undefined ? [] : [{ name, old: old.service, service }];
    });
    const read = pairs.map(({ name, old, service }) => readService(name, service, writeService(name, old)));
    finishLoading(read);
  }

  /** Checks that a service can be made. An instance that is made anew for each request is not noted. */
  tryOut<T>(get: () => T): T {
    const first: NotedService[] = [];
    const again: NotedService[] = [];
    const service = this.noteInto(first, get);
    if (first.length === 0) return service;
    this.noteInto(again, get);
    this.forget(again);
    for (const { name } of again) this.forget(first.filter((one) => one.name === name).slice(-1));
    return service;
  }

  /** The services by the names of their tokens, sorted. Refuses two of one name. */
  get byName(): ReadonlyMap<string, StatefulService> {
    return new Map(
      this.sorted().map(([name, services]) => {
        if (services.length > 1) throw severalOf(name, services.length);
        return [name, services[0] as StatefulService];
      }),
    );
  }

  /** Captures the shapes of their fields, which are new now. Values that no snapshot could hold are refused. */
  remember(): void {
    for (const [name, service] of this.byName) captureShapes(service, stateOf(service.constructor), failing(name));
  }

  /** Resets all of them but `others`, which are reset already. */
  reset(others: readonly unknown[] = []): void {
    for (const [name, services] of this.sorted()) {
      for (const service of services) {
        if (service.reset === undefined || others.includes(service)) continue;
        try {
          runDevice(() => service.reset?.());
        } catch (cause) {
          throw new BackplaneError('service-failure', `Service ${name}: reset() threw: ${describeThrown(cause)}`, {
            cause,
          });
        }
      }
    }
  }

  /** Moves the times that they keep with the clock's epoch. */
  rebase(move: EpochMove): void {
    for (const service of this.all()) rebaseFields(service, stateOf(service.constructor), move);
  }

  save(): { readonly [name: string]: Json } {
    const saved = [...this.byName].map(([name, service]) => [name, writeService(name, service)]);
    return Object.fromEntries(saved);
  }

  /** Reads saved states and changes nothing; `savedOf` answers the untrusted state of a service. */
  read(savedOf: (name: string) => unknown): ServiceLoading[] {
    return [...this.byName].map(([name, service]) => readService(name, service, savedOf(name)));
  }

  /** Loads the answer of `save`, on a bench: all of it or, with a StateError, nothing. */
  load(saved: { readonly [name: string]: Json }): void {
    finishLoading(this.read((name) => (Object.hasOwn(saved, name) ? saved[name] : undefined)));
  }

  private sorted(): [name: string, services: readonly StatefulService[]][] {
    const used = [...this.made].filter(([, services]) => services.size > 0);
    return used.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, services]) => [name, [...services]]);
  }

  private all(): object[] {
    return [...this.made.values()].flatMap((services) => [...services]);
  }
}

function writeService(name: string, service: object): Json {
  return writeFields(service, stateOf(service.constructor), failing(name));
}

function readService(name: string, service: object, saved: unknown): ServiceLoading {
  const loading = new StateLoading(1, undefined);
  readFields(service, stateOf(service.constructor), loading.reader(saved ?? null, `services.${name}`), loading);
  return { loading, service };
}

function finishLoading(read: readonly ServiceLoading[]): void {
  const differences = read.flatMap(({ loading }) => loading.differences);
  if (differences.length > 0)
    throw new StateError('state-mismatch', 'The services cannot take this state', differences);
  for (const { loading } of read) loading.applyAll();
  for (const one of read) finishService(one);
}

/** Runs the hooks of a service after its state was applied. */
export function finishService({ loading, service }: ServiceLoading): void {
  runDevice(() => {
    loading.finishAll();
    (service as StatefulService).onStateLoaded?.(1);
  });
}

/** A bundler may shorten the name of a class. `static readonly serviceName` is what snapshots call it then, and always. */
function nameOf(token: unknown): string {
  if (typeof token !== 'function') return String(token);
  const { serviceName } = token as { readonly serviceName?: unknown };
  return typeof serviceName === 'string' && Object.hasOwn(token, 'serviceName') ? serviceName : token.name;
}

const failing =
  (name: string): FailField =>
  (member, why) =>
    new BackplaneError('unsupported-state', `Service ${name}: @state field '${member}' ${why}.`);

function severalOf(name: string, count: number): BackplaneError {
  return new BackplaneError(
    'ambiguous-service',
    `Service ${name}: ${count} instances have @state, and a snapshot could not tell them apart. Bind ${name} in singleton scope, the ` +
      'default, or give its classes different names.',
  );
}
