import { BackplaneError } from '../../base/errors.ts';
import { metadataOf } from '../../device/index.ts';
import type { MachineDefinition, UsedDevice } from '../../machine/index.ts';
import { deviceNamed } from '../catalogue.ts';
import type { Arguments, OptionSyntax } from '../command.ts';
import type { KnownDevice, LoadedPlugin } from '../plugins/plugin.ts';
import { type DeviceRequest, parseDevice, parseGlobal, parseId } from './device-request.ts';
import { parseSetting } from './settings.ts';

/** Options that plug devices into the machine of a command, and that set their options. */
export const deviceSyntax = { device: 'DEVICE', global: 'TYPE.OPTION=VALUE' } as const satisfies OptionSyntax;

type Values = Readonly<Record<string, unknown>>;

/** The checked devices of `-device` and settings of `-global`, before they are plugged in. */
export interface DeviceChoice {
  readonly devices: readonly UsedDevice[];
  /** Options by device type. */
  readonly globals: ReadonlyMap<string, Values>;
}

/** `-global` also sets devices of the machine that no plugin exports. */
export async function chooseDevices(
  args: Arguments,
  plugins: readonly LoadedPlugin[],
  machine: MachineDefinition,
): Promise<DeviceChoice> {
  const own = machine.devices.map(({ device }) => metadataOf(device));
  const globals = new Map<string, Values>();
  for (const text of args.all('global')) {
    const { type, option, value } = parseGlobal(text);
    const metadata = own.find((one) => one.type === type) ?? (await deviceNamed(type, plugins)).metadata;
    const [name, parsed] = parseSetting(metadata.options, option, value, `-global ${text}`);
    globals.set(type, { ...globals.get(type), [name]: parsed });
  }
  const devices: UsedDevice[] = [];
  for (const text of args.all('device')) {
    const request = parseDevice(text);
    devices.push(plugged(request, await deviceNamed(request.type, plugins)));
  }
  return { devices, globals };
}

function plugged({ text, settings }: DeviceRequest, { deviceClass, metadata }: KnownDevice): UsedDevice {
  const owner = `-device ${text}`;
  const { id: givenId, bus, addr, ...rest } = Object.fromEntries(settings);
  const id = parseId(text, givenId);
  const options = Object.fromEntries(
    Object.entries(rest).map(([name, given]) => parseSetting(metadata.options, name, given, owner, ofEveryDevice)),
  );
  return {
    device: deviceClass,
    options,
    ...(id === undefined ? {} : { id }),
    ...(bus === undefined ? {} : { bus: placeText(owner, 'bus', bus) }),
    ...(addr === undefined ? {} : { addr: placeText(owner, 'addr', addr) }),
  };
}

/** Settings of `-device` that every device has, besides its options. */
const ofEveryDevice: readonly string[] = ['id', 'bus', 'addr'];

/** The machine knows its buses and their addresses, and refuses others. */
function placeText(owner: string, name: 'bus' | 'addr', given: unknown): string {
  if (typeof given === 'string') return given;
  throw new BackplaneError(
    'malformed-setting',
    `${owner}: ${name} is ${JSON.stringify(given)}. Write it as a text: "${name}":"${name === 'bus' ? 'sbcon.i2c' : '0x68'}".`,
  );
}

/** The machine with the devices and settings of the command line. A setting of one device overrides a global one. */
export function withDevices(definition: MachineDefinition, { devices, globals }: DeviceChoice): MachineDefinition {
  if (devices.length === 0 && globals.size === 0) return definition;
  const own = definition.devices.map((used) => withGlobals(used, globals, 'wins'));
  const added = devices.map((used) => withGlobals(used, globals, 'gives way'));
  return { ...definition, devices: [...own, ...added] };
}

function withGlobals(used: UsedDevice, globals: DeviceChoice['globals'], global: 'wins' | 'gives way'): UsedDevice {
  const values = globals.get(metadataOf(used.device).type);
  if (values === undefined) return used;
  const merge = (own: Values): Values => (global === 'wins' ? { ...own, ...values } : { ...values, ...own });
  const { options = {} } = used;
  return {
    ...used,
    options: typeof options === 'function' ? (machine) => merge(options(machine)) : merge(options),
  };
}

/** Warnings about globals without effect, as in QEMU: the machine has no device of their type. */
export function unusedGlobals({ devices }: MachineDefinition, { globals }: DeviceChoice): string[] {
  const present = new Set(devices.map(({ device }) => metadataOf(device).type));
  return [...globals.keys()]
    .filter((type) => !present.has(type))
    .map((type) => `-global ${type}.…: the machine has no ${type}, so it sets nothing.`);
}

/** The types of the devices of `-device`. */
export function typesIn({ devices }: DeviceChoice): string[] {
  return devices.map(({ device }) => metadataOf(device).type);
}
