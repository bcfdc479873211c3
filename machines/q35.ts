import { Eeprom, I8259, Ich9Lpc, Ich9Smbus, Mc146818Rtc, MsiWindow, Q35Mch, Q35PciHost } from '../devices/index.ts';
import { defineMachine, defineOptions, GiB, isaIrq, isaLines, KiB, use } from '../sdk/index.ts';
import type { PciPinWiring } from '../sdk/pci.ts';
import { chipsOption, displays, firmwareChips, hasAllChips, processorId } from './pc-chips.ts';
import { fillCmos } from './pc-cmos.ts';
import { fillFwCfg } from './pc-fw-cfg.ts';
import { pcMemory } from './pc-memory.ts';
import { pcPorts } from './pc-ports.ts';
import { commonServices, pciBehindBridge } from './pc-services.ts';

/** RAM ends where the configuration window (ECAM) is at power-on. @see QEMU 7.2, hw/i386/pc_q35.c, pc_q35_init */
const lowRam = { largest: 0xb000_0000, ofLargeMachine: 2 * GiB } as const;

/**
 * The routing of interrupt pins to PIRQ A to H (0 to 7). The chipset's slots from 25 on use A to D. The bridge at 30 uses
 * E to H, and cards use E to H in turn.
 *
 * @see QEMU 7.2, hw/isa/lpc_ich9.c, ich9_cc_init and ich9_cc_update
 */
export const q35PinWiring: PciPinWiring = (slot, pin) => {
  if (slot === 30) return pin + 4;
  return slot >= 25 ? pin : ((slot + pin) & 3) + 4;
};

/** The EEPROMs of eight memory modules, blank as in QEMU. @see QEMU 7.2, hw/i386/pc_q35.c: smbus_eeprom_init */
const memoryModules = Array.from({ length: 8 }, (_, module) =>
  use(Eeprom, {
    id: `spd${module}`,
    bus: 'smbus',
    addr: `0x5${module}`,
    options: { part: '24c02' },
  }),
);

/**
 * Not modelled, compared with QEMU's q35:
 * - SATA (00:1f.2), power management at PMBASE, ACPI hotplug.
 * - PCI Express and its bridges, I/O APIC, HPET and local APIC.
 * - System management mode and its memory (TSEG; registers 0x50 and 0x9c of the memory controller).
 * - On no machine here: DMA controller, floppy and disk controllers.
 *
 * @see QEMU 7.2, hw/i386/pc_q35.c, pc_q35_init
 */
export const q35 = defineMachine({
  name: 'q35',
  description: 'Standard PC (Q35 + ICH9, 2009)',
  options: defineOptions({ chips: chipsOption }),
  services: [commonServices, pcMemory({ biosSize: 256 * KiB, hasPci: true, lowRam }), pciBehindBridge(q35PinWiring)],
  devices: [
    use(Q35PciHost, { id: 'pci-host' }),
    use(Q35Mch, { id: 'mch', addr: '00.0' }),
    use(Ich9Lpc, { id: 'ich9', addr: '1f.0' }),
    use(Ich9Smbus, { id: 'smbus', addr: '1f.3' }),
    ...memoryModules,
    use(I8259, { id: 'pic', inputs: { line: isaLines } }),
    use(MsiWindow, { id: 'msi' }),
    use(Mc146818Rtc, { id: 'rtc', options: { baseYear: 2000 }, interrupts: { irq: isaIrq(8) } }),
    ...displays('01.0'),
    ...firmwareChips,
    ...pcPorts,
  ],
  interruptController: ['pic', 'msi'],
  prepare: (machine) => {
    fillCmos(machine, lowRam, !hasAllChips(machine.options));
    fillFwCfg(machine, { product: 'Standard PC (Q35 + ICH9, 2009)', version: 'pc-q35-7.2', processorId, lowRam });
    for (const { device } of machine.devices) {
      if (device instanceof Eeprom && !device.hasImage) device.memory.fill(0);
    }
  },
});
