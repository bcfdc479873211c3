import type { ConformanceSettings } from '../../sdk/testing/index.ts';
import { deviceProfiles } from '../testing/conformance/device-profiles.ts';

/** A device that is mutated, and what its own conformance test says about it. */
export interface Suspect {
  readonly name: string;
  /** From the root of the repository: the file that exports the class first, then those of the same chip. */
  readonly files: readonly string[];
  readonly exported: string;
  readonly settings: ConformanceSettings;
  /** Damaged by hand only. */
  readonly byHandOnly?: boolean;
}

const settingsOf = (exported: string): ConformanceSettings => deviceProfiles[exported] ?? {};
const chip = (part: string): string => `devices/mc146818-rtc/${part}.ts`;

/** Two cards of registers and one with a calendar behind them; and those that are damaged by hand only. */
export const suspects: readonly Suspect[] = [
  {
    name: 'serial-port',
    files: ['test/mutation/devices/serial-port.ts'],
    exported: 'SerialPort',
    settings: settingsOf('SerialPort'),
  },
  { name: 'edu', files: ['devices/edu.ts'], exported: 'Edu', settings: settingsOf('Edu') },
  {
    name: 'mc146818rtc',
    files: [
      'devices/mc146818-rtc.ts',
      chip('alarm'),
      chip('calendar'),
      chip('interrupt-flags'),
      chip('periodic-interrupt'),
      chip('registers'),
      chip('time-bytes'),
      chip('time-of-day'),
      chip('update-cycle'),
    ],
    exported: 'Mc146818Rtc',
    settings: settingsOf('Mc146818Rtc'),
  },
  {
    name: 'i8259',
    files: ['devices/i8259.ts'],
    exported: 'I8259',
    settings: settingsOf('I8259'),
    byHandOnly: true,
  },
  {
    name: 'virtio-rng',
    files: ['devices/virtio-rng.ts'],
    exported: 'VirtioRng',
    settings: settingsOf('VirtioRng'),
    byHandOnly: true,
  },
  {
    name: 'sampler',
    files: ['test/mutation/devices/sampler.ts'],
    exported: 'Sampler',
    settings: settingsOf('Sampler'),
    byHandOnly: true,
  },
  ...[
    ['thermometer', 'test/mutation/devices/thermometer.ts', 'Thermometer'] as const,
    ['pl061', 'devices/pl061.ts', 'Pl061'] as const,
    ['plic', 'devices/plic.ts', 'Plic'] as const,
    ['spi-flash', 'devices/spi-flash.ts', 'SpiFlash'] as const,
    ['eeprom-image', 'devices/eeprom.ts', 'Eeprom'] as const,
    ['ds1307', 'devices/ds1307.ts', 'Ds1307'] as const,
    ['sp804', 'devices/sp804.ts', 'Sp804'] as const,
    ['opencores-i2c', 'devices/opencores-i2c.ts', 'OpencoresI2c'] as const,
    ['isa-serial', 'devices/ns16550a.ts', 'IsaSerial'] as const,
    ['pl011', 'devices/pl011.ts', 'Pl011'] as const,
    ['isa-parallel', 'devices/parallel.ts', 'IsaParallel'] as const,
  ].map(([name, file, exported]) => ({
    ...{ name, files: [file], exported },
    // Programs at the thousand sources of a PLIC take long.
    settings: exported === 'Plic' ? { ...settingsOf(exported), runs: 10 } : settingsOf(exported),
    byHandOnly: true,
  })),
  // Without an image: what is in one is no state.
  {
    name: 'eeprom',
    files: ['devices/eeprom.ts'],
    exported: 'Eeprom',
    settings: { ...settingsOf('Eeprom'), images: {} },
    byHandOnly: true,
  },
];
