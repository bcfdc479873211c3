import { CharBackend } from '../../sdk/backend.ts';
import { defineOptions, isaIrq, option } from '../../sdk/index.ts';

export const i8042Options = defineOptions({
  chardev: option.backend(CharBackend, { description: 'the terminal whose characters press the keys' }),
  irq: option.integer({
    ...{ description: 'ISA interrupt line of the keyboard', default: 1, range: [0, 15] },
    wires: { pin: 'irq', to: isaIrq },
  }),
  auxiliaryIrq: option.integer({
    ...{ description: 'ISA interrupt line of the auxiliary device', default: 12, range: [0, 15] },
    wires: { pin: 'auxiliaryIrq', to: isaIrq },
  }),
  instant: option.boolean({ description: 'bytes and self tests take no time, as in QEMU', default: false }),
});
