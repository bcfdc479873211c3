import {
  containerRegion,
  contains,
  defineOptions,
  device,
  IsaBus,
  inject,
  isaIrq,
  MemoryRegion,
  mmioRegion,
  type OptionsOf,
  option,
  options,
  SystemBus,
  VirtualClock,
} from '../sdk/index.ts';
import { Modem, Registers, serialPorts } from './ns16550a/registers.ts';
import { Ns16550a, ofChip } from './ns16550a/uart.ts';

export { Ns16550a, serialPorts };

export const isaSerialOptions = defineOptions({
  ...ofChip,
  iobase: option.integer({
    ...{ description: 'first of its eight ports', default: 0x3f8, range: [0, 0xfff8], places: serialPorts },
  }),
  irq: option.integer({
    ...{ description: 'ISA interrupt line', default: 4, range: [0, 15], wires: { pin: 'irq', to: isaIrq } },
  }),
});

/**
 * A serial port of a PC: COM1 is at 0x3f8 with interrupt line 4, COM2 at 0x2f8 with 3. As on the board of a PC, the interrupt reaches
 * the bus while the chip's output OUT2 is on.
 *
 * @see National PC16550D datasheet, 8.7 "MODEM Control Register": OUT2
 */
@device({ type: 'isa-serial', description: 'Serial port of a PC: a 16550A on ISA' })
export class IsaSerial extends Ns16550a {
  static readonly plugsInto = IsaBus;

  constructor(
    @inject(VirtualClock) clock: VirtualClock,
    @options(isaSerialOptions) chosen: OptionsOf<typeof isaSerialOptions>,
  ) {
    super(clock, chosen);
  }

  protected override get interrupts(): boolean {
    return super.interrupts && this.drives(Modem.Out2);
  }
}

/** The widest distance of registers that is modelled: four bytes. */
const MostShift = 2;
const WindowSize = Registers << MostShift;
export const serialMemory = containerRegion({ name: 'serial-mm', size: WindowSize });
/** The bytes beside the registers. */
const beside = mmioRegion({ name: 'serial-mm-beside', size: WindowSize, priority: -1 });

export const serialMmOptions = defineOptions({
  ...ofChip,
  regshift: option.integer({
    ...{ description: 'registers are 1, 2 or 4 bytes apart: 0, 1, 2', default: 0, range: [0, MostShift] },
  }),
});

/**
 * A 16550A in memory, whose registers are the lowest bytes of cells of 1, 2 or 4 bytes. The other bytes read as zero.
 *
 * @see QEMU 7.2, hw/char/serial.c, serial_mm_read: the address is shifted by regshift
 */
@device({ type: 'serial-mm', description: 'A 16550A in memory' })
@contains(serialMemory)
export class SerialMm extends Ns16550a {
  static readonly plugsInto = SystemBus;

  constructor(
    @inject(VirtualClock) clock: VirtualClock,
    @options(serialMmOptions) private readonly chosen: OptionsOf<typeof serialMmOptions>,
  ) {
    super(clock, chosen);
  }

  @beside.read()
  readBeside(): number {
    return 0;
  }

  @beside.write()
  writeBeside(): void {}

  protected override onRealize(): void {
    const memory = this.region(serialMemory);
    const chip = this.region(serialPorts);
    memory.addSubregion(0, this.region(beside), beside.priority);
    for (let register = 0; register < Registers; register++) {
      const alias = MemoryRegion.alias(this.topology, `serial-mm-${register}`, chip, register, 1);
      memory.addSubregion(register << this.chosen.regshift, alias);
    }
  }
}
