import { bit, bits, portRegion, reserved, undocumented } from '../../sdk/index.ts';
import { configRegisters } from '../../sdk/pci.ts';

/** The guest places them. Of 64 ports three registers and the timer are modelled. */
export const ports = portRegion({ name: 'piix4-pm', size: 0x40, missing: 'silent' });
export const apmPorts = portRegion({ name: 'apm-io', base: 0xb2, size: 2, implements: { max: 1 }, mirrored: true });

/** @see Intel 82371AB (PIIX4) datasheet, order number 290562, "PMBA - Power Management Base Address" */
export const powerManagementBase = configRegisters.register(0x40, {
  width: 32,
  reset: 0x0000_0001,
  atReset: 'set-by-device',
  description: 'PMBA: the ports of power management',
  fields: {
    isPorts: bit(0, 'constant', { description: 'always set' }),
    base: bits(6, 15, 'read-write', { description: 'bits 15 to 6 of the first port' }),
    unused: reserved([1, 5], [16, 31]),
  },
});

/**
 * @see Intel 82371AB (PIIX4) datasheet, "DEVACTB - Device Activity B"
 * @see QEMU 7.2, hw/acpi/piix4.c, piix4_pm_reset: without system management mode APMC_EN is set, so that firmware finds it
 *   initialised
 */
export const deviceActivityB = configRegisters.register(0x58, {
  width: 32,
  reset: 0x0200_0000,
  description: 'DEVACTB: events that keep the system awake',
  fields: {
    below: bits(0, 24, 'unimplemented', { description: 'which devices are watched' }),
    apmcEnable: bit(25, 'read-write', {
      description: 'APMC_EN: a write to APMC raises an SMI, which no processor here takes; set, as firmware leaves it',
    }),
    above: bits(26, 31, 'unimplemented', { description: 'other sources of SMIs' }),
  },
});

/** @see Intel 82371AB (PIIX4) datasheet, "PMREGMISC - Miscellaneous Power Management" */
export const miscellaneous = configRegisters.register(0x80, {
  width: 8,
  atReset: 'set-by-device',
  description: 'PMREGMISC',
  fields: {
    portsEnable: bit(0, 'read-write', { description: 'PMIOSE: shows the ports of power management' }),
    unused: undocumented([1, 7]),
  },
});

/** @see Intel 82371AB (PIIX4) datasheet, "SMBBA - SMBus Base Address": the ports are not modelled */
export const smbusBase = configRegisters.register(0x90, {
  width: 32,
  reset: 0x0000_0001,
  description: 'SMBBA: the ports of the SMBus',
});
/** @see Intel 82371AB (PIIX4) datasheet, "SMBHSTCFG - SMBus Host Configuration" */
export const smbusConfiguration = configRegisters.register(0xd2, { width: 8, description: 'SMBHSTCFG' });

/** @see Intel 82371AB (PIIX4) datasheet, "PMSTS - Power Management Status Register" */
export const status = ports.register(0, {
  width: 16,
  description: 'PMSTS',
  fields: {
    timer: bit(0, 'write-one-to-clear', { description: 'TMROF_STS: bit 23 of the timer has changed' }),
    others: bits(1, 15, 'constant', {
      description: 'bus master, global lock, power button, clock and wake-up: not modelled',
    }),
  },
});

/** @see Intel 82371AB (PIIX4) datasheet, "PMEN - Power Management Resume Enable Register" */
export const enable = ports.register(2, {
  width: 16,
  description: 'PMEN',
  fields: {
    timer: bit(0, 'read-write', { description: 'TMROF_EN: the timer raises the SCI' }),
    others: undocumented([1, 15]),
  },
});

/** @see Intel 82371AB (PIIX4) datasheet, "PMCNTRL - Power Management Control Register" */
export const control = ports.register(4, {
  width: 16,
  description: 'PMCNTRL',
  fields: {
    sciEnable: bit(0, 'read-write', { description: 'SCI_EN: events raise the SCI, and no SMI' }),
    others: undocumented([1, 9], [14, 15]),
    sleepType: bits(10, 12, 'read-write', { values: { SoftOff: 0 }, description: 'SUS_TYP' }),
    sleepEnable: bit(13, 'trigger', { description: 'SUS_EN: goes to sleep' }),
  },
});

/** @see Intel 82371AB (PIIX4) datasheet, "PMTMR - Power Management Timer Register" */
export const timer = ports.register(8, {
  width: 32,
  access: 'read-only',
  description: 'PMTMR: 24 bits that count at 3.579545 MHz',
});

/** What firmware writes there to begin and end ACPI. @see QEMU 7.2, hw/acpi/piix4.c, apm_ctrl_changed */
export const Apm = { AcpiDisable: 0xf0, AcpiEnable: 0xf1 } as const;
/** @see Intel 82371AB (PIIX4) datasheet, "APMC - Advanced Power Management Control Port" and "APMS" */
export const apmControl = apmPorts.register(0, { width: 8, description: 'APMC' });
export const apmStatus = apmPorts.register(1, { width: 8, description: 'APMS: the guest keeps a byte here' });
