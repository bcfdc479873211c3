import { type Backend, type CharHost, type InboxEvent, memoryImage, ringBuffer } from 'backplane/backend';
import { describe, expect, it } from 'vitest';
import { device, use } from '../../sdk/index.ts';
import { guestProgram, Machine } from '../../sdk/runtime.ts';
import { expectRefusal } from '../refusal.ts';
import { Disk, Line, lineMachine, Port } from './uart.ts';

const data = 0x3f8 + Port.Data;
const status = 0x3f8 + Port.Status;
const Window = 64 * 1024;

const nothing = guestProgram('nothing', function* (guest) {
  yield* guest.in8(status);
});
/** Reads so many bytes that have come. */
const reads = (count: number, into: number[]) =>
  guestProgram('reads', function* (guest) {
    for (let at = 0; at < count; at++) into.push(yield* guest.in8(data));
  });

/** A line with a window, whose other side the test moves. */
function socket(startsClosed = true): Backend & { host?: CharHost; written: number[] } {
  const written: number[] = [];
  const backend: Backend & { host?: CharHost; written: number[] } = {
    ...{ id: 'serial0', type: 'char', kind: 'socket', written },
    open: () => ({
      startsClosed,
      start: (host: CharHost) => {
        backend.host = host;
      },
      write: (bytes: Uint8Array) => void written.push(...bytes),
      close() {},
      describe: () => 'socket',
    }),
  };
  return backend;
}

const saved = (machine: Machine): unknown => JSON.parse(JSON.stringify(machine.save()));

describe('a snapshot with back ends', () => {
  it('has the bytes that wait in the device and in the inbox: none is lost or doubled', () => {
    const sent = Array.from({ length: 9000 }, (_, at) => (at * 13) & 0xff);
    const line = ringBuffer({ id: 'serial0' });
    const machine = Machine.create(lineMachine, { backends: [line] });
    line.send(sent);
    const got: number[] = [];
    machine.run(reads(1000, got));
    const snapshot = saved(machine);
    expect(machine.inbox.pending.length).toBeGreaterThan(0);
    const again = Machine.restore(lineMachine, snapshot, { backends: [ringBuffer({ id: 'serial0' })] });
    while (got.length < sent.length) again.run(reads(100, got));
    expect(got).toEqual(sent);
    expect(saved(again)).not.toHaveProperty('inbox');
  });

  it('is restored with another client: the device learns that its old one has gone, and what was on its way has left', () => {
    const first = socket();
    const machine = Machine.create(lineMachine, { backends: [first] });
    first.host?.opened();
    machine.run(nothing);
    for (let at = 0; at < 10; at++) machine.io.write(data, at, 1);
    const snapshot = saved(machine);
    expect(first.written).toHaveLength(10);
    const second = socket();
    const again = Machine.restore(lineMachine, snapshot, { backends: [second] });
    expect(again.inbox.pending.map(({ event }) => event.kind)).toEqual(['sent', 'close']);
    again.run(nothing);
    expect(again.io.read(status, 1) & 4).toBe(0);
    second.host?.opened();
    again.run(nothing);
    expect(again.io.read(status, 1) & 4).toBe(4);
  });

  it('keeps the credit of bytes on their way, and the write that was refused', () => {
    const first = socket(false);
    const machine = Machine.create(lineMachine, { backends: [first] });
    for (let at = 0; at <= Window; at++) machine.io.write(data, at & 0xff, 1);
    expect(machine.io.read(status, 1) & 2).toBe(0);
    first.host?.sent(10);
    const second = socket(false);
    const again = Machine.restore(lineMachine, saved(machine), { backends: [second] });
    const events = again.inbox.pending.map(({ event }) => event as InboxEvent & { count: number });
    expect(events.map(({ count }) => count)).toEqual([Window]);
    again.run(nothing);
    expect(again.io.read(status, 1) & 2).toBe(2);
    expect(second.written).toEqual([Window & 0xff]);
  });

  it('is refused without its back end, with an image of another size, and with events for others', () => {
    const machine = Machine.create(lineMachine, { backends: [ringBuffer({ id: 'serial0' })] });
    expectRefusal(() => Machine.restore(lineMachine, saved(machine)), 'state-refused', 'serial0');
    const diskMachine = { ...lineMachine, devices: [use(Disk, { options: { drive: 'd0' } })] };
    const image = (length: number) => ({ backends: [memoryImage({ id: 'd0', bytes: new Uint8Array(length) })] });
    const disk = saved(Machine.create(diskMachine, image(512)));
    expectRefusal(() => Machine.restore(diskMachine, disk, image(1024)), 'state-refused', '512', '1024');
    expectRefusal(() => Machine.restore(diskMachine, disk), 'wiring-mistakes', 'd0');
    const hostile = { ...(saved(machine) as object), inbox: [{ kind: 'receive', backend: 'c9', bytes: '00' }] };
    const line = () => ({ backends: [ringBuffer({ id: 'serial0' })] });
    expectRefusal(() => Machine.restore(lineMachine, hostile, line()), 'state-mismatch', 'c9');
  });

  it.each([
    ['a list of something else', [5]],
    ['no list', { events: [] }],
    ['an unknown kind', [{ kind: 'shout', backend: 'serial0' }]],
    ['no bytes', [{ kind: 'receive', backend: 'serial0', bytes: 'xyz' }]],
    ['a negative count', [{ kind: 'sent', backend: 'serial0', count: -1 }]],
    ['another word', [{ kind: 'open', backend: 'serial0', now: 1 }]],
    ['an operation before the first', [{ kind: 'open', backend: 'serial0', before: -1 }]],
  ])('is refused with an inbox that holds %s', (_, inbox) => {
    const request = () => ({ backends: [ringBuffer({ id: 'serial0' })] });
    const snapshot = { ...(saved(Machine.create(lineMachine, request())) as object), inbox };
    expectRefusal(() => Machine.restore(lineMachine, snapshot, request()), 'state-mismatch', 'inbox');
  });

  it.each([
    ['a refused write with room', { wasRefused: true }],
    ['bytes on their way over a closed line', { open: false, unsent: 5 }],
    ['a line without a back end that is open', { hasBackend: false }],
    ['more on its way than fits', { unsent: Window + 1 }],
    ['more bytes than wait', { received: { size: 5000 } }],
  ])('is refused where the state of a back end says %s', (_, change) => {
    const request = () => ({ backends: [ringBuffer({ id: 'serial0' })] });
    const snapshot = saved(Machine.create(lineMachine, request())) as { devices: { backends: { chardev: object } }[] };
    const [line] = snapshot.devices;
    Object.assign(line?.backends.chardev as object, change);
    expect(() => Machine.restore(lineMachine, snapshot, request())).toThrow(/chardev|serial0/);
  });
});

describe('hotplug with back ends', () => {
  it('frees the back end of a device that was unplugged, for another one', () => {
    const line = ringBuffer({ id: 'serial0' });
    const machine = Machine.create(lineMachine, { backends: [line] });
    expectRefusal(() => machine.plug(use(Line, { id: 'other', at: [] })), 'wiring-mistakes', 'serial0');
    machine.unplug('line');
    line.send('x');
    machine.run(guestProgram('nothing', function* () {}));
    machine.plug(use(Line, { id: 'other' }));
    const got: number[] = [];
    machine.run(reads(1, got));
    expect(got).toEqual([0x78]);
  });

  it('moves the back end with a swap, and what waits in it', () => {
    const line = ringBuffer({ id: 'serial0' });
    const machine = Machine.create(lineMachine, { backends: [line] });
    line.send('abc');
    machine.run(nothing);
    @device({ type: 'line', description: 'the next version' })
    class Next extends Line {}
    machine.swap('line', Next);
    line.send('d');
    const got: number[] = [];
    machine.run(reads(4, got));
    expect(String.fromCharCode(...got)).toBe('abcd');
    machine.io.write(data, 0x21, 1);
    machine.backends.flush();
    expect(line.text).toBe('!');
  });
});
