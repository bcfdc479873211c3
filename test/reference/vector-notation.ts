/** The notation of kvm-coalescing-vectors.json, and what our own vectors add to it: ioeventfds and several vCPUs. */

export interface IoctlStep {
  readonly ioctl: 'register' | 'unregister' | 'ioeventfd';
  readonly addr: number;
  /** Length of a zone, or of an ioeventfd. */
  readonly size: number;
  readonly pio: number;
  readonly times?: number;
  readonly returns: number;
  readonly errno?: number;
  /** Of an ioeventfd: which of the vector's eventfds, by name, and what is special about it. */
  readonly eventfd?: string;
  readonly datamatch?: number;
  readonly deassign?: boolean;
  readonly extraFlags?: number;
}

export type VectorOperation =
  | { readonly op: 'out'; readonly port: number; readonly bytes: readonly number[] | string }
  | { readonly op: 'in'; readonly port: number; readonly size: number }
  | { readonly op: 'store'; readonly address: number; readonly bytes: readonly number[] }
  | {
      readonly op: 'rep-outs';
      readonly port: number;
      readonly size: number;
      readonly count: number;
      readonly data: readonly number[] | string;
    }
  | {
      readonly op: 'rep-ins';
      readonly port: number;
      readonly size: number;
      readonly count: number;
      readonly destination: number;
      /** With the direction flag set. */
      readonly descending?: boolean;
    }
  | { readonly op: 'repeat'; readonly times: number; readonly body: readonly VectorOperation[] }
  | { readonly op: 'hlt' };

export interface RingEntry {
  readonly addr: number;
  readonly len: number;
  readonly pio: number;
  readonly data: readonly number[];
}

export type VectorEvent =
  | { readonly ring: RingEntry }
  | { readonly exit: 'hlt'; readonly vcpu?: number }
  | {
      readonly exit: 'io';
      readonly direction: 'in' | 'out';
      readonly port: number;
      readonly size: number;
      readonly count: number;
      readonly data?: readonly number[];
      readonly vcpu?: number;
    }
  | {
      readonly exit: 'mmio';
      readonly write: boolean;
      readonly address: number;
      readonly size: number;
      readonly data?: readonly number[];
      readonly vcpu?: number;
    };

export type Expectation =
  | VectorEvent
  | { readonly ringBurst: number }
  | { readonly ioExits: number; readonly firstData: number };

/** On which KVM a vector holds: whose virtualization, and which Linux's arithmetic of the ring. What is left out may be any. */
export interface VectorHolds {
  readonly processor?: 'intel' | 'amd';
  /** '6.12' is that of every later Linux too. */
  readonly ring?: '6.12' | 'before-6.12';
}

export interface Vector {
  readonly id: string;
  readonly holds?: VectorHolds;
  readonly what: string;
  readonly setup: readonly IoctlStep[];
  readonly ringBefore?: { readonly first: number; readonly last: number };
  readonly guest: readonly VectorOperation[];
  /** Guests of further vCPUs, and which vCPU each KVM_RUN is for; with one vCPU it runs until it halts. */
  readonly otherGuests?: readonly (readonly VectorOperation[])[];
  readonly runs?: readonly number[];
  readonly expect: readonly Expectation[];
  readonly drainAtEveryExit: boolean;
  readonly thenIoctl?: readonly IoctlStep[];
  readonly ringAfter?: { readonly first: number; readonly last: number };
  readonly ringEntriesAfter?:
    | readonly RingEntry[]
    | {
        readonly count: number;
        readonly addr: number;
        readonly len: number;
        readonly pio: number;
        readonly data: string;
      };
  /** How often each eventfd was signalled in all. */
  readonly eventfdsAfter?: Readonly<Record<string, number>>;
}

/** What the vector says will happen, with bursts written out. */
export function expectedEvents(vector: Vector): VectorEvent[] {
  const events: VectorEvent[] = [];
  let index = 0;
  for (const expectation of vector.expect) {
    if ('ringBurst' in expectation) {
      for (let count = 0; count < expectation.ringBurst; count++) {
        const { addr, len } = burstWrite(vector.guest);
        events.push({ ring: { addr, len, pio: 1, data: indexBytes(index++, len) } });
      }
    } else if ('ioExits' in expectation) {
      index = expectation.firstData;
      for (let count = 0; count < expectation.ioExits; count++) {
        const { addr, len } = burstWrite(vector.guest);
        const data = indexBytes(index++, len);
        events.push({ exit: 'io', direction: 'out', port: addr, size: len, count: 1, data });
      }
    } else {
      index++;
      events.push(expectation);
    }
  }
  return events;
}

/** The entries that must lie in the ring at the end, written out. */
export function expectedEntries(entries: NonNullable<Vector['ringEntriesAfter']>): RingEntry[] {
  if (!('count' in entries)) return [...entries];
  const { count, addr, len, pio } = entries;
  return Array.from({ length: count }, (_, index) => ({ addr, len, pio, data: indexBytes(index, len) }));
}

/** The bytes that the element or repetition with this index writes. */
export function indexBytes(index: number, length: number): number[] {
  return Array.from({ length }, () => index & 0xff);
}

function burstWrite(guest: readonly VectorOperation[]): { addr: number; len: number } {
  const operation = guest[0]!;
  if (operation.op === 'repeat') return burstWrite(operation.body);
  if (operation.op === 'rep-outs') return { addr: operation.port, len: operation.size };
  if (operation.op === 'out')
    return { addr: operation.port, len: operation.bytes === 'index & 0xff' ? 1 : operation.bytes.length };
  throw new Error(`a burst comes from writes to a port, not from '${operation.op}'`);
}
