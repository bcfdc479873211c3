import {
  defineOptions,
  device,
  InterruptPin,
  IsaBus,
  IsaDevice,
  inject,
  type OptionsOf,
  option,
  options,
  state,
} from '../sdk/index.ts';
import { InterruptChip } from './i8259/interrupt-chip.ts';
import { CascadeInput, masterPorts, masterTriggers, Port, slavePorts, slaveTriggers } from './i8259/registers.ts';

const Lines = 16;
/** What the processor takes for a vector if no chip drives the bus. */
const FloatingBus = 0xff;

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
    const Chip = this.chipClass();
    this.master = new Chip(
      'master',
      () => this.masterTriggers,
      ltim,
      (level) => this.interrupt.set(level),
    );
    this.slave = new Chip(
      'slave',
      () => this.slaveTriggers,
      ltim,
      (level) => this.cascade(level),
    );
    this.interrupt.highWhile = () => this.master.highestRequest() >= 0;
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

  @masterTriggers.onWrite()
  changeMasterTriggers(): void {
    this.master.triggersChanged();
  }

  @slaveTriggers.onWrite()
  changeSlaveTriggers(): void {
    this.slave.triggersChanged();
  }

  /** Whether the processor is being interrupted: the level of the pin. */
  get pending(): boolean {
    return this.interrupt.level;
  }

  /**
   * The processor's answer to an interrupt: the vector to go to. The master names the input; if ICW3 says that it has a slave
   * there, the slave of that number brings the vector.
   */
  acknowledge(): number {
    const { master, slave } = this;
    const input = master.acknowledge();
    if (!master.hasSlaveAt(input)) return master.vectorBase + input;
    return slave.answersTo(input) ? slave.vectorBase + slave.acknowledge() : FloatingBus;
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

  /** What the two chips are. A subclass may build others. */
  protected chipClass(): typeof InterruptChip {
    return InterruptChip;
  }

  private cascade(level: boolean): void {
    this.master.setInput(CascadeInput, level);
  }
}
