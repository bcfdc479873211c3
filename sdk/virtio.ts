/** What the files of virtio devices import beside `backplane`. */

export type { VirtioCore } from './bus/virtio/core.ts';
export { type VirtioSpec, virtio, virtioSpec } from './bus/virtio/declaration.ts';
export { VirtioPciDevice } from './bus/virtio/device.ts';
export { VirtioFeature, VirtioStatus } from './bus/virtio/features.ts';
export type { VirtioBuffer, VirtioRequest } from './bus/virtio/request.ts';
export type { VirtioAnswer } from './bus/virtio/split-queue.ts';
export { TransitionalVirtioPciDevice } from './bus/virtio/transitional.ts';
