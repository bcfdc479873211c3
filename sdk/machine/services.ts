import { type BindToFluentSyntax, Container, type ContainerModule, type ServiceIdentifier } from 'inversify';

/**
 * Loads service modules into one container, in order. A token that an earlier module bound is taken over by a later
 * one, so that a customized machine can replace a service by adding a module; so are the `replaceable` ones.
 */
export function loadServices(
  container: Container,
  modules: readonly ContainerModule[],
  replaceable: readonly ServiceIdentifier[],
): void {
  const earlier = new Set(replaceable);
  for (const module of modules) {
    const own = new Set<ServiceIdentifier>();
    const bind = <T>(token: ServiceIdentifier<T>): BindToFluentSyntax<T> => {
      if (earlier.has(token) && !own.has(token)) container.unbind(token);
      own.add(token);
      return container.bind(token);
    };
    const loaded = module.load({
      bind,
      isBound: container.isBound.bind(container),
      onActivation: container.onActivation.bind(container),
      onDeactivation: container.onDeactivation.bind(container),
      rebind: container.rebind.bind(container),
      rebindAsync: container.rebindAsync.bind(container),
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

/** A container in which a service is made once unless its module says otherwise. */
export function newContainer(parent?: Container): Container {
  return new Container({ defaultScope: 'Singleton', ...(parent === undefined ? {} : { parent }) });
}
