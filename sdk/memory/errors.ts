/** What a person has to change: shown as its message alone, without a stack, unless asked for. */
export class BackplaneError extends Error {
  override readonly name: string = 'BackplaneError';
}

/** A device's own code threw, in a handler or anywhere else. The message names the device; the cause is what it threw. */
export class DeviceFailure extends BackplaneError {
  override readonly name: string = 'DeviceFailure';

  constructor(
    message: string,
    /** The device, or whoever else answers for the region; undefined where nobody does. */
    readonly device: object | undefined,
    cause: unknown,
  ) {
    super(message, { cause });
  }
}

/** Enough to recognize it by. */
const LongestThrown = 1000;

/** What somebody threw, in words. Anything can be thrown, so this looks at it with care, and never throws itself. */
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
