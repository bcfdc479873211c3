import {
  bit,
  bits,
  defineOptions,
  device,
  InterruptPin,
  IsaBus,
  IsaDevice,
  inject,
  type OptionsOf,
  option,
  options,
  portRegion,
  state,
} from '../sdk/index.ts';
import { CascadeInput, InterruptChip, SpuriousInput } from './i8259/interrupt-chip.ts';

const Port = { Command: 0, Data: 1 } as const;
const Lines = 16;

const masterPorts = portRegion({ name: 'pic', base: 0x20, size: 2, implements: { max: 1 } });
const slavePorts = portRegion({ name: 'pic', base: 0xa0, size: 2, implements: { max: 1 } });
const masterElcr = portRegion({ name: 'elcr', base: 0x4d0, size: 1, implements: { max: 1 }, mirrored: true });
const slaveElcr = portRegion({ name: 'elcr', base: 0x4d1, size: 1, implements: { max: 1 }, mirrored: true });

const levelTriggered = { description: 'level triggered; the others look for edges' } as const;
const masterTriggers = masterElcr.register(0, {
  width: 8,
  fields: {
    irq0To2: bits(0, 2, 'constant', { description: 'timer, keyboard and cascade: always edges' }),
    irq3To7: bits(3, 7, 'read-write', levelTriggered),
  },
});
const slaveTriggers = slaveElcr.register(0, {
  width: 8,
  fields: {
    irq8: bit(0, 'constant', { description: 'clock: always edges' }),
    irq9To12: bits(1, 4, 'read-write', levelTriggered),
    irq13: bit(5, 'constant', { description: 'coprocessor: always edges' }),
    irq14To15: bits(6, 7, 'read-write', levelTriggered),
  },
});

export const i8259Options = defineOptions({
  ltim: option.boolean({
    description: 'obey the level-triggered bit of ICW1, as chips of their own do; in a PIIX3 the ELCR took its place',
    default: false,
  }),
});

/**
 * The PC's two 8259A interrupt controllers with their edge/level registers: fifteen interrupt lines, one wire to the
 * processor. The slave hangs on the master's input 2.
 *
 * A hostile guest can lose its own interrupts, or have them again and again; it can ask for an acknowledgement when there is
 * nothing and gets the spurious vector. Every register is eight bits, any order of command words is taken as it comes, and
 * no loop is longer than eight.
 */
@device({ type: 'i8259', description: 'pair of 8259A interrupt controllers' })
export class I8259 extends IsaDevice {
  /** INTR of the processor. */
  readonly interrupt = new InterruptPin();
  @masterTriggers masterTriggers = 0;
  @slaveTriggers slaveTriggers = 0;
  @state readonly master: InterruptChip;
  @state readonly slave: InterruptChip;
  private detach: readonly (() => void)[] = [];

  constructor(
    @inject(IsaBus) private readonly isa: IsaBus,
    @options(i8259Options) { ltim }: OptionsOf<typeof i8259Options>,
  ) {
    super();
    const triggers = [() => this.masterTriggers, () => this.slaveTriggers] as const;
    this.master = new InterruptChip('master', triggers[0], ltim, (level) => this.interrupt.set(level));
    this.slave = new InterruptChip('slave', triggers[1], ltim, (level) => this.cascade(level));
  }

  @masterPorts.write(Port.Command)
  writeMasterCommand(value: number): void {
    this.master.writeCommand(value);
  }

  @masterPorts.read(Port.Command)
  readMasterRequestsOrServices(): number {
    return this.master.readCommand();
  }

  /** What runs over the two ports is data too. */
  @masterPorts.write(Port.Data, { length: Number.POSITIVE_INFINITY })
  writeMasterMaskOrInitialization(value: number): void {
    this.master.writeData(value);
  }

  @masterPorts.read(Port.Data, { length: Number.POSITIVE_INFINITY })
  readMasterMask(): number {
    return this.master.readData();
  }

  @slavePorts.write(Port.Command)
  writeSlaveCommand(value: number): void {
    this.slave.writeCommand(value);
  }

  @slavePorts.read(Port.Command)
  readSlaveRequestsOrServices(): number {
    return this.slave.readCommand();
  }

  @slavePorts.write(Port.Data, { length: Number.POSITIVE_INFINITY })
  writeSlaveMaskOrInitialization(value: number): void {
    this.slave.writeData(value);
  }

  @slavePorts.read(Port.Data, { length: Number.POSITIVE_INFINITY })
  readSlaveMask(): number {
    return this.slave.readData();
  }

  /** Whether the processor is being interrupted. */
  get pending(): boolean {
    return this.master.highestRequest() >= 0;
  }

  /** The processor's answer to an interrupt: the vector to go to. A request that is gone by then has the spurious one. */
  acknowledge(): number {
    const input = this.master.highestRequest();
    if (input < 0) return this.master.vectorBase + SpuriousInput;
    const vector = input === CascadeInput ? this.acknowledgeSlave() : this.master.vectorBase + input;
    this.master.acknowledge(input);
    return vector;
  }

  override reset(): void {
    super.reset();
    this.slave.reset();
    this.master.reset();
  }

  protected override onRealize(): void {
    const inputs = Array.from({ length: Lines }, (_, line) => line).filter((line) => line !== CascadeInput);
    this.detach = inputs.map((line) => this.isa.line(line).connect((level) => this.setLine(line, level)));
  }

  protected override onUnrealize(): void {
    for (const detach of this.detach) detach();
  }

  /** ISA interrupt line 0 to 15: the master's inputs, then the slave's. */
  setLine(line: number, level: boolean): void {
    const chip = line < 8 ? this.master : this.slave;
    chip.setInput(line & 7, level);
  }

  private acknowledgeSlave(): number {
    const input = this.slave.highestRequest();
    if (input < 0) return this.slave.vectorBase + SpuriousInput;
    this.slave.acknowledge(input);
    return this.slave.vectorBase + input;
  }

  private cascade(level: boolean): void {
    this.master.setInput(CascadeInput, level);
  }
}
