import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Backend, openBackends } from 'backplane/backend';
import { describe, expect, it } from 'vitest';
import { socket } from '../../../sdk/backend/node/socket.ts';
import { rawImage } from '../../../sdk/cli/node.ts';
import { use } from '../../../sdk/index.ts';
import { Machine, type MachineRequest } from '../../../sdk/runtime.ts';
import { Line, lineMachine } from '../uart.ts';
import { testFolder } from './fake-host.ts';

const folder = testFolder('failed-machines');
const [path, image] = [join(folder, 'line'), join(folder, 'disk.img')];
writeFileSync(image, Buffer.alloc(4096));

/** A socket that listens, and an image with a lock. */
const open = (): Promise<readonly Backend[]> =>
  openBackends([socket({ id: 'serial0', path, server: true, wait: false }), rawImage({ id: 'd0', file: image })]);

const twice = { ...lineMachine, devices: [use(Line), use(Line, { id: 'other' })] };
const saved = () => Machine.create(lineMachine, {}).save();

const makings: Readonly<Record<string, (backends: readonly Backend[]) => unknown>> = {
  'an unknown word in its request': (backends) =>
    Machine.create(lineMachine, { backends, acelerator: undefined } as MachineRequest),
  'more RAM than there is': (backends) => Machine.create(lineMachine, { backends, ram: 2 ** 60 }),
  'two devices on one back end': (backends) => Machine.create(twice, { backends }),
  'two back ends of one name': (backends) => Machine.create(lineMachine, { backends: [...backends, ...backends] }),
  'a definition that is none': (backends) => Machine.create({} as never, { backends }),
  'a snapshot that is none': (backends) => Machine.restore(lineMachine, {}, { backends }),
  'a snapshot of another machine': (backends) =>
    Machine.restore({ ...lineMachine, name: 'other' }, saved(), { backends }),
};

describe('a machine that cannot be made', () => {
  it.each(Object.keys(makings))('leaves no back end open: %s', async (name) => {
    const backends = await open();
    expect(existsSync(path)).toBe(true);
    expect(() => makings[name]?.(backends)).toThrow();
    // Both can be opened again: the socket is free, and so is the lock of the image.
    while (existsSync(path)) await new Promise((resolve) => setTimeout(resolve, 1));
    const machine = Machine.create(lineMachine, { backends: await open() });
    expect(machine.backends.all).toHaveLength(2);
    await machine.backends.close();
    expect(existsSync(path)).toBe(false);
  });
});

describe('a back end that no device uses', () => {
  it('is named in a warning, and one that is used is not', async () => {
    const machine = Machine.create(lineMachine, { backends: await open() });
    expect(machine.warnings).toEqual([expect.stringMatching(/^Back end 'd0' \(raw\): no device uses it\. .*drive=d0/)]);
    await machine.backends.close();
  });

  it('is a serial port too many', () => {
    const backends = [{ id: 'serial0' }, { id: 'serial3' }].map(({ id }): Backend => {
      const transport = { start() {}, write() {}, close() {}, describe: () => '' };
      return { id, type: 'char', kind: 'null', open: () => transport };
    });
    expect(Machine.create(lineMachine, { backends }).warnings).toEqual([
      expect.stringMatching(
        /^Back end 'serial3' \(null\): machine 'line-machine' has no serial port 3, counted from 0\./,
      ),
    ]);
  });
});
