import { shape, state } from '../../sdk/index.ts';
import { InterruptRequests } from './interrupt-requests.ts';
import { highestRank, Inputs, inputOfRank } from './priority-resolver.ts';
import { CascadeInput, DefaultInput, Icw1, Icw4, Ocw2, Ocw3, SpecialMask, UnnamedSlave } from './registers.ts';

/** What the next byte at the data port is. QEMU's init_state. */
const expectations = ['mask', 'icw2', 'icw3', 'icw4'] as const;
type Expected = (typeof expectations)[number];

const None = -1;
/** The range of a register in a snapshot. */
const byte = { as: shape.bits(8) };

/**
 * One 8259A: eight inputs, the registers IRR, ISR and IMR, and an order of priority. Each write updates INT at once.
 * The MCS-80/85 mode and the SP/EN pin of buffered mode are not modelled.
 *
 * @see Intel 8259A datasheet, order number 231468
 */
export class InterruptChip {
  @state readonly inputs: InterruptRequests;
  /** ISR, the in-service register. */
  @state(byte) inService = 0;
  /** IMR, the interrupt mask register. A one masks the input. */
  @state(byte) mask = 0;
  @state(byte) vectorBase = 0;
  /** The input with the highest priority. The others follow in a circle. */
  @state({ as: shape.bits(3) }) first = 0;
  /** AEOI mode: an input leaves service at INTA. */
  @state automaticEnd = false;

  @state({ as: shape.choice(expectations) }) protected expected: Expected = 'mask';
  @state(byte) private icw3: number;
  @state private icw4Follows = false;
  @state private single = false;
  @state private allLevelTriggered = false;
  @state private rotateOnAutomaticEnd = false;
  @state private specialFullyNested = false;
  @state protected specialMask = false;
  @state private readInService = false;

  constructor(
    protected readonly role: 'master' | 'slave',
    /** ELCR, a register beside the chip: a one for each input that is level triggered. */
    elcr: () => number,
    /** Whether LTIM of ICW1 can make all inputs level triggered, as on a discrete 8259A. */
    private readonly obeysIcw1Level: boolean,
    /** INT. Called after every change inside, also with the same level. */
    private readonly onOutput: (level: boolean) => void,
  ) {
    this.inputs = this.createInputs(() => (this.allLevelTriggered ? 0xff : elcr()));
    this.icw3 = this.wiredIcw3;
  }

  /** IRR, the interrupt request register. */
  get requests(): number {
    return this.inputs.pending;
  }

  /** Sets the level of an input. The same level again is no edge. */
  setInput(input: number, level: boolean): void {
    this.inputs.setInput(1 << input, level);
    this.update();
  }

  /** ELCR was written. */
  triggersChanged(): void {
    this.inputs.sample();
    this.update();
  }

  writeCommand(value: number): void {
    if (value & Icw1.Initialize) this.initialize(value);
    else if (value & Ocw3.Select) this.writeOcw3(value);
    else this.writeOcw2(value >> 5, value & 7);
    this.update();
  }

  writeData(value: number): void {
    if (this.expected === 'mask') this.mask = value;
    else if (this.expected === 'icw2') this.vectorBase = value & 0xf8;
    else if (this.expected === 'icw3') this.icw3 = value;
    else if (this.expected === 'icw4') this.writeIcw4(value);
    this.expected = this.afterData(this.expected);
    this.update();
  }

  readCommand(): number {
    if (this.inputs.frozen) return this.poll();
    return this.readInService ? this.inService : this.requests;
  }

  readData(): number {
    return this.inputs.frozen ? this.poll() : this.mask;
  }

  /**
   * The input that should interrupt now; -1 if no request has a higher priority than those in service.
   *
   * @see Intel 8259A datasheet, "Fully Nested Mode" and "The Special Fully Nested Mode"
   */
  highestRequest(): number {
    const request = highestRank(this.requests & ~this.mask, this.first);
    if (request === Inputs) return None;
    const serving = this.specialFullyNested ? this.blocking() & ~this.slaves : this.blocking();
    return request < highestRank(serving, this.first) ? inputOfRank(request, this.first) : None;
  }

  /**
   * INTA: the input enters service. INT falls before it may rise again, so that a master sees an edge for each
   * interrupt of its slave. A request that is gone by now is answered as input 7 (spurious), and nothing enters
   * service.
   *
   * @see Intel 8259A datasheet, sections "Interrupt Sequence" and "Edge and Level Triggered Modes"
   */
  acknowledge(): number {
    const input = this.highestRequest();
    if (input === None) return DefaultInput;
    const bit = 1 << input;
    this.lowerOutput();
    if (!this.automaticEnd) this.inService |= bit;
    else if (this.rotateOnAutomaticEnd) this.makeLowest(input);
    this.inputs.served(bit);
    this.update();
    return input;
  }

  /** Whether a slave supplies the vector of this input of a master. */
  hasSlaveAt(input: number): boolean {
    return (this.slaves & (1 << input)) !== 0;
  }

  /** Whether a slave answers to this number on the cascade lines. */
  answersTo(cascade: number): boolean {
    return this.single || (this.icw3 & 7) === cascade;
  }

  /** Power-on. The chip has no reset pin. IMR becomes 0. @see QEMU 7.2, hw/intc/i8259_common.c, pic_reset_common */
  reset(): void {
    this.allLevelTriggered = this.single = this.icw4Follows = false;
    this.icw3 = this.wiredIcw3;
    this.expected = 'mask';
    this.clear();
    this.update();
  }

  /** Inputs of a master that have a slave. @see Intel 8259A datasheet, "Initialization Command Word 3" */
  protected get slaves(): number {
    return this.role === 'slave' || this.single ? 0 : this.icw3;
  }

  /** ICW3 as the PC's board connects the two chips. */
  private get wiredIcw3(): number {
    return this.role === 'master' ? 1 << CascadeInput : CascadeInput;
  }

  private clear(): void {
    this.inService = this.mask = this.vectorBase = this.first = 0;
    this.automaticEnd = false;
    this.rotateOnAutomaticEnd = false;
    this.specialFullyNested = false;
    this.specialMask = false;
    this.readInService = false;
    this.inputs.reset();
  }

  /** @see Intel 8259A datasheet, section "Initialization Command Words 1 and 2", (a) to (f) */
  private initialize(value: number): void {
    this.icw4Follows = (value & Icw1.Icw4Follows) !== 0;
    this.single = (value & Icw1.Single) !== 0;
    this.allLevelTriggered = this.obeysIcw1Level && (value & Icw1.LevelTriggered) !== 0;
    this.expected = 'icw2';
    if (this.role === 'slave') this.icw3 = UnnamedSlave;
    this.clear();
  }

  private afterData(word: Expected): Expected {
    if (word === 'icw2' && !this.single) return 'icw3';
    return (word === 'icw2' || word === 'icw3') && this.icw4Follows ? 'icw4' : 'mask';
  }

  private writeIcw4(value: number): void {
    this.specialFullyNested = (value & Icw4.SpecialFullyNested) !== 0;
    this.automaticEnd = (value & Icw4.AutomaticEnd) !== 0;
  }

  protected writeOcw2(command: number, input: number): void {
    if (command === Ocw2.SetPriority) this.makeLowest(input);
    else if (command === Ocw2.RotateOnAutomaticEnd) this.rotateOnAutomaticEnd = true;
    else if (command === Ocw2.StopRotatingOnAutomaticEnd) this.rotateOnAutomaticEnd = false;
    else if (command === Ocw2.EndSpecific || command === Ocw2.RotateOnEndSpecific) this.endOfInterrupt(command, input);
    else if (command === Ocw2.End || command === Ocw2.RotateOnEnd) {
      const rank = highestRank(this.blocking(), this.first);
      if (rank < Inputs) this.endOfInterrupt(command, inputOfRank(rank, this.first));
    }
  }

  /**
   * Inputs in service that block others. In special mask mode a masked input blocks none and needs a specific EOI.
   *
   * @see Intel 8259A datasheet, sections "Special Mask Mode" and "End of Interrupt"
   */
  protected blocking(): number {
    return this.specialMask ? this.inService & ~this.mask : this.inService;
  }

  private endOfInterrupt(command: number, input: number): void {
    this.inService &= ~(1 << input);
    if (command === Ocw2.RotateOnEnd || command === Ocw2.RotateOnEndSpecific) this.makeLowest(input);
  }

  private makeLowest(input: number): void {
    this.first = (input + 1) % Inputs;
  }

  private writeOcw3(value: number): void {
    if (value & Ocw3.Poll) this.inputs.freeze();
    if (value & Ocw3.ReadRegister) this.readInService = (value & Ocw3.InService) !== 0;
    if (value & SpecialMask.Change) this.specialMask = (value & SpecialMask.On) !== 0;
  }

  /**
   * The read after a poll command acknowledges the highest request, at either port.
   *
   * @see Intel 8259A datasheet, "Poll Command"; QEMU 7.2, hw/intc/i8259.c, pic_ioport_read
   */
  protected poll(): number {
    const answer = this.highestRequest() === None ? 0 : 0x80 | this.acknowledge();
    this.inputs.thaw();
    this.update();
    return answer;
  }

  /** The logic between the inputs and IRR. A subclass may replace it. */
  protected createInputs(levelTriggered: () => number): InterruptRequests {
    return new InterruptRequests(levelTriggered);
  }

  protected lowerOutput(): void {
    this.onOutput(false);
  }

  /** Computes INT from the registers. */
  protected update(): void {
    this.onOutput(this.highestRequest() !== None);
  }
}
