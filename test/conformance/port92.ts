import { Port92 } from '../../devices/index.ts';
import { use } from '../../sdk/index.ts';
import type { Chip } from './chip.ts';
import { out8, portOrPlace, read, read8, type Width } from './script.ts';

const Port = 0x92;
/** Bit 0 of it resets: it is written by operations of their own. */
const WithoutReset = 0xfe;

export const getPort92 = read8(Port);
export const setPort92 = (value: number) => out8(Port, value);

export const port92: Chip = {
  name: 'port92',
  title: 'system control port A: the bit A20 and the fast reset',
  dates: ['2024-02-28T21:43:50'],
  devices: [use(Port92)],
  machineOptions: {},
  deviceOptions: () => ({}),
  qemu: {},
  registerNames: () => portOrPlace,
  act(random, add) {
    random.weighted([
      [100, () => add(setPort92(random.byte() & WithoutReset), getPort92)],
      [50, () => add(getPort92)],
      [10, () => add(read(Port, random.pick<Width>([1, 2, 4])))],
      [1, () => add({ kind: 'reset', written: random.byte() | 0x01, at: Port }, getPort92)],
      [1, () => add({ kind: 'reset' }, getPort92)],
    ]);
  },
};
