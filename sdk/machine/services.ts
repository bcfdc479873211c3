import { type BindToFluentSyntax, Container, type ContainerModule, type ServiceIdentifier } from 'inversify';
import { BackplaneError, describeThrown } from '../base/errors.ts';
import type { Json } from '../base/json-reader.ts';
import { runDevice } from '../clock/index.ts';
import { type FailField, readFields, rebaseFields, rememberShapes, writeFields } from '../state/fields.ts';
import { StateError, StateLoading } from '../state/restore-plan.ts';
import { type EpochMove, stateOf } from '../state/schema.ts';

/**
 * Loads service modules into one container, in order. A token that an earlier module bound is taken over by a later
 * one, so that a customized machine can replace a service by adding a module; so are the `replaceable` ones. `stateful`
 * hears of each service that is made.
 */
export function loadServices(
  container: Container,
  modules: readonly ContainerModule[],
  replaceable: readonly ServiceIdentifier[],
  stateful: StatefulServices,
): void {
  const earlier = new Set(replaceable);
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
        'A service module loads asynchronously. A machine is built in one go: await before, bind then.',
      );
    }
    for (const token of own) earlier.add(token);
  }
}

/**
 * What the code of a device or a service threw while a container made it. Where the stack overflows, the container says
 * "Circular dependency found" also when no dependency is circular: then it names none, and the overflow is what happened.
 */
export function constructionFailure(error: unknown): unknown {
  if (!(error instanceof Error) || !(error.cause instanceof RangeError)) return error;
  const namesACircle = error.message.includes('->') || !error.message.startsWith('Circular dependency');
  return namesACircle ? error : error.cause;
}

/** Why something could not be made, as the end of a sentence. */
export function describeConstruction(failure: unknown): string {
  const why = describeThrown(failure).trim();
  return failure instanceof RangeError && /call stack/.test(why)
    ? `${why}: its constructor, or what that calls, calls itself without end`
    : why;
}

/** A container in which a service is made once unless its module says otherwise. */
export function newContainer(parent?: Container): Container {
  return new Container({ defaultScope: 'Singleton', ...(parent === undefined ? {} : { parent }) });
}

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

/** A service that was made, and the name of what it is bound to. */
export interface NotedService {
  readonly name: string;
  readonly service: object;
}

/**
 * The services that remember something, because their classes have `@state` fields: they are reset with the machine, after its
 * devices and if they have a `reset`, and they are in its snapshots. Services of services too: every one that was made is noted.
 */
export class StatefulServices {
  private readonly made = new Map<string, Set<object>>();
  private readonly makers = new Map<string, () => unknown>();
  private noting: NotedService[] | undefined;

  /** What a token is bound to, and how to make it. */
  noteMaker(token: unknown, make: () => unknown): void {
    this.makers.set(nameOf(token), make);
  }

  /** For a snapshot that has the state of a service which only a device used that came and went: makes it, if it can be made and is not there. */
  make(name: string): void {
    if ((this.made.get(name)?.size ?? 0) === 0) this.makers.get(name)?.();
  }

  /**
   * A service was made. `token` is what it is bound to; one that remembers nothing is forgotten. One that no snapshot could hold is
   * refused here already: then its container does not keep it either.
   */
  note(token: unknown, service: unknown): void {
    if (typeof service !== 'object' || service === null) return;
    const declared = stateOf(service.constructor ?? Object);
    if (declared.length === 0 && !('onStateLoaded' in service)) return;
    if (this.all().includes(service)) return;
    const name = nameOf(token);
    const filled = declared.filter(({ member }) => (service as Record<string, unknown>)[member] !== undefined);
    writeFields(service, filled, failing(name));
    this.made.set(name, (this.made.get(name) ?? new Set()).add(service));
    this.noting?.push({ name, service });
  }

  /** Runs `work` and puts into `noted` which services were made meanwhile, also if it throws. */
  noteInto<T>(noted: NotedService[], work: () => T): T {
    const outer = this.noting;
    this.noting = noted;
    try {
      return work();
    } finally {
      this.noting = outer;
    }
  }

  /** Services that nothing uses any more. */
  forget(noted: readonly NotedService[]): void {
    for (const { name, service } of noted) this.made.get(name)?.delete(service);
  }

  /** The state of one device's own services goes over to those of the device that takes its place. */
  handOver(from: readonly NotedService[], to: readonly NotedService[]): void {
    const left = [...from];
    const pairs = to.flatMap(({ name, service }) => {
      const [old] = left.splice(left.findIndex((one) => one.name === name) >>> 0, 1);
      return old === undefined ? [] : [{ name, old: old.service, service }];
    });
    const read = pairs.map(({ name, old, service }) => readService(name, service, writeService(name, old)));
    finishLoading(read);
  }

  /** Asks for a service to see whether it can be made. What is made anew for each that asks is not in use by that. */
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

  /** By the names of their tokens, in the order of the names. Refuses services that a snapshot could not tell apart. */
  get byName(): ReadonlyMap<string, StatefulService> {
    return new Map(
      this.sorted().map(([name, services]) => {
        if (services.length > 1) throw severalOf(name, services.length);
        return [name, services[0] as StatefulService];
      }),
    );
  }

  /** They are new now: their fields have the shapes that they have in snapshots. What no snapshot could hold is refused. */
  remember(): void {
    for (const [name, service] of this.byName) rememberShapes(service, stateOf(service.constructor), failing(name));
  }

  /** All but those that something else resets. */
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

  /** The clock's epoch has moved, and with it the times that they keep. */
  rebase(move: EpochMove): void {
    for (const service of this.all()) rebaseFields(service, stateOf(service.constructor), move);
  }

  save(): { readonly [name: string]: Json } {
    const saved = [...this.byName].map(([name, service]) => [name, writeService(name, service)]);
    return Object.fromEntries(saved);
  }

  /** Reads what was saved and changes nothing; `savedOf` answers what there is of a service, which may be anything. */
  read(savedOf: (name: string) => unknown): ServiceLoading[] {
    return [...this.byName].map(([name, service]) => readService(name, service, savedOf(name)));
  }

  /** Loads what `save` has answered, on a bench: all of it or, with a StateError, nothing. */
  load(saved: { readonly [name: string]: Json }): void {
    finishLoading(this.read((name) => (Object.hasOwn(saved, name) ? saved[name] : undefined)));
  }

  /** All that there are, also those that no snapshot could tell apart. */
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
    new BackplaneError('unsupported-state', `Service ${name}: @state field '${member}' ${why}.`);

function severalOf(name: string, count: number): BackplaneError {
  return new BackplaneError(
    'ambiguous-service',
    `Service ${name}: there are ${count} of them with @state, and a snapshot could not tell them apart. Bind ${name} in singleton scope, ` +
      'which is the default, or give two classes of one name different names.',
  );
}
