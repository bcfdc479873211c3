export { BlockBackend, type BlockError } from './block-backend.ts';
export { BlockLine } from './block-line.ts';
export { CharBackend, type CharHandlers } from './char-backend.ts';
export { CharLine, type SavedLine } from './char-line.ts';
export { type InboxEntry, type InboxEvent, MostWaiting, WindowToHost } from './events.ts';
export { Inbox } from './inbox.ts';
export {
  type BackendErrorSink,
  closeBackends,
  MachineBackends,
  openBackends,
  orCloseBackends,
  type PresentBackend,
} from './registry.ts';
export type { Backend, BackendType, BlockImage, CharHost, CharTransport } from './transport.ts';
