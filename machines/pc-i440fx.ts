import {
  I440fx,
  I440fxPciHost,
  I440fxPciHostOverlaid,
  I8259,
  Mc146818Rtc,
  MsiWindow,
  Piix3,
  VgaText,
} from '../devices/index.ts';
import { defineMachine, defineOptions, isaIrq, isaLines, KiB, option, use } from '../sdk/index.ts';
import { fillCmos } from './pc-cmos.ts';
import { pcMemory } from './pc-memory.ts';
import { pcPorts } from './pc-ports.ts';
import { busBehindBridge, commonServices } from './pc-services.ts';

const pcOptions = defineOptions({
  resetControl: option.choice(['behind', 'overlay'], {
    description: 'the reset register at 0xcf9: behind the host bridge, as in hardware, or over its ports, as in QEMU',
    default: 'behind',
  }),
});

/** @see QEMU 7.2, hw/i386/pc_piix.c, pc_init1 */
export const pcI440fx = defineMachine({
  name: 'pc-i440fx',
  aliases: ['pc'],
  description: 'Standard PC (i440FX + PIIX, 1996)',
  options: pcOptions,
  services: [commonServices, pcMemory({ biosSize: 256 * KiB, hasPci: true }), busBehindBridge],
  devices: [
    use(I440fxPciHost, { id: 'pci-host', when: ({ resetControl }) => resetControl === 'behind' }),
    use(I440fxPciHostOverlaid, { id: 'pci-host', when: ({ resetControl }) => resetControl === 'overlay' }),
    use(I440fx, { id: 'i440fx', addr: '00.0' }),
    use(Piix3, { id: 'piix3', addr: '01.0' }),
    use(I8259, { id: 'pic', inputs: { line: isaLines } }),
    use(MsiWindow, { id: 'msi' }),
    use(Mc146818Rtc, { id: 'rtc', options: { baseYear: 2000 }, interrupts: { irq: isaIrq(8) } }),
    use(VgaText, { id: 'vga' }),
    ...pcPorts,
  ],
  interruptController: ['pic', 'msi'],
  prepare: fillCmos,
});
