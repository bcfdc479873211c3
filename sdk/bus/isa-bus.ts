import { BackplaneError } from '../base/errors.ts';
import { Device, InterruptLine, type InterruptPin, type Token } from '../device/index.ts';
import type { MemoryRegion } from '../memory/index.ts';
import { state } from '../state/schema.ts';
import { Bus, type BusContainers, type Detach } from './bus.ts';

/**
 * A wire as a value: where a pin goes, said in a machine definition before the machine exists. The machine resolves the
 * service and connects.
 */
export class InterruptWire<S = unknown> {
  constructor(
    /** What the wire leads to, for messages and the qtree: 'ISA IRQ 8'. */
    readonly description: string,
    /** The service that owns the other end. */
    readonly service: Token<S>,
    private readonly attach: (pin: InterruptPin, service: S) => () => void,
    /** Why the other end does not exist, if so: reported with all other wiring mistakes. */
    readonly problem: string | undefined = undefined,
    /** The line itself, where inputs may follow it. */
    readonly sourceIn?: (service: S) => InterruptLine,
  ) {}

  /** Connects the pin, and answers how to take the wire off again. */
  connect(pin: InterruptPin, service: S): () => void {
    return this.attach(pin, service);
  }
}

const Lines = 16;

/** The ISA bus: ports, memory, and sixteen interrupt lines which devices may share. */
export class IsaBus extends Bus implements BusContainers {
  static readonly kind: string = 'isa';
  static readonly serviceName: string = 'IsaBus';
  readonly io: MemoryRegion;
  readonly memory: MemoryRegion;
  @state readonly lines: readonly InterruptLine[] = Array.from(
    { length: Lines },
    (_, n) => new InterruptLine(`ISA IRQ ${n}`),
  );

  constructor({ io, memory }: BusContainers) {
    super();
    this.io = io;
    this.memory = memory;
  }

  static forBench(around: BusContainers): IsaBus {
    return new IsaBus(around);
  }

  override get typeName(): string {
    return 'ISA';
  }

  override get containers(): BusContainers {
    return this;
  }

  /** Regions and wires are all that a device has on it, and the machine connects those. */
  attach(): Detach {
    return () => {};
  }

  /** The wire to one of the lines, by its description. */
  wireNamed(description: string): InterruptWire<IsaBus> | undefined {
    const irq = this.lines.findIndex(({ name }) => name === description);
    return irq < 0 ? undefined : isaIrq(irq);
  }

  /** IRQ 0 to 15. */
  line(irq: number): InterruptLine {
    const line = this.lines[irq];
    if (line === undefined)
      throw new BackplaneError(
        'unknown-interrupt-line',
        `ISA has the interrupt lines 0 to ${Lines - 1}; there is no ${irq}.`,
      );
    return line;
  }
}

/** The wires to all sixteen lines, for an interrupt controller: `inputs: { line: isaLines }`. */
export const isaLines: readonly InterruptWire<IsaBus>[] = Array.from({ length: Lines }, (_, irq) => isaIrq(irq));

/** The wire to an ISA interrupt line: `interrupts: { irq: isaIrq(8) }`. */
export function isaIrq(irq: number): InterruptWire<IsaBus> {
  const exists = Number.isInteger(irq) && irq >= 0 && irq < Lines;
  const problem = exists ? undefined : `ISA has the interrupt lines 0 to ${Lines - 1}; there is no ${irq}.`;
  const line = (bus: IsaBus) => bus.line(irq);
  return new InterruptWire(`ISA IRQ ${irq}`, IsaBus, (pin, bus) => line(bus).attach(pin), problem, line);
}

/** A device on the ISA bus: its port regions land among the bus's ports, its pins on ISA interrupt lines. */
export abstract class IsaDevice extends Device {
  static readonly plugsInto = IsaBus;
}
