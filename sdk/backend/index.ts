export { BlockBackend, type BlockError } from './block-backend.ts';
export { CharBackend, type CharHandlers } from './char-backend.ts';
export { type InboxEntry, type InboxEvent, MostWaiting, WindowToHost } from './events.ts';
export { BlockLine } from './image.ts';
export { Inbox } from './inbox.ts';
export { CharLine, type SavedLine } from './line.ts';
export { type BackendErrorSink, MachineBackends, openBackends, type PresentBackend } from './registry.ts';
export type { Backend, BackendType, BlockImage, CharHost, CharTransport } from './transport.ts';
