import { mayCompile } from '../../memory/handler-calls.ts';
import { type Device, eventsOf } from '../device.ts';
import type { DeviceEvents } from '../pins/events.ts';

// Handlers of devices with input pins or derived outputs. Those of other devices are called as they are.

type Handler = (this: never, ...args: never[]) => unknown;
type EventsOf = (device: Device) => DeviceEvents;

/** One for each handler, shared by the devices of its class. */
const known = new WeakMap<Handler, Handler>();
let count = 0;

const parameters = 'a, b, c, d';
const body = `const events = eventsOf(this);
events.enter();
try {
  const result = handler.call(this, ${parameters});
  events.settle();
  return result;
} finally {
  events.leave();
}`;

/** The handler as an event of its device: derived pins are evaluated after it, and edges that came meanwhile are delivered. */
export function asEvent<H extends Handler | undefined>(handler: H): H {
  if (handler === undefined) return handler;
  let event = known.get(handler);
  if (event === undefined) {
    event = makeEvent(handler);
    known.set(handler, event);
  }
  return event as H;
}

function makeEvent(handler: Handler): Handler {
  if (mayCompile()) {
    // A function of its own for each handler, so that V8 compiles it for that one. Texts that are equal would be shared.
    const make = new Function('handler', 'eventsOf', `return function (${parameters}) {\n${body}\n} // ${++count}`);
    return make(handler, eventsOf as EventsOf) as Handler;
  }
  return function (this: Device, a: unknown, b: unknown, c: unknown, d: unknown): unknown {
    const events = (eventsOf as EventsOf)(this);
    events.enter();
    try {
      const result = (handler as (...args: unknown[]) => unknown).call(this, a, b, c, d);
      events.settle();
      return result;
    } finally {
      events.leave();
    }
  } as Handler;
}
