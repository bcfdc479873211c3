import { Mc146818Rtc } from '../devices/index.ts';
import { KiB, MiB, type PreparedMachine } from '../sdk/index.ts';
import { littleEndian } from './little-endian.ts';
import { type LowRam, lowRamOf, lowRamOfPc } from './pc-memory.ts';

/**
 * CMOS registers that a PC's firmware reads to find the hardware of the board.
 *
 * @see QEMU 7.2, hw/i386/pc.c, pc_cmos_init and pc_cmos_init_late
 */
const Cmos = {
  FloppyDrives: 0x10,
  Equipment: 0x14,
  BaseMemory: 0x15,
  MemoryAbove1MiB: 0x17,
  MemoryAbove1MiBAgain: 0x30,
  MemoryAbove16MiB: 0x34,
  ThirdBootDevice: 0x38,
  BootDevices: 0x3d,
  MemoryAbove4GiB: 0x5b,
  FurtherProcessors: 0x5f,
} as const;

/**
 * One empty drive of 2.88 MB, a coprocessor, a PS/2 mouse; boot from disk, then CD, then floppy.
 *
 * @see QEMU 7.2, hw/i386/pc.c, pc_cmos_init: the bytes of a default `pc`
 */
const Equipment = {
  FirstDrive: 0x50,
  Installed: 0x07,
  WithoutFloppy: 0x06,
  DiskThenCd: 0x12,
  ThenFloppy: 0x30,
} as const;

/**
 * Fills the CMOS RAM of a PC: the size of its RAM, and the equipment of a default board. `hasFloppy`: with an empty drive for
 * floppy disks.
 */
export function fillCmos(machine: PreparedMachine, lowRam: LowRam = lowRamOfPc, hasFloppy = true): void {
  const rtc = machine.devices.find(({ device }) => device instanceof Mc146818Rtc)?.device as Mc146818Rtc | undefined;
  if (rtc === undefined) return;
  const put = (register: number, value: number, bytes = 1): void => {
    for (const [at, byte] of littleEndian(value, bytes).entries()) rtc.setCmos(register + at, byte);
  };
  const ram = machine.ramSize;
  const low = lowRamOf(ram, lowRam);
  const units = (bytes: number, unit: number, most = 0xffff) => Math.min(Math.max(Math.floor(bytes / unit), 0), most);
  put(Cmos.BaseMemory, units(ram, KiB, 640), 2);
  put(Cmos.MemoryAbove1MiB, units(ram - 1 * MiB, KiB), 2);
  put(Cmos.MemoryAbove1MiBAgain, units(ram - 1 * MiB, KiB), 2);
  put(Cmos.MemoryAbove16MiB, units(low - 16 * MiB, 64 * KiB), 2);
  put(Cmos.MemoryAbove4GiB, units(ram - low, 64 * KiB, 0xff_ffff), 3);
  put(Cmos.FloppyDrives, hasFloppy ? Equipment.FirstDrive : 0);
  put(Cmos.Equipment, hasFloppy ? Equipment.Installed : Equipment.WithoutFloppy);
  put(Cmos.BootDevices, Equipment.DiskThenCd);
  put(Cmos.ThirdBootDevice, Equipment.ThenFloppy);
  put(Cmos.FurtherProcessors, 0);
}
