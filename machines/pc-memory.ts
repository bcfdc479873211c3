import { ContainerModule } from 'inversify';
import { BackplaneError, GiB, KiB, MemoryRegion, MiB, SystemBus } from '../sdk/index.ts';
import { MachineBoard } from '../sdk/runtime.ts';

/** The RAM below 4 GiB. Devices need a part of that address range. */
export interface LowRam {
  /** A machine with this much RAM or more is large. */
  readonly largest: number;
  /** RAM of a large machine below 4 GiB. The rest is above 4 GiB. */
  readonly ofLargeMachine: number;
}

/**
 * A large machine leaves the devices 1 GiB below 4 GiB, others 512 MiB or more.
 *
 * @see QEMU 7.2, hw/i386/pc_piix.c, pc_init1
 */
export const lowRamOfPc: LowRam = { largest: 3.5 * GiB, ofLargeMachine: 3 * GiB };

/** Bytes of RAM below 4 GiB. */
export const lowRamOf = (ramSize: number, { largest, ofLargeMachine }: LowRam): number =>
  ramSize >= largest ? ofLargeMachine : ramSize;

const OptionRoms = { start: 0xc_0000, size: 128 * KiB } as const;
/** The last 128 KiB of the firmware are mapped below 1 MiB too. @see QEMU 7.2, hw/i386/x86.c, x86_bios_rom_init */
const BiosBelow1MiB = 128 * KiB;
const PageSize = 4 * KiB;
const LargestBios = 16 * MiB;
const OverRam = 1;
const BehindRam = -1;

/** The memory map of a PC, as its board defines it. */
export interface MemoryLayout {
  /** Bytes of the firmware's ROM: whole pages of 4 KiB, up to 16 MiB. */
  readonly biosSize: number;
  /**
   * With PCI, the PCI address space with the firmware shows where there is no RAM. Without, there is one address space.
   */
  readonly hasPci: boolean;
  readonly lowRam?: LowRam;
}

/** The PCI address space: the container behind the RAM. A host bridge shows it in places (PAM). */
export abstract class PciMemory {
  abstract readonly region: MemoryRegion;
}

/** The machine's RAM. It is made before the ROM of the firmware, which may be as large: the first block of that size is the RAM. */
abstract class PcRam {
  abstract readonly region: MemoryRegion;
}

/**
 * RAM below and above 4 GiB, option ROMs and firmware. Without an image the firmware's ROM holds 0xff, as erased flash
 * does. The RAM for option ROMs holds zeros.
 *
 * @throws BackplaneError `bad-definition` for another size of the ROM than it can have
 */
export function pcMemory(layout: MemoryLayout): ContainerModule {
  const { biosSize } = layout;
  if (!(biosSize >= PageSize && biosSize <= LargestBios && biosSize % PageSize === 0)) {
    const range = `Give whole pages of 4 KiB, up to ${LargestBios}`;
    throw new BackplaneError('bad-definition', `The memory of a PC: biosSize is ${biosSize} bytes. ${range}.`);
  }
  return new ContainerModule(({ bind }) => {
    bind(PcRam).toResolvedValue(
      ({ topology, ramSize }) => ({ region: MemoryRegion.ram(topology, 'pc.ram', ramSize) }),
      [MachineBoard],
    );
    bind(PciMemory).toResolvedValue(
      (board, _ramIsMade) => ({ region: placeFirmware(board, layout) }),
      [MachineBoard, PcRam],
    );
    bind(SystemBus).toResolvedValue(
      (board, _firmwareInPlace, { region: ram }) => {
        placeRam(board, ram, layout);
        return new SystemBus({ topology: board.topology, memory: board.system, io: board.ports, ram });
      },
      [MachineBoard, PciMemory, PcRam],
    );
  });
}

function placeRam({ topology, system, ramSize }: MachineBoard, ram: MemoryRegion, layout: MemoryLayout): void {
  const { lowRam = lowRamOfPc } = layout;
  const low = lowRamOf(ramSize, lowRam);
  topology.transaction(() => {
    system.addSubregion(0, MemoryRegion.alias(topology, 'ram-below-4g', ram, 0, low));
    if (low === ramSize) return;
    system.addSubregion(4 * GiB, MemoryRegion.alias(topology, 'ram-above-4g', ram, low, ramSize - low));
  });
}

/** Returns the container of the firmware: the PCI address space, or the machine's own. */
function placeFirmware({ topology, system, firmware }: MachineBoard, { biosSize, hasPci }: MemoryLayout): MemoryRegion {
  const bios = MemoryRegion.ram(topology, 'pc.bios', biosSize);
  firmware.fill(bios.ram!.bytes);
  const low = Math.min(biosSize, BiosBelow1MiB);
  const isaBios = MemoryRegion.alias(topology, 'isa-bios', bios, biosSize - low, low);
  const optionRoms = MemoryRegion.ram(topology, 'pc.rom', OptionRoms.size);
  const around = hasPci ? MemoryRegion.container(topology, 'pci', system.size) : system;
  topology.transaction(() => {
    // Read-only with PCI: the PAM registers show RAM where firmware writes. Without PCI they are writable, as in QEMU.
    for (const region of [bios, isaBios, optionRoms]) region.setReadOnly(hasPci);
    around.addSubregion(4 * GiB - biosSize, bios);
    around.addSubregion(1 * MiB - low, isaBios, OverRam);
    around.addSubregion(OptionRoms.start, optionRoms, OverRam);
    if (hasPci) system.addSubregion(0, around, BehindRam);
  });
  return around;
}
