import { ContainerModule } from 'inversify';
import { GiB, KiB, MachineBoard, MemoryRegion, MiB, SystemBus } from '../sdk/index.ts';

/** How much RAM lies below 4 GiB, where devices want room too. */
export interface LowRam {
  /** From this much RAM on, a machine counts as large. */
  readonly largest: number;
  /** What a large machine has below 4 GiB; the rest of its RAM begins there. */
  readonly ofLargeMachine: number;
}

/** A machine with more RAM than fits leaves the devices 1 GiB, not 512 MiB. */
export const lowRamOfPc: LowRam = { largest: 3.5 * GiB, ofLargeMachine: 3 * GiB };

/** Bytes of RAM below 4 GiB. */
export const lowRamOf = (ramSize: number, { largest, ofLargeMachine }: LowRam): number =>
  ramSize >= largest ? ofLargeMachine : ramSize;

const OptionRoms = { start: 0xc_0000, size: 128 * KiB } as const;
/** The end of the firmware, where a processor starts, is seen below 1 MiB too. */
const BiosBelow1MiB = 128 * KiB;
const OverRam = 1;
const BehindRam = -1;

/** What a PC's memory looks like: facts of the board, the same for every PC. */
interface MemoryLayout {
  readonly biosSize: number;
  /** A PC with PCI shows it, firmware included, where there is no RAM; one without has one space for everything. */
  readonly hasPci: boolean;
  readonly lowRam?: LowRam;
}

/** The PCI side of the memory map: the container behind the RAM, which a host bridge lets through in places. */
export abstract class PciMemory {
  abstract readonly region: MemoryRegion;
}

/**
 * RAM below 4 GiB and above, option ROMs and firmware. There is no firmware image yet: its ROM holds 0xff, as erased flash
 * does; the RAM for option ROMs holds zeros.
 */
export function pcMemory(layout: MemoryLayout): ContainerModule {
  return new ContainerModule(({ bind }) => {
    bind(PciMemory).toResolvedValue((board) => ({ region: placeFirmware(board, layout) }), [MachineBoard]);
    bind(SystemBus).toResolvedValue(
      (board, _firmwareInPlace) =>
        new SystemBus({
          topology: board.topology,
          memory: board.system,
          io: board.ports,
          ram: placeRam(board, layout),
        }),
      [MachineBoard, PciMemory],
    );
  });
}

function placeRam({ topology, system, ramSize }: MachineBoard, { lowRam = lowRamOfPc }: MemoryLayout): MemoryRegion {
  const ram = MemoryRegion.ram(topology, 'pc.ram', ramSize);
  const low = lowRamOf(ramSize, lowRam);
  topology.transaction(() => {
    system.addSubregion(0, MemoryRegion.alias(topology, 'ram-below-4g', ram, 0, low));
    if (low === ramSize) return;
    system.addSubregion(4 * GiB, MemoryRegion.alias(topology, 'ram-above-4g', ram, low, ramSize - low));
  });
  return ram;
}

/** Answers the container in which the firmware is: that of PCI, or the machine's own. */
function placeFirmware({ topology, system }: MachineBoard, { biosSize, hasPci }: MemoryLayout): MemoryRegion {
  const bios = MemoryRegion.ram(topology, 'pc.bios', biosSize);
  bios.ram?.bytes.fill(0xff);
  const low = Math.min(biosSize, BiosBelow1MiB);
  const isaBios = MemoryRegion.alias(topology, 'isa-bios', bios, biosSize - low, low);
  const optionRoms = MemoryRegion.ram(topology, 'pc.rom', OptionRoms.size);
  const around = hasPci ? MemoryRegion.container(topology, 'pci', system.size) : system;
  topology.transaction(() => {
    // On a PC without PCI nothing protects them from writing; with PCI the bridge shows RAM where they are to be written.
    for (const region of [bios, isaBios, optionRoms]) region.setReadOnly(hasPci);
    around.addSubregion(4 * GiB - biosSize, bios);
    around.addSubregion(1 * MiB - low, isaBios, OverRam);
    around.addSubregion(OptionRoms.start, optionRoms, OverRam);
    if (hasPci) system.addSubregion(0, around, BehindRam);
  });
  return around;
}
