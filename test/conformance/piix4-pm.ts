import { Piix4Pm } from '../../devices/index.ts';
import { isaIrq, use } from '../../sdk/index.ts';
import type { Random } from '../../sdk/testing/random.ts';
import type { Chip } from './chip.ts';
import { pciConfig } from './pci-config.ts';
import { isaLines, type Operation, out, out8, portOrPlace, read, read8, type Width } from './script.ts';

const Address = 0xcf8;
const Data = 0xcfc;
const Function3 = 0x8000_0b00;
const Config = { Base: 0x40, Miscellaneous: 0x80 } as const;
const Apm = { Control: 0xb2, Status: 0xb3 } as const;
const SleepEnable = 0x2000;
/** Free ports on both boards. */
const bases = [0x600, 0x640, 0xb000, 0xd000] as const;

type Add = (...operations: Operation[]) => void;

const configWrite = (register: number, size: Width, value: number): Operation[] => [
  out(Address, 4, Function3 | (register & 0xfc)),
  out(Data + (register & 3), size, value),
];
const configRead = (register: number, size: Width): Operation[] => [
  out(Address, 4, Function3 | (register & 0xfc)),
  read(Data + (register & 3), size),
];
/** As firmware does. */
export const place = (base: number, isShown: boolean): Operation[] => [
  ...configWrite(Config.Base, 4, base | 1),
  ...configWrite(Config.Miscellaneous, 1, isShown ? 1 : 0),
];

/** The status after a reset is a known difference: it is cleared first. */
const begin = (base: number): Operation[] => [...place(base, true), out(base, 2, 0xffff)];

function accessPorts(random: Random, add: Add): void {
  const base = random.pick(bases);
  add(...begin(base));
  for (let left = random.below(8); left > 0; left--) {
    const value = random.bits() & 0xffff;
    random.weighted([
      [3, () => add(out(base + 2, 2, value), read(base + 2, 2))],
      [3, () => add(out(base + 4, 2, value & ~SleepEnable), read(base + 4, 2))],
      [2, () => add(out(base, 2, value), read(base, 2))],
      [1, () => add(out(base, 4, random.bits()), read(base, 4))],
      [1, () => add(out(base + 8, 4, random.bits()), read(base + 8, random.pick<Width>([1, 2, 4])))],
      [1, () => add(read(base + 0x0c + random.below(0x30), 1), read(base + 6, 2), read(base + 0x40, 2))],
      [2, () => add(out8(Apm.Control, random.pick([0xf0, 0xf1])), read(base + 4, 2), isaLines)],
    ]);
  }
  if (random.oneIn(4)) add(...place(base, false), read(base + 2, 2), read(base + 4, 2));
}

function accessApm(random: Random, add: Add): void {
  const port = random.pick([Apm.Control, Apm.Status]);
  const size = random.pick<Width>([1, 1, 2]);
  add(random.oneIn(2) ? out(port, size, random.bits()) : read(port, size), read8(Apm.Control), read8(Apm.Status));
  add(read(Apm.Control, random.pick<Width>([1, 2, 4])));
}

export const piix4Pm: Chip = {
  ...pciConfig,
  name: 'piix4-pm',
  title: "PIIX4's power management: registers, ports, APM",
  devices: [use(Piix4Pm, { id: 'pm', addr: '01.3', interrupts: { sci: isaIrq(9) } })],
  qemu: { lines: true },
  registerNames: () => portOrPlace,
  act(random, add) {
    random.weighted([
      [10, () => accessPorts(random, add)],
      [5, () => accessApm(random, add)],
      [
        2,
        () =>
          add(...configRead(random.pick([0x00, 0x04, 0x08, 0x0c, 0x2c, 0x34, 0x3c]), random.pick<Width>([1, 2, 4]))),
      ],
      [
        2,
        () => add(...place(random.pick(bases), random.oneIn(2)), ...configRead(Config.Base, 4), ...configRead(0x80, 1)),
      ],
      [
        1,
        () =>
          add({ kind: 'reset' }, ...configRead(Config.Base, 4), ...configRead(0x80, 1), read8(Apm.Status), isaLines),
      ],
    ]);
  },
};
