import {
  defineOptions,
  device,
  InterruptPin,
  IsaDevice,
  input,
  interruptController,
  type OptionsOf,
  option,
  options,
  state,
} from '../sdk/index.ts';
import { InterruptChip } from './i8259/interrupt-chip.ts';
import { CascadeInput, masterPorts, masterTriggers, Port, slavePorts, slaveTriggers } from './i8259/registers.ts';

const Lines = 16;
/**
 * The data port answers accesses that run past the two ports too.
 *
 * @see QEMU 7.2, hw/intc/i8259.c, pic_ioport_write: every address but 0 is the data port
 */
const DataAndBeyond = { length: Number.POSITIVE_INFINITY } as const;
/** The vector that the processor reads if no chip drives the bus. */
const FloatingBus = 0xff;

export const i8259Options = defineOptions({
  ltim: option.boolean({
    description: 'obey LTIM of ICW1, as a discrete 8259A does; in a PIIX3 the ELCR replaces it',
    default: false,
  }),
});

/**
 * The PC's two 8259A interrupt controllers with their edge/level registers: fifteen interrupt lines and one pin to the
 * processor. The slave drives input 2 of the master.
 *
 * A hostile guest can lose its own interrupts, or repeat them. It can acknowledge when nothing is requested, and gets
 * the spurious vector. Every register has eight bits, command words are accepted in any order, and no loop is longer
 * than eight.
 *
 * @see Intel 8259A datasheet, order number 231468, "Cascade Mode"
 * @see QEMU 7.2, hw/intc/i8259.c, pic_ioport_write, pic_read_irq and i8259_init
 */
@device({ type: 'i8259', description: 'pair of 8259A interrupt controllers' })
@interruptController()
export class I8259 extends IsaDevice {
  /** INTR of the processor. */
  readonly interrupt = new InterruptPin();
  @masterTriggers masterTriggers = 0;
  @slaveTriggers slaveTriggers = 0;
  /** @internal */
  @state readonly master: InterruptChip;
  /** @internal */
  @state readonly slave: InterruptChip;

  constructor(@options(i8259Options) { ltim }: OptionsOf<typeof i8259Options>) {
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

  /** IR0 to IR7 of the master, then those of the slave. Input 2 has no pin here: the slave drives it. */
  @input({ count: Lines, description: 'interrupt requests: the lines of the ISA bus' })
  line(level: boolean, index: number): void {
    if (index === CascadeInput) return;
    const chip = index < 8 ? this.master : this.slave;
    chip.setInput(index & 7, level);
  }

  @masterPorts.write(Port.Command)
  writeMasterCommand(value: number): void {
    this.master.writeCommand(value);
  }

  @masterPorts.read(Port.Command)
  readMasterRequestsOrServices(): number {
    return this.master.readCommand();
  }

  @masterPorts.write(Port.Data, DataAndBeyond)
  writeMasterMaskOrInitialization(value: number): void {
    this.master.writeData(value);
  }

  @masterPorts.read(Port.Data, DataAndBeyond)
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

  @slavePorts.write(Port.Data, DataAndBeyond)
  writeSlaveMaskOrInitialization(value: number): void {
    this.slave.writeData(value);
  }

  @slavePorts.read(Port.Data, DataAndBeyond)
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

  /** Whether an interrupt is requested from the processor: the level of INTR. */
  get pending(): boolean {
    return this.interrupt.level;
  }

  /**
   * INTA of the processor: returns the vector. The master selects the input. If ICW3 has a slave at that input, the
   * slave with that number supplies the vector.
   *
   * @see Intel 8259A datasheet, "Interrupt Sequence" and "Cascade Mode"
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

  /** The class of the two chips. A subclass may replace it. @internal */
  protected chipClass(): typeof InterruptChip {
    return InterruptChip;
  }

  private cascade(level: boolean): void {
    this.master.setInput(CascadeInput, level);
  }
}
