import { defineBackend, memoryImage, nullBackend, openBackends, ringBuffer } from 'backplane/backend';
import { defineOptions, use } from '../../sdk/index.ts';
import { Machine } from '../../sdk/runtime.ts';
import { goldenMessages } from '../golden-messages.ts';
import { Line, lineMachine } from './uart.ts';

const slow = defineBackend({
  kind: 'slow',
  type: 'char',
  description: 'opens later',
  options: defineOptions({}),
  open: async () => (await openBackends([nullBackend({ id: 'x' })]))[0]?.open() as never,
});
const broken = defineBackend({
  kind: 'broken',
  type: 'block',
  description: 'never opens',
  options: defineOptions({}),
  open: () => {
    throw new Error('no such disk');
  },
});
const on = (chardev: string, id = 'line') => use(Line, { id, options: { chardev } });
const build = (...devices: ReturnType<typeof on>[]) =>
  Machine.create(
    { ...lineMachine, devices },
    { backends: [ringBuffer({ id: 'c0' }), memoryImage({ id: 'd0', bytes: new Uint8Array(512) })] },
  );
const elsewhere = 'test/backend/node provokes it';

goldenMessages('backend', {
  'asynchronous-backend': () => Machine.create(lineMachine, { backends: [slow.create('serial0')] }),
  'backend-file-unusable': elsewhere,
  'backend-in-use': () => build(on('c0'), on('c0', 'other')),
  'backend-not-opened': () => Machine.create(lineMachine, { backends: [broken.create('d0')] }),
  'backend-without-machine': () => ringBuffer({ id: 'c0' }).send('hello'),
  'bad-socket-settings': elsewhere,
  'duplicate-backend': () =>
    Machine.create(lineMachine, { backends: [nullBackend({ id: 'c0' }), nullBackend({ id: 'c0' })] }),
  'image-locked': elsewhere,
  'image-not-found': elsewhere,
  'image-unusable': elsewhere,
  'inbox-overrun': () => {
    const { inbox } = Machine.create(lineMachine, { backends: [nullBackend({ id: 'c0' })] });
    for (let at = 0; at < 300; at++) inbox.post({ kind: 'receive', backend: 'c0', bytes: new Uint8Array(4096) });
  },
  'invalid-backend': () =>
    defineBackend({
      kind: 'My Kind',
      type: 'char',
      description: '',
      options: defineOptions({}),
      open: () => ({}) as never,
    }),
  'invalid-backend-id': () => Machine.create(lineMachine, { backends: [nullBackend({ id: 'c0 sent' })] }),
  'missing-backend-setting': elsewhere,
  'no-such-backend': () => build(on('c1')),
  'socket-beyond-loopback': elsewhere,
  'socket-not-opened': elsewhere,
  'socket-path-taken': elsewhere,
  'stdio-in-use': elsewhere,
  'wrong-backend-type': () => build(on('d0')),
});
