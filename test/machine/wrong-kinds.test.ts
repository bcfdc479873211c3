import { describe, expect, it } from 'vitest';
import {
  defineMachine,
  isaIrq,
  type MachineDefinition,
  type Placement,
  place,
  type UsedDevice,
  use,
} from '../../sdk/index.ts';
import { definitionWords, requestWords, restoreWords } from '../../sdk/machine/given-definition.ts';
import { placementWords, wiringWords } from '../../sdk/machine/given-wiring.ts';
import { Machine, type MachineRequest, type RestoreRequest } from '../../sdk/runtime.ts';
import { expectRefusal } from '../refusal.ts';
import { isapc } from '../small-machines.ts';
import { Latch, latchPorts, toyMachine, Wide } from './toys.ts';

/** As a plugin, which no compiler has checked. */
const unchecked = (value: unknown) => value as never;

describe('use() refuses a wiring with a value of a wrong kind', () => {
  it.each<[string, unknown, code: string, ...named: string[]]>([
    ['a number for a wire', { interrupts: { irq: 5 } }, 'not-a-wire', 'Latch', "'irq'", "pin('pic', 'line[5]')"],
    ['a text for a wire', { interrupts: { irq: 'pic' } }, 'not-a-wire', 'Latch', "'pic'", 'pin('],
    ['isaIrq without a number', { interrupts: { irq: isaIrq } }, 'not-a-wire', 'isaIrq'],
    ['a plain object for a wire', { interrupts: { irq: { device: 'pic', pin: 'ir0' } } }, 'not-a-wire', 'pin('],
    ['a number for all wires', { interrupts: 5 }, 'not-a-wire', "{ irq: pin('pic', 'line[5]') }"],
    ['a number for a placement', { at: [0x500] }, 'not-a-placement', 'Latch', 'place(region, 0x500)'],
    ['an object for a list of placements', { at: { ports: 0x500 } }, 'not-a-placement', 'at: [place(region, 0x500)]'],
    ['a placement without brackets', { at: place(latchPorts, 0x500) }, 'not-a-placement', '['],
    ['a placement without address', { at: [place(latchPorts, unchecked(undefined))] }, 'not-a-placement', "'latch'"],
    ['a placement at a text', { at: [place(latchPorts, unchecked('0x500'))] }, 'not-a-placement', "'0x500'"],
    ['a placement of an address', { at: [place(unchecked(0x500), 0x70)] }, 'not-a-placement', 'place(region, 0x70)'],
    ['nothing in a list', { at: [undefined] }, 'not-a-placement', 'place('],
    [
      'a misspelt priority',
      { at: [place(latchPorts, 0x500, unchecked({ priorty: 1 }))] },
      'unknown-word',
      'priorty',
      'priority',
    ],
    ['a misspelt property', { interupts: {} }, 'unknown-word', 'Latch', "'interupts'", "'interrupts'"],
    ['a number for an id', { id: 5 }, 'bad-wiring', 'id', '5'],
    ['a number for an addr', { addr: 1 }, 'bad-wiring', 'addr', "'01.0'"],
    ['a value for when', { when: true }, 'bad-wiring', 'when', 'function'],
    ['a number for the options', { options: 0x70 }, 'bad-wiring', 'options', '112'],
    ['a wire for the wiring', 5, 'bad-wiring', 'Latch', '5'],
  ])('%s', (_, wiring, code, ...named) => {
    expectRefusal(() => use(Latch, unchecked(wiring)), code, ...named);
  });

  it('no class, as files that import each other have it', () => {
    expectRefusal(() => use(unchecked(undefined)), 'not-a-used-device', 'undefined');
  });

  it('a priority without its name', () => {
    expectRefusal(() => place(latchPorts, 0x500, unchecked(1)), 'not-a-placement', '{ priority: 1 }');
  });
});

describe('a machine refuses a definition with a value of a wrong kind', () => {
  const devices = (...more: unknown[]): MachineDefinition => ({
    ...toyMachine,
    devices: [use(Wide), ...more] as UsedDevice[],
  });

  it.each<[string, unknown, code: string, ...named: string[]]>([
    ['a name of a type', { ...isapc, devices: [...isapc.devices, 'rtc'] }, 'not-a-used-device', "'rtc'", 'use('],
    ['a class without use', devices(Latch), 'not-a-used-device', 'devices[1]', 'use(Latch)'],
    ['a wiring that use has not made', devices({ device: Latch, interrupts: { irq: 5 } }), 'not-a-wire', 'line[5]'],
    ['nothing', undefined, 'bad-definition', 'undefined', 'defineMachine('],
    ['no name', { devices: [] }, 'bad-definition', 'name'],
    ['no services', { name: 'toy', devices: [] }, 'bad-definition', 'toy', 'services'],
    ['a service that is no module', { ...toyMachine, services: [Latch] }, 'bad-definition', 'services[0]', 'Latch'],
    ['no devices', { name: 'toy', services: [] }, 'bad-definition', 'toy', 'devices'],
    ['a misspelt property', { ...toyMachine, deafultRam: 5 }, 'unknown-word', 'deafultRam', "'defaultRam'"],
  ])('%s', (_, definition, code, ...named) => {
    expectRefusal(() => Machine.create(unchecked(definition)), code, ...named);
    expectRefusal(() => Machine.restore(unchecked(definition), {}), code, ...named);
    expectRefusal(() => defineMachine(unchecked(definition)), code, ...named);
  });

  it('and nothing follows from it', () => {
    const { problems } = expectRefusal(() => Machine.create(devices('rtc', 5)), 'wiring-mistakes', '2 mistakes');
    expect(problems?.map(({ code }) => code)).toEqual(['not-a-used-device', 'not-a-used-device']);
  });

  it('a device that is plugged in while it runs', () => {
    const machine = Machine.create(toyMachine);
    expectRefusal(() => machine.plug(unchecked(Latch)), 'not-a-used-device', 'plug()', 'use(Latch)');
    machine.plug(use(Latch));
  });
});

describe('a machine refuses a request with a value of a wrong kind', () => {
  it.each<[string, unknown, code: string, ...named: string[]]>([
    ['a misspelt property', { acelerator: {} }, 'unknown-word', 'toy', 'acelerator', "'accelerator'"],
    ['guests, which only restore takes', { guests: [] }, 'unknown-word', 'guests'],
    ['an accelerator by name', { accelerator: 'kvm' }, 'bad-request', "'kvm'", 'simulatedAccelerator()'],
    ['options that are none', { options: 5 }, 'bad-request', 'options', '5'],
    ['options of devices that are none', { deviceOptions: { latch: 5 } }, 'bad-request', 'deviceOptions'],
    ['no object', 5, 'bad-request', '5'],
  ])('%s', (_, request, code, ...named) => {
    expectRefusal(() => Machine.create(toyMachine, unchecked(request)), code, ...named);
  });
});

it('knows all properties that the types have', () => {
  type All<T> = Readonly<Record<keyof T, true>>;
  const used: All<UsedDevice> = {
    ...{ device: true, id: true, at: true, bus: true, addr: true },
    ...{ when: true, present: true, options: true, interrupts: true, inputs: true },
  };
  const placement: All<Placement> = { region: true, address: true, priority: true };
  const definition: All<MachineDefinition> = {
    ...{ name: true, aliases: true, description: true, services: true, devices: true },
    ...{ interruptController: true, options: true, prepare: true, defaultRam: true },
  };
  const request: All<MachineRequest> = {
    ...{ accelerator: true, ram: true, options: true, firmware: true, deviceOptions: true, startAt: true },
    ...{ defaults: true, backends: true, onBackendError: true, onGuestError: true, onObserverFailure: true },
  };
  const restore: All<RestoreRequest> = { ...request, guests: true, deviceClasses: true };
  expect(wiringWords).toEqual(Object.keys(used));
  expect(placementWords).toEqual(Object.keys(placement));
  expect(definitionWords).toEqual(Object.keys(definition));
  expect(requestWords).toEqual(Object.keys(request));
  expect(restoreWords).toEqual(Object.keys(restore));
});
