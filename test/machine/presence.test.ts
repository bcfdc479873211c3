import { expect, it } from 'vitest';
import { defineMachine, isaIrq, use } from '../../sdk/index.ts';
import { Machine } from '../../sdk/runtime.ts';
import { expectRefusal } from '../refusal.ts';
import { Latch, toyMachine } from './toys.ts';

/** The toys, with a second latch that is there by default. */
const definition = defineMachine({
  ...toyMachine,
  devices: [
    ...toyMachine.devices,
    use(Latch, { id: 'extra', present: 'by-default', options: { iobase: 0x170 }, interrupts: { irq: isaIrq(5) } }),
  ],
});
const answer = (machine: Machine): number => {
  machine.io.write(0x171, 0x42, 1);
  return machine.io.read(0x171, 1);
};

it('has a default device, and leaves it out where the request has no defaults', () => {
  expect(answer(Machine.create(definition))).toBe(0x42);
  const bare = Machine.create(definition, { defaults: false });
  expect(bare.deviceById('extra')).toBeUndefined();
  expect(answer(bare)).toBe(0xff);
});

it('restores a machine with the default devices that it had, whatever the request says', () => {
  const saved = Machine.create(definition, { defaults: false }).save();
  expect(Machine.restore(definition, saved).deviceById('extra')).toBeUndefined();
  const whole = Machine.create(definition);
  answer(whole);
  const again = Machine.restore(definition, whole.save(), { defaults: false });
  expect(answer(again)).toBe(0x42);
});

it('restores a machine without a default device that was unplugged', () => {
  const machine = Machine.create(definition);
  machine.unplug('extra');
  expect(Machine.restore(definition, machine.save()).deviceById('extra')).toBeUndefined();
});

it('restores a device that was plugged in under the name of a default one', () => {
  const machine = Machine.create(definition, { defaults: false });
  machine.plug(use(Latch, { id: 'extra', options: { iobase: 0x270 }, interrupts: { irq: isaIrq(5) } }));
  machine.io.write(0x271, 0x17, 1);
  const again = Machine.restore(definition, machine.save());
  expect(again.io.read(0x271, 1)).toBe(0);
  expect(again.io.read(0x171, 1)).toBe(0xff);
});

it('refuses another word', () => {
  expectRefusal(() => use(Latch, { present: 'sometimes' as never }), 'bad-wiring', "'sometimes'", "'by-default'");
});
