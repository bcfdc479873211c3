import { empty } from '../../machines/index.ts';
import { type Device, eventsOf, type InterruptPin } from '../../sdk/device/index.ts';
import type { Chip } from './chip.ts';
import type { QemuSubjectOptions } from './qemu-subject.ts';

/** Where QEMU's `versatilepb` has its chips. @see Arm DUI 0225, "Memory map" */
export const Versatile = {
  SerialBus: 0x1000_2000,
  Serial: 0x101f_1000,
  Timers: [0x101e_2000, 0x101e_3000],
  Gpio: [0x101e_4000, 0x101e_5000, 0x101e_6000, 0x101e_7000],
} as const;

/** The inputs of its interrupt controller, a PL190. @see Arm DUI 0225, "Interrupt controllers" */
export const VersatileInterrupt = { Timers: [4, 5], Gpio: [6, 7, 8, 9], Serial: 12 } as const;

/** A board of ours has nothing but RAM and the chips that are compared. Neither side has an RTC of a PC. */
const board = {
  dates: ['2024-02-28T21:43:50'],
  machine: empty,
  machineOptions: {},
  deviceOptions: () => ({}),
} satisfies Partial<Chip>;

const versatile: QemuSubjectOptions = { emulator: 'qemu-system-arm', machine: 'versatilepb' };

/** A chip of `versatilepb`; with `interrupts`, those inputs of its interrupt controller are compared. */
export const onVersatile = (interrupts: readonly number[] = []) => ({
  ...board,
  qemu: interrupts.length === 0 ? versatile : { ...versatile, watch: { type: 'pl190', inputs: interrupts } },
});

/** Highbank's PL022, with nothing on its bus, and its interrupt. */
export const Highbank = { Ssp: 0xfff3_9000, SspInterrupt: 23 } as const;

export const onHighbank = {
  ...board,
  qemu: {
    emulator: 'qemu-system-arm',
    machine: 'highbank',
    watch: { type: 'arm_gic', inputs: [Highbank.SspInterrupt] },
  } satisfies QemuSubjectOptions,
};

/** The PLIC of the `virt` machine. Context 0, its processor's machine mode, has the last output; 1 is supervisor mode. */
export const Virt = { Plic: 0x0c00_0000, Outputs: [1, 0] } as const;

export const onVirt = {
  ...board,
  qemu: {
    emulator: 'qemu-system-riscv64',
    machine: 'virt',
    arguments: ['-bios', 'none'],
    chips: { type: 'riscv.sifive.plic', names: ['plic'] },
    edgesOnly: true,
    watch: { type: 'riscv.sifive.plic', outputs: Virt.Outputs },
  } satisfies QemuSubjectOptions,
};

/** Drives an input pin that no wire leads to. */
export function driveInput(device: Device, pin: string, level: boolean): void {
  eventsOf(device)?.inputs.get(pin)?.set(level);
}

/** A bit for each pin, the first one lowest. */
export const levelsOf = (pins: readonly InterruptPin[]): number =>
  pins.reduce((levels, pin, bit) => levels | (Number(pin.level) << bit), 0);
