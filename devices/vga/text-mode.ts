import type { AttributeController } from './attributes.ts';
import type { VgaPorts } from './ports.ts';

/** Mode 3: 80 by 25 characters of 9 by 16 dots, in colour. @see IBM, PS/2 Hardware Interface Technical Reference, "BIOS Mode 3" */
const registers = {
  miscellaneousOutput: 0x67,
  sequencerReset: 0x03,
  mapMask: 0x03,
  memoryMode: 0x02,
  graphicsMode: 0x10,
  graphicsMiscellaneous: 0x0e,
  bitMask: 0xff,
  pixelMask: 0xff,
  /** The screen shows memory. */
  attributeAddress: 0x20,
};
const crt = [
  ...[0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00, 0x4f, 0x0d, 0x0e, 0x00],
  ...[0x00, 0x00, 0x00, 0x9c, 0x8e, 0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff],
];
/** The palette, then mode control, overscan, plane enable and pixel panning. */
const attributes = [
  ...[0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14, 0x07, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f],
  ...[0x0c, 0x00, 0x0f, 0x08],
];

/** Leaves the registers as a VGA BIOS does. Fonts and colours are not loaded. */
export function setTextMode(card: VgaPorts, controller: AttributeController): void {
  Object.assign(card, registers);
  card.crt.set(crt);
  controller.registers.set(attributes);
}
