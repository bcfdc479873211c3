import { memoryImage, ringBuffer } from 'backplane/backend';
import { expect, it } from 'vitest';
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
