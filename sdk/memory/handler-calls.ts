// A handler that is used often is called by a function made for it alone. V8 cannot compile code that many handlers share
// for one of them. The text of such a function is always the same and contains nothing of the device.

export type ReadCall = (device: object | null, offset: number, size: number, attributes: number) => number;
export type WriteCall = (
  device: object | null,
  value: number,
  offset: number,
  size: number,
  attributes: number,
) => unknown;

/** Uses after which a function is made. Making one takes as long as some thousand accesses. */
const EnoughUses = 16;

export interface Usage {
  uses: number;
  call: ReadCall | WriteCall | null;
}

/** What is called, and what is known of its use by all devices of its class. */
interface Callable {
  readonly fn: CallableFunction;
  usage: Usage | null;
}

const reads = new WeakMap<CallableFunction, Usage>();
const writes = new WeakMap<CallableFunction, Usage>();
let count = 0;

let asked: unknown;
let isAllowed = false;

/** Whether functions may be made from text. The policy of a page may forbid it, and Node's --disallow-code-generation-from-strings. */
export function mayCompile(): boolean {
  if (asked === Function) return isAllowed;
  asked = Function;
  try {
    isAllowed = new Function('return true')() as boolean;
  } catch {
    isAllowed = false;
  }
  return isAllowed;
}

export type ReadHandler = (this: object | null, offset: number, size: number, attributes: number) => number;
export type WriteHandler = (
  this: object | null,
  value: number,
  offset: number,
  size: number,
  attributes: number,
) => unknown;

// Where no code may be made: closures, which share what V8 learns.
const readClosure = (fn: ReadHandler): ReadCall => {
  return (device, offset, size, attributes) => fn.call(device, offset, size, attributes);
};
const writeClosure = (fn: WriteHandler): WriteCall => {
  return (device, value, offset, size, attributes) => fn.call(device, value, offset, size, attributes);
};

/** The function that calls this handler, or null as long as it was not used often. Shared by all devices of a class. */
export function readCallOf(handler: Callable): ReadCall | null {
  handler.usage ??= usageOf(reads, handler.fn);
  return callOf(handler.usage, handler.fn, 'device, offset, size, attributes', readClosure) as ReadCall | null;
}

export function writeCallOf(handler: Callable): WriteCall | null {
  handler.usage ??= usageOf(writes, handler.fn);
  return callOf(handler.usage, handler.fn, 'device, value, offset, size, attributes', writeClosure) as WriteCall | null;
}

function usageOf(known: WeakMap<CallableFunction, Usage>, handler: CallableFunction): Usage {
  const usage = known.get(handler) ?? { uses: 0, call: null };
  known.set(handler, usage);
  return usage;
}

function callOf(
  usage: Usage,
  handler: CallableFunction,
  parameters: string,
  closure: (handler: never) => ReadCall | WriteCall,
): ReadCall | WriteCall | null {
  if (usage.call !== null || ++usage.uses < EnoughUses) return usage.call;
  if (mayCompile()) {
    // Texts that are equal would share what V8 learns about them.
    const make = new Function('handler', `return (${parameters}) => handler.call(${parameters}); // ${++count}`);
    usage.call = make(handler) as ReadCall | WriteCall;
  } else usage.call = closure(handler as never);
  return usage.call;
}
