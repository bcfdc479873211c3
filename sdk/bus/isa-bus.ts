import { InterruptLine, state } from '../device/index.ts';
import { BackplaneError, type MemoryRegion } from '../memory/index.ts';
import { InterruptWire } from './interrupt-wire.ts';

const Lines = 16;

/** Where the devices of a bus are mapped. */
export interface BusContainers {
  /** Holds their ports. */
  readonly io: MemoryRegion;
  /** Holds their memory. */
  readonly memory: MemoryRegion;
}

/** The ISA bus: ports, memory, and sixteen interrupt lines which devices may share. */
export class IsaBus implements BusContainers {
  readonly io: MemoryRegion;
  readonly memory: MemoryRegion;
  @state readonly lines: readonly InterruptLine[] = Array.from(
    { length: Lines },
    (_, n) => new InterruptLine(`ISA IRQ ${n}`),
  );

  constructor({ io, memory }: BusContainers) {
    this.io = io;
    this.memory = memory;
  }

  /** IRQ 0 to 15. */
  line(irq: number): InterruptLine {
    const line = this.lines[irq];
    if (line === undefined)
      throw new BackplaneError(`ISA has the interrupt lines 0 to ${Lines - 1}; there is no ${irq}.`);
    return line;
  }
}

/** The wire to an ISA interrupt line: `interrupts: { irq: isaIrq(8) }`. */
export function isaIrq(irq: number): InterruptWire<IsaBus> {
  const exists = Number.isInteger(irq) && irq >= 0 && irq < Lines;
  const problem = exists ? undefined : `ISA has the interrupt lines 0 to ${Lines - 1}; there is no ${irq}.`;
  return new InterruptWire(`ISA IRQ ${irq}`, IsaBus, (pin, bus) => bus.line(irq).attach(pin), problem);
}
