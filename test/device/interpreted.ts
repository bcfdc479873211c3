/** Runs the body where no code may be made from text, as under the policy of a page: registers that are made there are interpreted. */
export function interpreted<T>(body: () => T): T {
  const { Function: original } = globalThis;
  const refuse = () => {
    throw new EvalError('Code generation from strings disallowed for this context');
  };
  globalThis.Function = new Proxy(original, { construct: refuse, apply: refuse });
  try {
    return body();
  } finally {
    globalThis.Function = original;
  }
}

/** Both ways in which accesses reach registers: each makes what the body makes. */
export const engines = [
  ['compiled', <T>(body: () => T): T => body()],
  ['interpreted', interpreted],
] as const;
