/** What a device with a back end imports, and what makes back ends and kinds of them. */
export { BlockBackend, type BlockEnd, type BlockError } from './backend/block-backend.ts';
export type { BlockLine } from './backend/block-line.ts';
export { CharBackend, type CharEnd, type CharHandlers } from './backend/char-backend.ts';
export type { CharLine } from './backend/char-line.ts';
export { type InboxEntry, type InboxEvent, MostWaiting, WindowToHost } from './backend/events.ts';
export type { Inbox, InboxTarget } from './backend/inbox.ts';
export {
  type BackendDefinition,
  type BackendKind,
  defineBackend,
  isBackendKind,
  type OpenedBackend,
} from './backend/kinds.ts';
export { memoryImage, nullBackend, type RingBuffer, ringBuffer } from './backend/memory-backends.ts';
export {
  type BackendErrorSink,
  type MachineBackends,
  openBackends,
  type PresentBackend,
} from './backend/registry.ts';
export type {
  Backend,
  BackendType,
  BlockImage,
  CharHost,
  CharTransport,
  OpenableChar,
  OpenableDisk,
} from './backend/transport.ts';
