import { type BindToFluentSyntax, Container, type ContainerModule, type ServiceIdentifier } from 'inversify';
import { describeThrown } from '../memory/index.ts';
import type { StatefulServices } from './stateful-services.ts';

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
      throw new TypeError(
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
