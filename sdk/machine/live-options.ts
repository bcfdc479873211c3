import { LiveOptions } from '../backend/inbox.ts';
import { BackplaneError } from '../base/errors.ts';
import { type Json, JsonReader } from '../base/json-reader.ts';
import { didYouMean } from '../base/text.ts';
import { type Device, inDeviceEvent } from '../device/index.ts';
import { changeOption } from '../device/options/live.ts';
import type { RunningMachine } from './definition.ts';
import { inDevice } from './device-failures.ts';
import { optionAsData, optionFromData } from './snapshot/save.ts';
import type { PluggedDevice } from './wiring.ts';

/**
 * Gives a live option of a device another value. It reaches the device as what comes from outside does: between two instructions.
 * It is checked as when the machine is built.
 */
export function postOption(machine: RunningMachine, id: string, name: string, value: unknown): void {
  const plugged = deviceOf(machine, id);
  const problem = plugged.metadata.options.liveProblem(name, value, `Device '${id}'`);
  if (problem !== undefined) throw new BackplaneError(problem.code, problem.message);
  machine.inbox.post({ kind: 'option', device: id, option: name, value: optionAsData(value) });
}

/** The same in the words of the command line: `tick_length`, `on`. */
export function postOptionText(machine: RunningMachine, id: string, argument: string, text: string): void {
  const { metadata } = deviceOf(machine, id);
  const { name, value } = metadata.options.parse(argument, text, `Device '${id}'`);
  postOption(machine, id, name, value);
}

/** Events for live options go to their devices. One whose device has gone, or has no such option any more, is dropped. */
export function routeLiveOptions(machine: RunningMachine): void {
  machine.inbox.route(LiveOptions, {
    takes: () => 1,
    deliver(event) {
      if (event.kind !== 'option') return;
      const plugged = machine.deviceById(event.device);
      if (plugged !== undefined) setOption(plugged, event.option, event.value);
    },
  });
}

function setOption(plugged: PluggedDevice, name: string, saved: Json): void {
  const { id, device, metadata } = plugged;
  if (!metadata.options.isLive(name)) return;
  const reader = new JsonReader(saved, '', []);
  const value = optionFromData(reader, metadata.options.declarations[name]);
  if (reader.problems.length > 0) return;
  plugged.changeOption(name, value);
  changeOption(device, name, value);
  inDevice(id, device, `onOptionChange('${name}')`, () => inDeviceEvent(device, device.onOptionChange, name));
}

/** Outside of a machine. */
export function setOptionNow(device: Device, name: string, value: unknown, owner: string): void {
  const problem = device.metadata.options.liveProblem(name, value, owner);
  if (problem !== undefined) throw new BackplaneError(problem.code, problem.message);
  changeOption(device, name, value);
  inDeviceEvent(device, device.onOptionChange, name);
}

/** Live options have the values of the snapshot. What the device made of them is in its fields. */
export function restoreLiveOptions(plugged: PluggedDevice, saved: JsonReader): void {
  for (const [name, one] of saved.entries()) {
    const { options } = plugged.metadata;
    if (!options.isLive(name)) continue;
    const value = optionFromData(new JsonReader(one.data, '', []), options.declarations[name]);
    if (options.liveProblem(name, value, plugged.id) !== undefined) continue;
    plugged.changeOption(name, value);
    changeOption(plugged.device, name, value);
  }
}

function deviceOf(machine: RunningMachine, id: string): PluggedDevice {
  const plugged = machine.deviceById(id);
  if (plugged !== undefined) return plugged;
  const ids = machine.devices.map((one) => one.id);
  throw new BackplaneError(
    'no-such-device',
    `Machine '${machine.definition.name}' has no device '${id}'. ${didYouMean(id, ids, `It has ${ids.join(', ') || 'none'}.`)}`,
  );
}
