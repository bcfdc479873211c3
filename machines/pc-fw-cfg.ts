import { FwCfg, Pvpanic } from '../devices/index.ts';
import { GiB, type PreparedMachine } from '../sdk/index.ts';
import { littleEndian } from './little-endian.ts';
import { type LowRam, lowRamOf, lowRamOfPc } from './pc-memory.ts';
import { smbiosOf } from './smbios.ts';

/** @see QEMU 7.2, include/standard-headers/linux/qemu_fw_cfg.h, and hw/i386/fw_cfg.h */
const Key = { Uuid: 0x02, RamSize: 0x03, Processors: 0x05, MostProcessors: 0x0f, Irq0Override: 0x8002 } as const;

/** What the board says about itself, and how it is to be booted. */
export interface FirmwareConfiguration {
  readonly product: string;
  readonly version: string;
  /** EAX and EDX of CPUID leaf 1. */
  readonly processorId: readonly [eax: number, edx: number];
  /** Paths of devices, the first to boot from first: `/pci@i0cf8/ide@1,1/drive@0/disk@0`. Default: none. */
  readonly bootOrder?: readonly string[];
  /** Milliseconds until firmware that found nothing to boot from resets the machine. Default: it never does. */
  readonly rebootTimeout?: number;
  /** The board can be powered off by PIIX4's power management. Default: it has none. */
  readonly canPowerOff?: boolean;
  readonly lowRam?: LowRam;
}

/** Entries of 20 bytes: start, size, type 1 for RAM. @see QEMU 7.2, hw/i386/e820_memory_layout.h, struct e820_entry */
const e820 = (ram: readonly { readonly start: number; readonly size: number }[]): Uint8Array =>
  Uint8Array.from(
    ram.flatMap(({ start, size }) => [...littleEndian(start, 8), ...littleEndian(size, 8), ...littleEndian(1, 4)]),
  );

/** The sleep states S0 to S5 of PIIX4: S0, and S5 of type 0. S1 to S4 are not enabled. @see QEMU 7.2, hw/acpi/piix4.c, piix4_pm_realize */
const systemStates = Uint8Array.of(0x80, 0, 0, 1, 2, 0x80);

/** Fills the firmware configuration device of a PC, if it has one: RAM, one processor, boot order, SMBIOS. */
export function fillFwCfg(machine: PreparedMachine, configuration: FirmwareConfiguration): void {
  const fwCfg = machine.devices.find(({ device }) => device instanceof FwCfg)?.device as FwCfg | undefined;
  if (fwCfg === undefined) return;
  const { bootOrder = [], rebootTimeout = -1, canPowerOff = false, lowRam = lowRamOfPc, ...board } = configuration;
  const low = lowRamOf(machine.ramSize, lowRam);
  const above = machine.ramSize - low;
  const ram = [{ start: 0, size: low }, ...(above > 0 ? [{ start: 4 * GiB, size: above }] : [])];
  const { anchor, tables } = smbiosOf({ manufacturer: 'QEMU', ...board, ram });
  fwCfg.addItem(Key.Uuid, new Uint8Array(16));
  fwCfg.addItem(Key.RamSize, littleEndian(machine.ramSize, 8));
  fwCfg.addItem(Key.Processors, littleEndian(1, 2));
  fwCfg.addItem(Key.MostProcessors, littleEndian(1, 2));
  fwCfg.addItem(Key.Irq0Override, littleEndian(1, 4));
  const order = bootOrder.length === 0 ? '' : `${bootOrder.join('\n')}\0`;
  fwCfg.addFile('bootorder', new TextEncoder().encode(order));
  fwCfg.addFile('etc/boot-fail-wait', littleEndian(rebootTimeout, 4));
  fwCfg.addFile('etc/e820', e820(ram));
  const pvpanic = machine.devices.find(({ device }) => device instanceof Pvpanic)?.device as Pvpanic | undefined;
  if (pvpanic !== undefined) fwCfg.addFile('etc/pvpanic-port', littleEndian(pvpanic.ioport, 2));
  fwCfg.addFile('etc/smbios/smbios-anchor', anchor);
  fwCfg.addFile('etc/smbios/smbios-tables', tables);
  if (canPowerOff) fwCfg.addFile('etc/system-states', systemStates);
}
