import { ContainerModule } from 'inversify';
import {
  Ds1307,
  Eeprom,
  MmioConsole,
  mmioConsoleRegisters,
  OpencoresI2c,
  opencoresI2cRegisters,
  Pl011,
  Pl022,
  Pl061,
  Plic,
  pl011Registers,
  pl022Registers,
  pl061Registers,
  plicRegisters,
  Sbcon,
  Sp804,
  SpiFlash,
  sbconRegisters,
  sp804Registers,
} from '../devices/index.ts';
import { defineMachine, inverted, MemoryRegion, MiB, pin, place, SystemBus, use } from '../sdk/index.ts';
import { MachineBoard } from '../sdk/runtime.ts';
import { commonServices } from './pc-services.ts';

/** Where its chips and its RAM begin. */
export const BoardMap = {
  Plic: 0x0c00_0000,
  Console: 0x1000_0000,
  Sbcon: 0x1000_1000,
  I2c: 0x1000_2000,
  Gpio: 0x1000_3000,
  Timer: 0x1000_4000,
  Spi: 0x1000_5000,
  Serial: 0x1000_6000,
  Ram: 0x8000_0000,
} as const;

/** The sources of its PLIC. */
export const BoardSource = { Gpio: 1, Timer: 2, I2c: 3, Spi: 4, Serial: 5 } as const;

/** Services of a board without PCI and ISA: clock, DMA, and a memory map with the RAM at an address. Chips map themselves into it. */
export const boardServices = (ramBase: number): readonly ContainerModule[] => [
  commonServices,
  new ContainerModule(({ bind }) => {
    bind(SystemBus).toResolvedValue(
      ({ topology, system, ports, ramSize }) => {
        const ram = MemoryRegion.ram(topology, 'ram', ramSize);
        system.addSubregion(ramBase, MemoryRegion.alias(topology, 'ram-of-board', ram, 0, ramSize));
        return new SystemBus({ topology, memory: system, io: ports, ram });
      },
      [MachineBoard],
    );
  }),
];

/**
 * A board that is no PC: no ports, no ISA and no PCI bus. Output 0 of the GPIO selects the flash when it is high.
 */
export const board = defineMachine({
  name: 'board',
  description: 'Board with a PLIC, I2C, SPI, GPIO and a timer, and without ISA and PCI',
  services: boardServices(BoardMap.Ram),
  defaultRam: 16 * MiB,
  devices: [
    use(Plic, { id: 'plic', options: { sources: 31 }, at: [place(plicRegisters, BoardMap.Plic)] }),
    use(MmioConsole, { id: 'console', at: [place(mmioConsoleRegisters, BoardMap.Console)] }),
    use(Sbcon, { id: 'sbcon', at: [place(sbconRegisters, BoardMap.Sbcon)] }),
    use(Ds1307, { id: 'rtc', bus: 'sbcon', addr: '0x68' }),
    use(Eeprom, { id: 'eeprom', bus: 'sbcon', addr: '0x50' }),
    use(OpencoresI2c, {
      id: 'i2c',
      at: [place(opencoresI2cRegisters, BoardMap.I2c)],
      interrupts: { irq: pin('plic', `source[${BoardSource.I2c}]`) },
    }),
    use(Pl061, {
      id: 'gpio',
      at: [place(pl061Registers, BoardMap.Gpio)],
      interrupts: { irq: pin('plic', `source[${BoardSource.Gpio}]`) },
    }),
    use(Sp804, {
      id: 'timer',
      at: [place(sp804Registers, BoardMap.Timer)],
      interrupts: { timintc: pin('plic', `source[${BoardSource.Timer}]`) },
    }),
    use(Pl022, {
      id: 'spi',
      at: [place(pl022Registers, BoardMap.Spi)],
      interrupts: { irq: pin('plic', `source[${BoardSource.Spi}]`) },
      inputs: { 'select[0]': inverted(pin('gpio', 'out[0]')) },
    }),
    use(SpiFlash, { id: 'flash', bus: 'spi', addr: '0' }),
    use(Pl011, {
      id: 'uart',
      options: { chardev: 'serial0' },
      at: [place(pl011Registers, BoardMap.Serial)],
      interrupts: { irq: pin('plic', `source[${BoardSource.Serial}]`) },
    }),
  ],
  interruptController: 'plic',
});
