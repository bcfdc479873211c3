import { BackplaneError } from '../base/errors.ts';
import { didYouMean } from '../base/text.ts';
import { type InboxEntry, type InboxEvent, MostEvents, MostPending, MostWaiting } from './events.ts';

/** Where the events of one back end go. */
export interface InboxTarget {
  /** How many of so many bytes it takes now. */
  takes(count: number): number;
  deliver(event: InboxEvent): void;
}

interface Waiting {
  event: InboxEvent;
  readonly before: number;
  readonly at: bigint | undefined;
  /** Which was posted first. */
  readonly order: number;
}

/** Events of one back end, the oldest first. */
class InboxQueue {
  readonly waiting: Waiting[] = [];
  bytes = 0;

  constructor(readonly target: InboxTarget) {}

  /** The operation number from which its first event can be delivered; Infinity: not now, or none is there. */
  get due(): number {
    const [first] = this.waiting;
    if (first === undefined) return Number.POSITIVE_INFINITY;
    const isTaken = first.event.kind !== 'receive' || this.target.takes(first.event.bytes.length) > 0;
    return isTaken ? first.before : Number.POSITIVE_INFINITY;
  }

  /** The guest time from which its first event can be delivered. */
  get dueTime(): bigint {
    return this.waiting[0]?.at ?? 0n;
  }

  add({ event, before, at }: InboxEntry, order: number): void {
    if (event.kind === 'receive') this.bytes += event.bytes.length;
    const last = this.waiting.at(-1);
    // An event of a recording stays by itself.
    const isAnyTime = last?.at === undefined && at === undefined && last?.before === before;
    const both = isAnyTime ? asOne(last.event, event) : undefined;
    if (both === undefined) this.waiting.push({ event, before, at, order });
    else (last as Waiting).event = both;
  }

  clear(): void {
    this.waiting.length = this.bytes = 0;
  }

  /** Takes the first event, or as much of it as the target takes. */
  take(): InboxEvent {
    const first = this.waiting[0] as Waiting;
    const { event } = first;
    if (event.kind === 'receive') {
      const count = this.target.takes(event.bytes.length);
      this.bytes -= count;
      if (count < event.bytes.length) {
        first.event = { ...event, bytes: event.bytes.subarray(count) };
        return { ...event, bytes: event.bytes.subarray(0, count) };
      }
    }
    this.waiting.shift();
    return event;
  }
}

/** Two events in a row that are as good as one; undefined for others. */
function asOne(first: InboxEvent, second: InboxEvent): InboxEvent | undefined {
  if (first.kind === 'sent' && second.kind === 'sent') return { ...first, count: first.count + second.count };
  if (first.kind === 'break' && second.kind === 'break') return first;
  if (first.kind !== 'receive' || second.kind !== 'receive' || first.bytes.length >= MostWaiting) return undefined;
  return { ...first, bytes: joined(first.bytes, second.bytes) };
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

/**
 * Everything that came from outside and has not reached its device. The run loop delivers it between two instructions; then it has
 * a guest time and the number of the operation that follows.
 */
export class Inbox {
  /** The number of operations, over all vCPUs, from which something can be delivered; Infinity while nothing can. */
  due = Number.POSITIVE_INFINITY;
  /** The guest time from which it can, in nanoseconds since the machine was started. */
  dueTime = 0n;
  /** Sees each event before its device does. */
  observer: ((event: InboxEvent, operations: number) => void) | undefined;
  /** Called when something was posted: a run that waits goes on. @internal */
  wake: (() => void) | undefined;
  /** The guest time of what is posted now, where guest time follows the host's. @internal */
  stamp: (() => bigint) | undefined;
  /** The same for a recording, or for its replay. @internal */
  recorder: ((event: InboxEvent, operations: number) => void) | undefined;
  private readonly queues = new Map<string, InboxQueue>();
  private order = 0;

  /** Events of this back end go there. Answers how many bytes wait for it. @internal */
  route(backend: string, target: InboxTarget): { readonly bytes: number } {
    const queue = new InboxQueue(target);
    this.queues.set(backend, queue);
    // A device that does not read may write: what has left does not wait behind what has come.
    this.queues.set(sentOf(backend), new InboxQueue(target));
    return queue;
  }

  /**
   * Puts an event in. It is delivered when the guests have executed `before` operations, and not before guest time `at`, in
   * nanoseconds since the machine was started. Without them it is delivered as soon as the device takes it.
   */
  post(event: InboxEvent, before = 0, at = this.stamp?.()): void {
    const queue = this.queueOf(event);
    if (event.kind === 'receive' && event.bytes.length === 0) return;
    if (queue.bytes > MostPending || queue.waiting.length >= MostEvents) throw overrun(event);
    const kept = event.kind === 'receive' ? { ...event, bytes: event.bytes.slice() } : event;
    queue.add({ event: kept, before, at }, this.order++);
    this.update();
    this.wake?.();
  }

  /** Delivers the oldest event that can be, when so many operations are done, at this guest time. False: there is none. */
  deliver(operations: number, time = 0n): boolean {
    let best: InboxQueue | undefined;
    for (const queue of this.queues.values()) {
      if (queue.due > operations || queue.dueTime > time) continue;
      if (best === undefined || queue.waiting[0]!.order < best.waiting[0]!.order) best = queue;
    }
    if (best === undefined) return false;
    const event = best.take();
    this.update();
    this.recorder?.(event, operations);
    this.observer?.(event, operations);
    try {
      best.target.deliver(event);
    } finally {
      this.update();
    }
    return true;
  }

  /** All that waits, in the order in which it was posted. */
  get pending(): readonly InboxEntry[] {
    const all = [...this.queues.values()].flatMap(({ waiting }) => waiting);
    return all.sort((a, b) => a.order - b.order).map(({ event, before, at }) => ({ event, before, at }));
  }

  /** Drops all that waits. @internal */
  clear(): void {
    for (const queue of this.queues.values()) queue.clear();
    this.update();
  }

  /** Whether an event has somewhere to go. */
  knows(event: InboxEvent): boolean {
    return this.queues.has(queueName(event));
  }

  /** A device has room again, or another device. @internal */
  update(): void {
    let first: InboxQueue | undefined;
    for (const queue of this.queues.values()) if (first === undefined || isEarlier(queue, first)) first = queue;
    this.due = first?.due ?? Number.POSITIVE_INFINITY;
    this.dueTime = first?.dueTime ?? 0n;
  }

  private queueOf(event: InboxEvent): InboxQueue {
    const queue = this.queues.get(queueName(event));
    if (queue !== undefined) return queue;
    const name = event.kind === 'option' ? LiveOptions : event.backend;
    const known = [...this.queues.keys()].filter((one) => one !== LiveOptions && !one.endsWith(Sent));
    throw new BackplaneError(
      'no-such-backend',
      `The inbox has no back end '${name}'. ${didYouMean(name, known, `It has ${known.join(', ') || 'none'}.`)}`,
    );
  }
}

const isEarlier = (one: InboxQueue, other: InboxQueue): boolean =>
  one.due < other.due || (one.due === other.due && one.dueTime < other.dueTime);

/** The queue of live options: no back end has an empty id. */
export const LiveOptions = '';

/** No id of a back end has a space. */
const Sent = ' sent';
const sentOf = (backend: string): string => `${backend}${Sent}`;

function queueName(event: InboxEvent): string {
  if (event.kind === 'option') return LiveOptions;
  return event.kind === 'sent' ? sentOf(event.backend) : event.backend;
}

function overrun(event: InboxEvent): BackplaneError {
  const whose = event.kind === 'option' ? 'live options' : `back end '${event.backend}'`;
  return new BackplaneError(
    'inbox-overrun',
    `The inbox holds as much for ${whose} as it takes. Wait until the device has taken some of it.`,
  );
}
