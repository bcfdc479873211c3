export { Debugcon } from './debugcon.ts';
export { I440fx } from './i440fx.ts';
export { I440fxPciHostOverlaid } from './i440fx-pci-host/overlaid.ts';
export { I440fxPciHost } from './i440fx-pci-host.ts';
export { I8259 } from './i8259.ts';
export { Mc146818Rtc } from './mc146818-rtc.ts';
export { Piix3 } from './piix3.ts';
export { VgaText } from './vga-text.ts';
