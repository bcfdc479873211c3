import type { ConditionalModel } from '../../accelerator/index.ts';

/**
 * The addresses of local APICs. No device models one: what a machine of ours may have there takes messages from bus masters, and
 * everything in a recording comes from a processor.
 */
export const localApic: ConditionalModel = {
  isPort: false,
  address: 0xfee0_0000,
  size: 0x10_0000,
  device: () => undefined,
};
