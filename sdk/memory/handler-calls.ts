// Why a handler that is used often is called through a function made for it alone: code that many handlers share calls
// whatever it is given and can never be compiled for one of them. The text of such a function is always the same and
// contains nothing of the device; only the code that V8 makes of it differs.

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

interface Usage<Call> {
  uses: number;
  call: Call | null;
}

const reads = new WeakMap<CallableFunction, Usage<ReadCall>>();
const writes = new WeakMap<CallableFunction, Usage<WriteCall>>();
let count = 0;

/** The function that calls this handler, or null as long as it was not used often. Shared by all devices of a class. */
export function readCallOf(handler: CallableFunction): ReadCall | null {
  return callOf(reads, handler, 'device, offset, size, attributes');
}

export function writeCallOf(handler: CallableFunction): WriteCall | null {
  return callOf(writes, handler, 'device, value, offset, size, attributes');
}

function callOf<Call>(
  known: WeakMap<CallableFunction, Usage<Call>>,
  handler: CallableFunction,
  parameters: string,
): Call | null {
  let usage = known.get(handler);
  if (usage === undefined) {
    usage = { uses: 0, call: null };
    known.set(handler, usage);
  }
  if (usage.call !== null || ++usage.uses < EnoughUses) return usage.call;
  // Texts that are equal would share what V8 learns about them.
  const make = new Function('handler', `return (${parameters}) => handler.call(${parameters}); // ${++count}`);
  usage.call = make(handler) as Call;
  return usage.call;
}
