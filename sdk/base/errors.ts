/** One of several mistakes that are reported together. */
export interface Problem {
  readonly code: string;
  readonly message: string;
}

/** A mistake that the user can mend. The command prints its message, and the stack on request only. */
export class BackplaneError extends Error {
  override readonly name: string = 'BackplaneError';
  /** The kind of mistake: `region-overlap`. It stays when the message changes; guides/reference/error-codes.md lists all. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The host refuses what a machine needs: no mistake of the machine, so it is told alone. */
export class HostFailure extends BackplaneError {}

/** A device's own code threw, in a handler or anywhere else. The message names the device; the cause is what it threw. */
export class DeviceFailure extends BackplaneError {
  override readonly name: string = 'DeviceFailure';

  constructor(
    message: string,
    /** The device that owns the region; undefined for a region without an owner. */
    readonly device: object | undefined,
    cause: unknown,
  ) {
    super('device-failure', message, { cause });
  }
}

/** What a device's code threw, with the device's name and the member that ran. A failure of another device inside keeps its own. */
export function deviceFailure(
  id: string,
  device: { readonly metadata: { readonly type: string } },
  what: string,
  cause: unknown,
): DeviceFailure {
  if (cause instanceof DeviceFailure) return cause;
  const { type } = device.metadata;
  const name = type === id ? `'${id}'` : `'${id}' (${type})`;
  return new DeviceFailure(`Device ${name}: ${what} threw: ${describeThrown(cause)}`, device, cause);
}

const LongestThrown = 1000;

/** A thrown value in words. Any value can be thrown, also one that throws when it is read; this never throws. */
export function describeThrown(thrown: unknown): string {
  if (thrown instanceof BackplaneError) return thrown.message;
  try {
    const text = wordsFor(thrown);
    return text.length > LongestThrown ? `${text.slice(0, LongestThrown)}...` : text;
  } catch {
    return 'something that cannot be shown';
  }
}

function wordsFor(thrown: unknown): string {
  if (thrown instanceof Error) return String(thrown.message) || `${thrown.name} without a message`;
  if (typeof thrown === 'string') return thrown || "''";
  if (typeof thrown === 'function') return `the function ${thrown.name}`;
  if (typeof thrown === 'object' && thrown !== null) return `${JSON.stringify(thrown)}, which is no Error`;
  return `${String(thrown)}, which is no Error`;
}

/** Makes the error of a mistake in a declaration: `why` ends the sentence that names the class and the decorator. */
export type Fail = (code: string, why: string) => BackplaneError;

/** Makes the errors of the definition of a class. Each names the class first. */
export function definitionError(className: string): Fail {
  return (code, why) => new BackplaneError(code, `Class ${className}: ${why}`);
}
