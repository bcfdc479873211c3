import type { Json } from '../base/json-reader.ts';

/** What came from the host, or was asked for by it. Everything that a guest can observe of the world outside is one of these. */
export type InboxEvent =
  /** Bytes arrived. */
  | { readonly kind: 'receive'; readonly backend: string; readonly bytes: Uint8Array }
  /** So many bytes of the guest have left. */
  | { readonly kind: 'sent'; readonly backend: string; readonly count: number }
  /** The other side came, went, or held the line at break. */
  | { readonly kind: 'open' | 'close' | 'break'; readonly backend: string }
  /** A live option of a device has another value. */
  | { readonly kind: 'option'; readonly device: string; readonly option: string; readonly value: Json };

/** An event that waits in the inbox. */
export interface InboxEntry {
  readonly event: InboxEvent;
  /** Guest operations, over all vCPUs, before which it must not be delivered; 0: as soon as the device takes it. */
  readonly before: number;
  /** Guest time before which it must not be delivered, in nanoseconds since the machine was started. */
  readonly at?: bigint | undefined;
}

/** Bytes that have arrived and wait for their device; the device has them in its snapshot. */
export const MostWaiting = 4096;
/** Bytes of the guest that are on their way to the host at once. */
export const WindowToHost = 65_536;
/** Bytes that wait in the inbox for one back end. Flow control stops a transport long before. */
export const MostPending = 1_048_576;
/** Events that wait in the inbox for one back end. */
export const MostEvents = 4096;
