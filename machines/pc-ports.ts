import { IsaParallel, IsaSerial } from '../devices/index.ts';
import { type UsedDevice, use } from '../sdk/index.ts';

/** Ports and interrupt lines of COM1 to COM4. @see QEMU 7.2, hw/char/serial-isa.c, serial_isa_realizefn */
const serialPlaces = [
  { iobase: 0x3f8, irq: 4 },
  { iobase: 0x2f8, irq: 3 },
  { iobase: 0x3e8, irq: 4 },
  { iobase: 0x2e8, irq: 3 },
] as const;

/** Of LPT1 to LPT3. @see QEMU 7.2, hw/char/parallel.c, parallel_isa_realizefn */
const parallelPlaces = [{ iobase: 0x378 }, { iobase: 0x278 }, { iobase: 0x3bc }] as const;

/** The first of several is there by default, others with a back end only. @see QEMU 7.2, hw/i386/pc.c, pc_superio_init */
const presenceOf = (index: number) => (index === 0 ? 'by-default' : 'with-backend');

/** COM1 with the back end `serial0`, LPT1 with `parallel0`; others where the request has their back ends: `serial1`, `parallel1`. */
export const pcPorts: readonly UsedDevice[] = [
  ...serialPlaces.map((place, index) =>
    use(IsaSerial, {
      id: `com${index + 1}`,
      options: { ...place, chardev: `serial${index}` },
      present: presenceOf(index),
    }),
  ),
  ...parallelPlaces.map((place, index) =>
    use(IsaParallel, {
      id: `lpt${index + 1}`,
      options: { ...place, chardev: `parallel${index}` },
      present: presenceOf(index),
    }),
  ),
];
