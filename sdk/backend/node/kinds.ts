import { BackplaneError } from '../../base/errors.ts';
import { defineOptions, option } from '../../device/index.ts';
import { defineBackend } from '../kinds.ts';
import { nullBackend, ringBuffer } from '../memory-backends.ts';
import type { CharTransport } from '../transport.ts';
import { file } from './file.ts';
import { pipe } from './pipe.ts';
import { rawImage } from './raw-image.ts';
import { socket } from './socket.ts';
import { stdio } from './stdio.ts';

/** The kinds of back ends that the command line has. */

const stdioKind = defineBackend({
  kind: 'stdio',
  type: 'char',
  description: 'The terminal, or what standard input and output are redirected to',
  options: defineOptions({
    signal: option.boolean({
      description: 'Ctrl-C at a terminal ends the run, and is no byte for the guest',
      default: false,
    }),
  }),
  open: (settings, id) => stdio({ id, ...settings }).open(),
});

const fileKind = defineBackend({
  kind: 'file',
  type: 'char',
  description: 'A file that gets what the guest writes',
  options: defineOptions({
    path: option.string({ description: 'the file' }),
    append: option.boolean({ description: 'Write behind what the file has', default: false }),
  }),
  open: ({ path, append }, id) => file({ id, path: given(id, 'file', 'path', path), append }).open(),
});

const pipeKind = defineBackend({
  kind: 'pipe',
  type: 'char',
  description: 'Two named pipes, PATH.in and PATH.out, or one',
  options: defineOptions({ path: option.string({ description: 'the name of the pipes' }) }),
  open: ({ path }, id) => pipe({ id, path: given(id, 'pipe', 'path', path) }).open(),
});

const socketKind = defineBackend({
  kind: 'socket',
  type: 'char',
  description: 'A Unix socket (path=) or a TCP one (host=, port=)',
  options: defineOptions({
    path: option.string({ description: 'The path of a Unix socket' }),
    host: option.string({ description: 'The host of a TCP socket; this host if it is left out' }),
    port: option.integer({ description: 'The port of a TCP socket', range: [0, 65_535] }),
    server: option.boolean({ description: 'Listen, and serve one client after the other', default: false }),
    wait: option.boolean({ description: 'A server: the run begins with its first client (on if it is left out)' }),
    reconnect: option.integer({
      description: 'A client: connect again after so many seconds',
      range: [1, 86_400],
      unit: 's',
    }),
    allowRemote: option.boolean({ description: 'A server: may be reached from other hosts', default: false }),
  }),
  open: (settings, id) => socket({ id, ...present(settings) }).open(),
});

const rawKind = defineBackend({
  kind: 'raw',
  type: 'block',
  description: 'A file whose bytes are the disk',
  options: defineOptions({
    file: option.string({ description: 'the file' }),
    readonly: option.boolean({ description: 'Refuse what the guest writes', default: false }),
    snapshot: option.boolean({ description: 'Forget what the guest writes at the end', default: false }),
  }),
  open: ({ file: path, ...settings }, id) => rawImage({ id, file: given(id, 'raw', 'file', path), ...settings }).open(),
});

const ringbufKind = defineBackend({
  kind: 'ringbuf',
  type: 'char',
  description: 'The last bytes of the guest, in memory',
  options: defineOptions({
    size: option.size({ description: 'how many', default: 64 * 1024, range: [1, 1024 * 1024] }),
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

export const nodeBackendKinds = [stdioKind, fileKind, pipeKind, socketKind, ringbufKind, nullKind, rawKind] as const;

/** A setting that has no default. */
function given(id: string, kind: string, name: string, value: string | undefined): string {
  if (value !== undefined && value !== '') return value;
  throw new BackplaneError(
    'missing-backend-setting',
    `Back end '${id}' (${kind}): ${name}= is missing. Add ${name}=NAME.`,
  );
}

/** Without the settings that were left out. */
function present<T extends object>(settings: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)) as never;
}
