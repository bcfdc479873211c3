/** What a write there may set off, beside storing a value. */
export type LandmarkEffect = 'interrupts' | 'time' | 'work' | 'map' | 'delay' | 'reset';

/** What a PC has at addresses that the machine models nobody at. */
export interface Landmark {
  readonly name: string;
  readonly effect?: LandmarkEffect;
}

type Row = readonly [start: number, end: number, name: string, effect?: LandmarkEffect];

const ports: readonly Row[] = [
  [0x00, 0x0f, 'DMA controller', 'work'],
  [0x20, 0x21, 'interrupt controller', 'interrupts'],
  [0x40, 0x43, 'interval timer', 'time'],
  [0x60, 0x60, 'keyboard controller data', 'work'],
  [0x61, 0x61, 'speaker and timer gate', 'time'],
  [0x64, 0x64, 'keyboard controller command', 'work'],
  [0x80, 0x80, 'diagnostic port, written for the delay', 'delay'],
  [0x81, 0x8f, 'DMA page registers'],
  [0x92, 0x92, 'A20 gate and reset', 'map'],
  [0xa0, 0xa1, 'second interrupt controller', 'interrupts'],
  [0xb2, 0xb3, 'power management command', 'interrupts'],
  [0xc0, 0xdf, 'second DMA controller', 'work'],
  [0x170, 0x177, 'second IDE channel', 'work'],
  [0x1ce, 0x1d1, 'VBE display registers'],
  [0x1f0, 0x1f7, 'first IDE channel', 'work'],
  [0x2e8, 0x2ef, 'fourth serial port'],
  [0x2f8, 0x2ff, 'second serial port'],
  [0x376, 0x376, 'second IDE control', 'work'],
  [0x378, 0x37f, 'parallel port'],
  [0x3b0, 0x3df, 'VGA registers'],
  [0x3e8, 0x3ef, 'third serial port'],
  [0x3f0, 0x3f5, 'floppy controller', 'work'],
  [0x3f6, 0x3f6, 'first IDE control', 'work'],
  [0x3f8, 0x3ff, 'first serial port'],
  [0x402, 0x402, "SeaBIOS's debug console"],
  [0x4d0, 0x4d1, 'interrupt trigger modes', 'interrupts'],
  [0x510, 0x513, 'firmware configuration selector'],
  [0x514, 0x51b, 'firmware configuration DMA', 'work'],
  [0x600, 0x63f, 'ACPI power management', 'interrupts'],
  [0xae00, 0xae1f, 'PCI hotplug', 'work'],
  [0xaf00, 0xaf1f, 'CPU hotplug', 'work'],
  [0xafe0, 0xafe3, 'ACPI general purpose events', 'interrupts'],
  [0xcf9, 0xcf9, 'reset control', 'reset'],
];

const memory: readonly Row[] = [
  [0xa_0000, 0xb_ffff, 'VGA window'],
  [0xfec0_0000, 0xfec0_0fff, 'I/O APIC', 'interrupts'],
  [0xfed0_0000, 0xfed0_03ff, 'HPET', 'time'],
  [0xfee0_0000, 0xfee0_0fff, 'local APIC', 'interrupts'],
  [0xfee0_1000, 0xfeef_ffff, 'message-signalled interrupts', 'interrupts'],
];

/** What a PC has there, if anything is known. */
export function landmarkAt(isPort: boolean, address: number): Landmark | undefined {
  const row = (isPort ? ports : memory).find(([start, end]) => address >= start && address <= end);
  if (row === undefined) return undefined;
  const [, , name, effect] = row;
  return effect === undefined ? { name } : { name, effect };
}
