import {
  I440fx,
  I440fxPciHost,
  I440fxPciHostOverlaid,
  I8259,
  Mc146818Rtc,
  MsiWindow,
  Piix3,
  Piix4Pm,
} from '../devices/index.ts';
import { defineMachine, defineOptions, isaIrq, isaLines, KiB, option, use } from '../sdk/index.ts';
import { chipsOption, displays, firmwareChips, hasAllChips, processorId } from './pc-chips.ts';
import { fillCmos } from './pc-cmos.ts';
import { fillFwCfg } from './pc-fw-cfg.ts';
import { lowRamOfPc, pcMemory } from './pc-memory.ts';
import { pcPorts } from './pc-ports.ts';
import { busBehindBridge, commonServices } from './pc-services.ts';

const pcOptions = defineOptions({
  chips: chipsOption,
  resetControl: option.choice(['behind', 'overlay'], {
    description: 'the reset register at 0xcf9: behind the host bridge, as in hardware, or over its ports, as in QEMU',
    default: 'behind',
  }),
});

/** What its SMBIOS tables call it. */
const identity = { product: 'Standard PC (i440FX + PIIX, 1996)', version: 'pc-i440fx-7.2', processorId } as const;

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
    use(Piix4Pm, { id: 'pm', addr: '01.3', when: hasAllChips, interrupts: { sci: isaIrq(9) } }),
    ...displays('02.0'),
    ...firmwareChips,
    ...pcPorts,
  ],
  interruptController: ['pic', 'msi'],
  prepare: (machine) => {
    fillCmos(machine, lowRamOfPc, !hasAllChips(machine.options));
    fillFwCfg(machine, { ...identity, canPowerOff: true });
  },
});
