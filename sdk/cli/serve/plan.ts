import { resolve } from 'node:path';
import type { Backend } from '../../backend/index.ts';
import { BackplaneError } from '../../base/errors.ts';
import { shellWord, times } from '../../base/text.ts';
import { metadataOf } from '../../device/index.ts';
import type { MachineDefinition, UsedDevice } from '../../machine/index.ts';
import { servedMachine } from '../../serve/surround.ts';
import { withServices } from '../catalogue.ts';
import type { Arguments } from '../command.ts';
import { chooseBackends } from '../options/backends.ts';
import { chooseDevices, withDevices } from '../options/devices.ts';
import { loadPlugins } from '../plugins/load.ts';
import type { LoadedPlugin } from '../plugins/plugin.ts';

/** One device of the command line, and where it is served. */
export interface ServePlan {
  readonly definition: MachineDefinition;
  readonly used: UsedDevice;
  readonly socket: string;
  /** Those that its options name. */
  readonly backends: readonly Backend[];
}

export interface ServePlans {
  readonly plans: readonly ServePlan[];
  readonly plugins: readonly LoadedPlugin[];
  readonly warnings: readonly string[];
}

/** What `-device` and `-socket` ask for: the first socket is the first device's, and so on. Nothing is opened yet. */
export async function planServe(args: Arguments): Promise<ServePlans> {
  const plugins = await loadPlugins(args.all('plugin'));
  const choice = await chooseDevices(args, plugins, { ...emptyMachine });
  const sockets = args.all('socket');
  const { devices, globals } = choice;
  if (devices.length === 0)
    throw new BackplaneError('missing-operand', 'serve: which device? Write -device TYPE -socket PATH.');
  if (sockets.length !== devices.length) {
    throw new BackplaneError(
      'missing-operand',
      `serve: -device is given ${times(devices.length)}, and -socket ${times(sockets.length)}. Give each device a socket, in the same order.`,
    );
  }
  const twice = sockets.find((socket, index) => sockets.findIndex((one) => resolve(one) === resolve(socket)) !== index);
  if (twice !== undefined)
    throw new BackplaneError('repeated-argument', `serve: -socket ${twice} is given twice. Give each device its own.`);
  const backends = await chooseBackends(args, plugins);
  const named = new Set<Backend>();
  const plans = devices.map((device, index) => {
    const alone = withDevices({ ...emptyMachine, devices: [] }, { devices: [device], globals });
    const [used] = alone.devices as readonly [UsedDevice];
    const own = backends.filter(({ id }) => Object.values(optionsOf(used)).includes(id));
    for (const backend of own) named.add(backend);
    const definition = withServices(servedMachine(used), plugins);
    return { definition, used, socket: sockets[index] as string, backends: own };
  });
  const unused = backends.filter((backend) => !named.has(backend));
  const warnings = unused.map(
    ({ id }) => `no device has the back end '${id}': name it in an option, such as chardev=${id}.`,
  );
  return { plans, plugins, warnings };
}

const emptyMachine: MachineDefinition = { name: 'vfio-user', description: '', services: [], devices: [] };

const optionsOf = ({ options = {} }: UsedDevice): Readonly<Record<string, unknown>> =>
  typeof options === 'function' ? options({}) : options;

/** The line that starts a QEMU with these devices, to be pasted into a shell. */
export function qemuLine(
  plans: readonly ServePlan[],
  { qemu, ram, waits }: { readonly qemu: string; readonly ram?: string | undefined; readonly waits: boolean },
): string {
  // QEMU's own lists have two commas for one.
  const backend =
    ram === undefined
      ? 'memory-backend-memfd,id=ram,size=SIZE,share=on'
      : `memory-backend-file,id=ram,size=SIZE,share=on,mem-path=${resolve(ram).replaceAll(',', ',,')}`;
  const slots = plans.map(({ used: { addr } }) => addr?.split('.')[0]);
  const devices = plans.map(({ used: { addr }, socket }, index) => {
    const [slot, fn = '0'] = addr?.split('.') ?? [];
    const isShared = slot !== undefined && fn === '0' && slots.some((other, at) => at !== index && other === slot);
    return JSON.stringify({
      driver: 'vfio-user-pci',
      socket: { type: 'unix', path: resolve(socket) },
      ...(addr === undefined ? {} : { addr }),
      ...(isShared ? { multifunction: true } : {}),
      // A class that is edited is compiled again, and the guest waits meanwhile.
      ...(waits ? { 'x-msg-timeout': 60_000 } : {}),
    });
  });
  // Function 0 makes the others visible: QEMU wants it last only where the card is plugged in later.
  return [
    `${shellWord(qemu)} -m SIZE -machine q35,memory-backend=ram`,
    `-object ${shellWord(backend)}`,
    ...devices.map((device) => `-device ${shellWord(device)}`),
  ].join(' \\\n  ');
}

export const typeOf = ({ used }: ServePlan): string => metadataOf(used.device).type;
