import { Debugcon, Edu, MsiWindow, PciTestdev, PcTestdev, VirtioRng } from '../../devices/index.ts';
import { empty, isapc, pcI440fx, q35 } from '../../machines/index.ts';
import { type ConcreteDeviceClass, type MachineDefinition, MiB, type UsedDevice, use } from '../../sdk/index.ts';
import { type MachineRequest, simulatedAccelerator } from '../../sdk/runtime.ts';
import type { Random } from '../../sdk/testing/random.ts';

/** Cards that a machine may have from the beginning, or get while it runs. */
export const cardClasses: readonly ConcreteDeviceClass[] = [Edu, PciTestdev, VirtioRng, Debugcon, PcTestdev, MsiWindow];

/** Which machine, with which cards, on which accelerator: what a restored machine is asked for too. */
export interface Board {
  readonly definition: MachineDefinition;
  readonly request: () => MachineRequest;
  readonly processors: number;
  readonly hasPci: boolean;
}

/** The clock's epoch has moved, or moves within the first second: after 2^52 ns, which is 52 days. */
const powerOn = [0, 2 ** 52 - 1e9, 10n ** 18n] as const;
const chipsets = [pcI440fx, pcI440fx, q35, q35, isapc, empty];

export function randomBoard(random: Random, extra: readonly UsedDevice[] = []): Board {
  const base = random.pick(chipsets);
  const hasPci = base !== isapc;
  const processors = random.pick([1, 1, 1, 2, 3]);
  const devices = [...base.devices, ...extra];
  for (let count = random.below(5); count > 0; count--) {
    const card = randomCard(random, hasPci, `card-${count}`);
    if (!devices.some(({ device }) => device === card.device && single.has(card.device))) devices.push(card);
  }
  const definition = { ...base, devices };
  const options = {
    ...(base === pcI440fx && random.oneIn(3) ? { resetControl: 'overlay' } : {}),
    ...(base !== empty && random.oneIn(2) ? { chips: 'all' } : {}),
  };
  const slew = base !== empty && random.oneIn(2) ? { deviceOptions: { rtc: { lostTickPolicy: 'slew' } } } : {};
  const startAt = random.pick(powerOn);
  const settings = {
    vcpus: processors,
    seed: random.bits(),
    drain: random.pick(['every-exit', 'every-exit', 'on-access'] as const),
    coalescedPio: !random.oneIn(4),
    coalescedMmio: !random.oneIn(4),
  };
  return {
    definition,
    processors,
    hasPci,
    request: () => ({ ram: 1 * MiB, startAt, accelerator: simulatedAccelerator(settings), options, ...slew }),
  };
}

/** Two of these would want the same ports or the same place. */
const single = new Set<ConcreteDeviceClass>([PcTestdev, MsiWindow]);

export function randomCard(random: Random, hasPci: boolean, id: string): UsedDevice {
  if (!hasPci) return use(Debugcon, { id, options: { iobase: random.pick([0xe9, 0x402, 0x500, 0x504]) } });
  const address = { id, addr: `0${random.pick([2, 3, 4, 5, 6])}.${random.pick([0, 0, 1])}` };
  switch (random.below(8)) {
    case 0:
    case 1:
      return use(Edu, { ...address, options: { dmaMask: random.pick([0xfff_ffffn, 0xffff_ffffn]) } });
    case 2:
    case 3:
      return use(PciTestdev, { ...address, options: { membar: random.pick([0, 0x1000]) } });
    case 4:
    case 5:
      return use(VirtioRng, address);
    case 6:
      return use(PcTestdev, { id });
    default:
      return use(Debugcon, { id, options: { iobase: random.pick([0xe9, 0x402, 0x500, 0x504]) } });
  }
}
