import { BackplaneError } from './errors.ts';

/** Checks the arguments of a member decorator: a prototype and a name, as TypeScript's own decorators get them. */
export function checkMember(target: unknown, member: unknown, what: string): void {
  checkDialect(member, what);
  if (typeof target !== 'function') return;
  throw new BackplaneError(
    'static-member',
    `${target.name}.${String(member)}: ${what} cannot be static: every device has its own. Remove 'static'.`,
  );
}

/** Standard decorators get a context as second argument, where TypeScript's own get a name. */
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

/** Without its brackets, a decorator gets the class or its prototype as first argument. */
export function checkBrackets(given: unknown, second: unknown, what: string): void {
  if (typeof given === 'function')
    throw new BackplaneError('missing-brackets', `Class ${given.name}: write ${what}, with brackets.`);
  if (typeof given !== 'object' || given === null || typeof second !== 'string') return;
  throw new BackplaneError('missing-brackets', `${given.constructor.name}.${second}: write ${what}, with brackets.`);
}
