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

/**
 * An access narrower than what a region implements becomes one of the narrowest width that it does, at its own offset. A read
 * handler then gives the bytes from there on, so it must declare its offset, as a parameter that `length` counts; a write handler
 * cannot know which bytes were written.
 */
export function checkNarrowAccesses(record: DeviceRecord, fail: (why: string) => Error): void {
  const members = record.deviceClass.prototype as Readonly<Record<string, unknown>>;
  for (const { region, declaration } of record.handlers) {
    const { accepts, implements: implemented, name } = region;
    if (accepts.min >= implemented.min) continue;
    const { method, isWrite } = declaration;
    const body = members[method];
    if (!isWrite && typeof body === 'function' && body.length > 0) continue;
    const [what, remedy] = isWrite
      ? [
          'a narrow write would arrive with zeros for the bytes that the guest did not write',
          `Let it implement what it accepts, implements: { min: ${accepts.min} }, and look at offset and size,`,
        ]
      : [
          `a narrow read would answer the same at every offset: '${method}' declares no parameter for it before the first default ` +
            'or ...rest',
          `Write ${method}(offset: number) and answer the bytes from there on,`,
        ];
    throw fail(
      `handler '${method}' of region '${name}': the region accepts ${describeBytes(accepts.min)} but implements ` +
        `${describeBytes(implemented.min)}, so ${what}. ${remedy} or let it accept no less than it implements, ` +
        `accepts: { min: ${implemented.min} }.`,
    );
  }
}

const describeBytes = (size: number): string => (size === 1 ? 'single bytes' : `${size} bytes`);
