import { BackplaneError } from './errors.ts';

/** The prototype and the name that a member decorator was given: a class's, not an instance's, and in the right dialect. */
export function checkMember(target: unknown, member: unknown, what: string): void {
  checkDialect(member, what);
  if (typeof target !== 'function') return;
  throw new BackplaneError(
    'static-member',
    `${target.name}.${String(member)}: ${what} cannot be static: every device has its own. Remove 'static'.`,
  );
}

/** Standard decorators get a context where these get a name, and constructor parameters have none at all. */
export function checkDialect(second: unknown, what: string): void {
  if (typeof second !== 'object' || second === null || !('kind' in second)) return;
  const { kind, name } = second as { readonly kind: unknown; readonly name?: unknown };
  throw new BackplaneError(
    'standard-decorator',
    `${kind === 'class' ? 'Class' : 'Member'} '${String(name)}': ${what} was compiled as a standard decorator, and the decorators of a ` +
      `device are TypeScript's own: they also stand on constructor parameters. Set "experimentalDecorators": true in the tsconfig.json ` +
      `that includes this file; files that the backplane command loads need none.`,
  );
}

/** A decorator that takes something and was written without brackets was given the class, or the prototype of it. */
export function checkBrackets(given: unknown, second: unknown, what: string): void {
  if (typeof given === 'function')
    throw new BackplaneError('missing-brackets', `Class ${given.name}: write ${what}, with brackets.`);
  if (typeof given !== 'object' || given === null || typeof second !== 'string') return;
  throw new BackplaneError('missing-brackets', `${given.constructor.name}.${second}: write ${what}, with brackets.`);
}
