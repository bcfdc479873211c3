import { type CharHost, type CharTransport, memoryImage, ringBuffer } from 'backplane/backend';
import { expect, it } from 'vitest';
import { WindowToHost } from '../../sdk/backend/events.ts';
import { use } from '../../sdk/index.ts';
import { guestProgram, Machine } from '../../sdk/runtime.ts';
import { expectRefusal } from '../refusal.ts';
import { Disk, DiskPort, Line, lineMachine, Port } from './uart.ts';

const data = 0x3f8 + Port.Data;
const status = 0x3f8 + Port.Status;

const echo = guestProgram('echo', function* (guest) {
  for (;;) {
    if ((yield* guest.in8(status)) & 1) yield* guest.out8(data, yield* guest.in8(data));
    else return;
  }
});

it('brings what a program sends to a device, and back', () => {
  const console = ringBuffer({ id: 'serial0' });
  const machine = Machine.create(lineMachine, { backends: [console] });
  console.send('hello');
  machine.run(echo);
  expect(console.text).toBe('hello');
  expect(machine.inbox.pending).toEqual([]);
});

it('lets a device be without a back end: writes are dropped, and its status says that none is there', () => {
  const machine = Machine.create(lineMachine);
  machine.io.write(data, 0x41, 1);
  expect(machine.io.read(status, 1)).toBe(2);
});

it('refuses two devices on one back end, an unknown one, and one of the other type', () => {
  const backends = () => [ringBuffer({ id: 'c0' }), memoryImage({ id: 'd0', bytes: new Uint8Array(512) })];
  const build = (...devices: Parameters<typeof use<typeof Line>>[1][]) =>
    Machine.create({ ...lineMachine, devices: devices.map((wiring) => use(Line, wiring)) }, { backends: backends() });
  const second = { id: 'second', at: [] };
  expectRefusal(
    () => build({ options: { chardev: 'c0' } }, { ...second, options: { chardev: 'c0' } }),
    'backend-in-use',
    'second',
    'c0',
  );
  expectRefusal(() => build({ options: { chardev: 'c1' } }), 'no-such-backend', 'c1', "Did you mean 'c0'?");
  expectRefusal(() => build({ options: { chardev: 'd0' } }), 'wrong-backend-type', 'd0');
});

it('reads and writes an image, and tells the guest what failed', () => {
  const bytes = Uint8Array.of(1, 2, 3, 4);
  const machine = Machine.create(
    { ...lineMachine, devices: [use(Disk, { options: { drive: 'd0' } })] },
    { backends: [memoryImage({ id: 'd0', bytes })] },
  );
  machine.io.write(0x170 + DiskPort.Place, 2, 1);
  expect(machine.io.read(0x170 + DiskPort.Data, 1)).toBe(3);
  machine.io.write(0x170 + DiskPort.Data, 9, 1);
  expect(bytes[2]).toBe(9);
  machine.io.write(0x170 + DiskPort.Place, 4, 1);
  machine.io.read(0x170 + DiskPort.Data, 1);
  expect(machine.io.read(0x170 + DiskPort.Result, 1)).toBe(1);
});

/** A transport whose other side does not read. */
function deafPeer() {
  const peer = { held: 0, host: undefined as CharHost | undefined };
  const transport: CharTransport = {
    start: (host) => {
      peer.host = host;
    },
    write: ({ length }) => {
      peer.held += length;
    },
    close() {},
    describe: () => 'deaf',
  };
  return { peer, backend: { id: 'serial0', type: 'char', kind: 'deaf', open: () => transport } as const };
}

/** Writes until there is no room. */
const fill = guestProgram('fill', function* (guest) {
  while ((yield* guest.in8(status)) & 2) yield* guest.out8(data, 0x61);
});

it('counts what a device has left behind on its way against the window of the next one', () => {
  const { peer, backend } = deafPeer();
  const machine = Machine.create(lineMachine, { backends: [backend] });
  for (let plugs = 0; plugs < 4; plugs++) {
    machine.run(fill);
    machine.backends.flush();
    expect(peer.held).toBe(WindowToHost);
    machine.unplug('line');
    if (plugs % 2 === 1) {
      // While no device is there the other side reads.
      peer.host?.sent(peer.held);
      peer.held = 0;
    }
    machine.plug(use(Line));
  }
  peer.host?.sent(peer.held);
  machine.run(fill);
  machine.backends.flush();
  expect(peer.held).toBe(WindowToHost);
});

it('reports a transport that counts wrongly, and goes on', () => {
  const { peer, backend } = deafPeer();
  const told: string[] = [];
  const machine = Machine.create(lineMachine, {
    backends: [backend],
    onBackendError: (_, text) => void told.push(text),
  });
  machine.run(fill);
  machine.backends.flush();
  for (const count of [-5, Number.NaN, Number.POSITIVE_INFINITY, 0.5]) peer.host?.sent(count);
  expect(told).toHaveLength(4);
  expect(told[0]).toContain('-5');
  machine.run(fill);
  expect(peer.held).toBe(WindowToHost);
  expect(() => machine.save()).not.toThrow();
});
