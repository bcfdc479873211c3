import { type BackendKind, defineBackend } from '../../backend/kinds.ts';
import { nullBackend, ringBuffer } from '../../backend/memory-backends.ts';
import type { CharTransport } from '../../backend/transport.ts';
import { defineOptions, option } from '../../device/index.ts';
import { KiB } from '../../memory/address-range.ts';
import type { LoadedPlugin } from '../plugins/plugin.ts';

const ringbufKind = defineBackend({
  kind: 'ringbuf',
  type: 'char',
  description: 'The last bytes of the guest, in memory',
  options: defineOptions({
    size: option.size({ description: 'how many', default: 64 * KiB, range: [1, 1024 * KiB] }),
  }),
  open: ({ size }, id) => ringBuffer({ id, size }).open() as CharTransport,
});

const nullKind = defineBackend({
  kind: 'null',
  type: 'char',
  description: 'Takes everything, and nothing arrives',
  options: defineOptions({}),
  open: (_, id) => nullBackend({ id }).open() as CharTransport,
});

/** The kinds of back ends of the package and of these plugins, sorted by name. A plugin's kind replaces one of the package. */
export async function backendKinds(plugins: readonly LoadedPlugin[] = []): Promise<readonly BackendKind[]> {
  const { nodeBackendKinds } = await import('../../backend/node/kinds.ts');
  const added = plugins.flatMap(({ backends }) => backends);
  const own = [...nodeBackendKinds, ringbufKind, nullKind].filter(
    ({ kind }) => !added.some((one) => one.kind === kind),
  );
  return [...added, ...own].sort((a, b) => a.kind.localeCompare(b.kind));
}
