import type { DeviceRecord } from './blueprint.ts';

/** What comes before `function`, by the constructor that each kind of function has. */
const kinds: ReadonlyMap<string, string> = new Map([
  ['AsyncFunction', 'async'],
  ['GeneratorFunction', 'a generator'],
  ['AsyncGeneratorFunction', 'an async generator'],
]);

/** A guest waits for its answer: a promise of one would be no number, and what it does later would come too late. */
export function checkSynchronousHandlers(record: DeviceRecord, fail: (why: string) => Error): void {
  const members = record.deviceClass.prototype as Readonly<Record<string, unknown>>;
  const handlers = record.handlers.map(({ declaration }) => ['handler', declaration.method] as const);
  const hooks = record.registerHooks.map(({ method }) => ['register hook', method] as const);
  for (const [what, method] of [...handlers, ...hooks]) {
    const body = members[method];
    const kind = typeof body === 'function' ? kinds.get(body.constructor.name) : undefined;
    if (kind === undefined) continue;
    throw fail(
      `${what} '${method}' is ${kind}, and a guest does not wait for promises. Answer at once; for later, declare a timer: ` +
        `clock.timer('${method}', () => ...).`,
    );
  }
}
