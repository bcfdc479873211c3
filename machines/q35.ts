import { I8259, Ich9Lpc, Mc146818Rtc, MsiWindow, Q35Mch, Q35PciHost, VgaText } from '../devices/index.ts';
import { defineMachine, GiB, isaIrq, KiB, type PciPinWiring, use } from '../sdk/index.ts';
import { fillCmos } from './pc-cmos.ts';
import { pcMemory } from './pc-memory.ts';
import { commonServices, pciBehindBridge } from './pc-services.ts';

/** The window onto configuration space begins here at power-on; RAM ends before it. */
const lowRam = { largest: 0xb000_0000, ofLargeMachine: 2 * GiB } as const;

/**
 * How the board wires pins to PIRQ A to H (0 to 7): the chipset's own slots from 25 on to A-D, the bridge at 30 to E-H, and
 * cards to E-H in turn.
 */
export const q35PinWiring: PciPinWiring = (slot, pin) => {
  if (slot === 30) return pin + 4;
  return slot >= 25 ? pin : ((slot + pin) & 3) + 4;
};

/**
 * Missing of QEMU's q35: SATA (00:1f.2) and SMBus (00:1f.3), power management behind PMBASE, hotplug by ACPI, PCI Express and its
 * bridges, I/O APIC, HPET and local APIC, system management mode with its memory (the registers 0x50 and 0x9c of the memory
 * controller offer none), and what no machine here has: timer, keyboard controller, DMA controller, firmware's configuration ports.
 */
export const q35 = defineMachine({
  name: 'q35',
  description: 'Standard PC (Q35 + ICH9, 2009)',
  services: [commonServices, pcMemory({ biosSize: 256 * KiB, hasPci: true, lowRam }), pciBehindBridge(q35PinWiring)],
  devices: [
    use(Q35PciHost, { id: 'pci-host' }),
    use(Q35Mch, { id: 'mch', addr: '00.0' }),
    use(Ich9Lpc, { id: 'ich9', addr: '1f.0' }),
    use(I8259, { id: 'pic' }),
    use(MsiWindow, { id: 'msi' }),
    use(Mc146818Rtc, { id: 'rtc', options: { baseYear: 2000 }, interrupts: { irq: isaIrq(8) } }),
    use(VgaText, { id: 'vga' }),
  ],
  interruptController: ['pic', 'msi'],
  prepare: (machine) => fillCmos(machine, lowRam),
});
