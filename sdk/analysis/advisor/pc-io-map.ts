/** The effect of a write by the datasheet. Three kinds only keep, show or log it; the others act at once, and late if queued. */
export type WriteEffect = 'keeps' | 'picture' | 'log' | BadEffect;
/** What must not come late. */
export type BadEffect = 'acknowledge' | 'interrupts' | 'time' | 'work' | 'map' | 'delay' | 'reset' | 'transmit';

/** What a PC has at an address. */
export interface IoMapEntry {
  readonly name: string;
  /** Undefined: that depends on what is written, or on the model. */
  readonly effect?: WriteEffect;
  /** Bytes of the register: a wider write reaches the next one. */
  readonly width: number;
  /** First and last address of what shows the effect of a write: reads of it must deliver the queue. */
  readonly partners?: readonly [first: number, last: number] | undefined;
}

interface PortDetails {
  readonly width?: number;
  readonly partners?: IoMapEntry['partners'];
}

type Row = readonly [start: number, end: number, name: string, effect?: WriteEffect, more?: PortDetails];

const rtc: PortDetails = { partners: [0x70, 0x71] };
const vbe: PortDetails = { partners: [0x1ce, 0x1d1], width: 2 };
const palette: PortDetails = { partners: [0x3c6, 0x3c9] };
const attributes: PortDetails = { partners: [0x3c0, 0x3da] };
const pciAddress: PortDetails = { partners: [0xcf8, 0xcff], width: 4 };
const hotplug: PortDetails = { partners: [0xae00, 0xae17], width: 4 };

/** The first row that holds an address counts. */
const ports: readonly Row[] = [
  [0x00, 0x0f, 'DMA controller', 'work'],
  [0x20, 0x21, 'interrupt controller', 'interrupts'],
  [0x40, 0x43, 'interval timer', 'time'],
  [0x60, 0x60, 'keyboard controller data', 'work'],
  [0x61, 0x61, 'speaker and timer gate', 'time'],
  [0x64, 0x64, 'keyboard controller command', 'work'],
  [0x70, 0x70, 'RTC index and NMI mask', 'keeps', rtc],
  [0x71, 0x71, 'RTC data', 'time'],
  [0x7e, 0x7f, "KVM's option ROM call", 'work'],
  [0x80, 0x80, 'diagnostic port, written for the delay', 'delay'],
  [0x81, 0x8f, 'DMA page registers', 'keeps', { partners: [0x81, 0x8f] }],
  [0x92, 0x92, 'A20 gate and reset', 'map'],
  [0xa0, 0xa1, 'second interrupt controller', 'interrupts'],
  [0xb2, 0xb2, 'power management command', 'interrupts'],
  [0xb3, 0xb3, 'power management status', 'keeps', { partners: [0xb2, 0xb3] }],
  [0xc0, 0xdf, 'second DMA controller', 'work'],
  [0xe9, 0xe9, "Bochs's debug console", 'log'],
  [0xed, 0xed, 'written for the delay', 'delay'],
  [0xf0, 0xf1, 'coprocessor error', 'interrupts'],
  ...diskChannel(0x170, 'second'),
  [0x1ce, 0x1ce, 'VBE index', 'keeps', vbe],
  [0x1cf, 0x1d1, 'VBE data', 'map'],
  ...diskChannel(0x1f0, 'first'),
  [0x278, 0x27f, 'second parallel port', 'transmit'],
  ...serialPort(0x2e8, 'fourth'),
  ...serialPort(0x2f8, 'second'),
  [0x378, 0x37f, 'first parallel port', 'transmit'],
  [0x3b4, 0x3b4, 'VGA CRT index', 'keeps', { partners: [0x3b4, 0x3b5] }],
  [0x3b5, 0x3b5, 'VGA CRT data', 'picture', { partners: [0x3b4, 0x3ba] }],
  [0x3c0, 0x3c1, 'VGA attributes', 'picture', attributes],
  [0x3c2, 0x3c3, 'VGA miscellaneous output', 'map'],
  [0x3c4, 0x3c4, 'VGA sequencer index', 'keeps', { partners: [0x3c4, 0x3c5] }],
  [0x3c5, 0x3c5, 'VGA sequencer data', 'map'],
  [0x3c6, 0x3c6, 'VGA palette mask', 'picture', palette],
  [0x3c7, 0x3c8, 'VGA palette index', 'keeps', palette],
  [0x3c9, 0x3c9, 'VGA palette data', 'picture', palette],
  [0x3ce, 0x3ce, 'VGA graphics index', 'keeps', { partners: [0x3ce, 0x3cf] }],
  [0x3cf, 0x3cf, 'VGA graphics data', 'map'],
  [0x3d4, 0x3d4, 'VGA CRT index', 'keeps', { partners: [0x3d4, 0x3d5] }],
  [0x3d5, 0x3d5, 'VGA CRT data', 'picture', { partners: [0x3d4, 0x3da] }],
  [0x3b0, 0x3df, 'VGA registers'],
  ...serialPort(0x3e8, 'third'),
  [0x3f0, 0x3f5, 'floppy controller', 'work'],
  [0x3f7, 0x3f7, 'floppy data rate', 'work'],
  ...serialPort(0x3f8, 'first'),
  [0x402, 0x402, "SeaBIOS's debug console", 'log'],
  [0x4d0, 0x4d1, 'interrupt trigger modes', 'interrupts'],
  [0x505, 0x505, 'panic notifier', 'reset'],
  [0x510, 0x510, 'firmware configuration index', 'keeps', { partners: [0x510, 0x511], width: 2 }],
  [0x511, 0x511, 'firmware configuration data'],
  [0x514, 0x517, 'firmware configuration DMA', 'keeps', { partners: [0x514, 0x51b] }],
  [0x518, 0x51b, 'firmware configuration DMA', 'work'],
  [0x600, 0x603, 'ACPI power management events', 'interrupts'],
  [0x604, 0x605, 'ACPI sleep control', 'reset'],
  [0x606, 0x63f, 'ACPI power management', 'interrupts'],
  [0xae08, 0xae0b, 'PCI hotplug eject', 'work'],
  [0xae10, 0xae17, 'PCI hotplug index', 'keeps', hotplug],
  [0xae00, 0xae1f, 'PCI hotplug'],
  [0xaf00, 0xaf1f, 'CPU hotplug', 'work'],
  [0xafe0, 0xafe3, 'ACPI general purpose events', 'interrupts'],
  [0xcf9, 0xcf9, 'reset control', 'reset'],
  [0xcf8, 0xcf8, 'PCI configuration address', 'keeps', pciAddress],
  [0xcfc, 0xcff, 'PCI configuration data', 'map'],
  [0x5658, 0x5658, 'VMware backdoor', 'work'],
];

const memory: readonly Row[] = [
  [0xa_0000, 0xb_ffff, 'VGA window', 'picture', { partners: [0xa_0000, 0xb_ffff] }],
  [0xfec0_0000, 0xfec0_0003, 'I/O APIC index', 'keeps', { partners: [0xfec0_0000, 0xfec0_0013], width: 4 }],
  [0xfec0_0000, 0xfec0_0fff, 'I/O APIC', 'interrupts'],
  [0xfed0_0000, 0xfed0_03ff, 'HPET', 'time'],
  [
    0xfee0_0310,
    0xfee0_0313,
    'local APIC, whom the next command goes to',
    'keeps',
    { partners: [0xfee0_0300, 0xfee0_0313] },
  ],
  [0xfee0_0380, 0xfee0_0383, 'local APIC timer', 'time'],
  [0xfee0_03e0, 0xfee0_03e3, 'local APIC timer', 'time'],
  [0xfee0_0280, 0xfee0_0283, 'local APIC, errors', 'keeps', { partners: [0xfee0_0280, 0xfee0_0283] }],
  [0xfee0_0000, 0xfee0_0fff, 'local APIC', 'interrupts'],
  [0xfee0_1000, 0xfeef_ffff, 'message-signalled interrupts', 'interrupts'],
];

/** All but the data port, the drive and the command are parameters of the next command. */
function diskChannel(base: number, which: string): Row[] {
  const parameters: PortDetails = { partners: [base, base + 7] };
  return [
    [base, base, `${which} IDE channel, data`, 'work'],
    [base + 1, base + 5, `${which} IDE channel, parameters`, 'keeps', parameters],
    [base + 6, base + 6, `${which} IDE channel, drive`, 'interrupts'],
    [base + 7, base + 7, `${which} IDE channel, command`, 'work'],
    [base + 0x206, base + 0x206, `${which} IDE channel, control`, 'interrupts'],
  ];
}

function serialPort(base: number, which: string): Row[] {
  const name = `${which} serial port`;
  return [
    [base, base, `${name}, data`, 'transmit'],
    [base + 1, base + 2, `${name}, interrupts`, 'interrupts'],
    [base + 3, base + 3, `${name}, line control`, 'transmit'],
    [base + 4, base + 4, `${name}, modem control`, 'interrupts'],
    [base + 7, base + 7, `${name}, scratch`, 'keeps', { partners: [base + 7, base + 7] }],
    [base + 5, base + 6, name],
  ];
}

/** What a PC has there, if anything is known. */
export function ioMapEntryAt(isPort: boolean, address: number): IoMapEntry | undefined {
  const row = (isPort ? ports : memory).find(([start, end]) => address >= start && address <= end);
  if (row === undefined) return undefined;
  const [, , name, effect, more] = row;
  return { name, width: 1, ...(effect === undefined ? {} : { effect }), ...more };
}

/** Everything that a write reaches. */
export function ioMapEntriesOf(isPort: boolean, start: number, size: number): (IoMapEntry | undefined)[] {
  const found: (IoMapEntry | undefined)[] = [];
  for (let address = start; address < start + size; ) {
    const entry = ioMapEntryAt(isPort, address);
    found.push(entry);
    address += entry?.width ?? 1;
  }
  return found;
}
