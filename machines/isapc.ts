import { I8259, Mc146818Rtc, VgaText } from '../devices/index.ts';
import { defineMachine, defineOptions, isaIrq, isaLines, KiB, use } from '../sdk/index.ts';
import { chipsOption, firmwareChips, hasAllChips, processorId } from './pc-chips.ts';
import { fillCmos } from './pc-cmos.ts';
import { fillFwCfg } from './pc-fw-cfg.ts';
import { lowRamOfPc, pcMemory } from './pc-memory.ts';
import { pcPorts } from './pc-ports.ts';
import { commonServices, isaOnly } from './pc-services.ts';

/** @see QEMU 7.2, hw/i386/pc_piix.c, isapc_machine_options */
export const isapc = defineMachine({
  name: 'isapc',
  description: 'PC with an ISA bus and no PCI (1984)',
  options: defineOptions({ chips: chipsOption }),
  services: [commonServices, pcMemory({ biosSize: 128 * KiB, hasPci: false }), isaOnly],
  devices: [
    use(I8259, { id: 'pic', inputs: { line: isaLines } }),
    use(Mc146818Rtc, { id: 'rtc', options: { baseYear: 2000 }, interrupts: { irq: isaIrq(8) } }),
    use(VgaText, { id: 'vga' }),
    ...firmwareChips,
    ...pcPorts,
  ],
  interruptController: 'pic',
  prepare: (machine) => {
    fillCmos(machine, lowRamOfPc, !hasAllChips(machine.options));
    fillFwCfg(machine, { product: 'ISA-only PC', version: 'isapc', processorId });
  },
});
