import { shape, state } from '../../sdk/index.ts';

/** Bits of the four initialization command words and the two operation command words that begin at the command port. */
const Icw1 = { Initialize: 0x10, LevelTriggered: 0x08, Single: 0x02, Icw4Follows: 0x01 } as const;
const Icw4 = { SpecialFullyNested: 0x10, AutomaticEnd: 0x02 } as const;
const Ocw3 = { Select: 0x08, Poll: 0x04, ReadRegister: 0x02, InService: 0x01 } as const;
const SpecialMask = { Change: 0x40, On: 0x20 } as const;
/** Bits 7-5 of OCW2. 2 is no operation. */
const Ocw2 = {
  StopRotatingOnAutomaticEnd: 0,
  End: 1,
  EndSpecific: 3,
  RotateOnAutomaticEnd: 4,
  RotateOnEnd: 5,
  SetPriority: 6,
  RotateOnEndSpecific: 7,
} as const;

/** What the next byte at the data port means. */
const expectations = ['mask', 'icw2', 'icw3', 'icw4'] as const;
type Expected = (typeof expectations)[number];

const Inputs = 8;
const None = -1;
/** The master's input that the slave is soldered to. */
export const CascadeInput = 2;
/** What is answered when the reason for an interrupt is gone before anybody asks. */
export const SpuriousInput = 7;

/** What a register of the chip holds, in a snapshot too. */
const byte = { as: shape.bits(8) };

/** One 8259A: eight inputs, three registers of eight bits, and who goes first. */
export class InterruptChip {
  /** Requests that wait, interrupts being served, requests that are held back: IRR, ISR and IMR of the datasheet. */
  @state(byte) requests = 0;
  @state(byte) inService = 0;
  @state(byte) mask = 0;
  @state(byte) vectorBase = 0;
  /** The input that goes first; the others follow in a circle. */
  @state({ as: shape.bits(3) }) first = 0;
  @state automaticEnd = false;

  @state(byte) private levels = 0;
  @state({ as: shape.choice(expectations) }) private expected: Expected = 'mask';
  @state private icw4Follows = false;
  @state private single = false;
  @state private allLevelTriggered = false;
  @state private rotateOnAutomaticEnd = false;
  @state private specialFullyNested = false;
  @state private specialMask = false;
  @state private readInService = false;
  @state private polled = false;

  constructor(
    private readonly role: 'master' | 'slave',
    /** Inputs that are level triggered, which a register beside the chip says: ELCR. */
    private readonly levelTriggered: () => number,
    /** Whether ICW1 can make all inputs level triggered, as on a chip of its own. */
    private readonly obeysIcw1Level: boolean,
    /** INT. Said again at every change inside, as a wire does. */
    private readonly onOutput: (level: boolean) => void,
  ) {}

  /** One of the inputs changes, or is said again to be as it is. */
  setInput(input: number, level: boolean): void {
    const bit = 1 << input;
    const wasHigh = (this.levels & bit) !== 0;
    this.levels = level ? this.levels | bit : this.levels & ~bit;
    if (this.isLevelTriggered(bit)) this.requests = level ? this.requests | bit : this.requests & ~bit;
    else if (level && !wasHigh) this.requests |= bit;
    this.update();
  }

  writeCommand(value: number): void {
    if (value & Icw1.Initialize) this.initialize(value);
    else if (value & Ocw3.Select) this.writeOcw3(value);
    else this.writeOcw2(value >> 5, value & 7);
  }

  writeData(value: number): void {
    if (this.expected === 'mask') this.writeMask(value);
    else if (this.expected === 'icw2') this.vectorBase = value & 0xf8;
    else if (this.expected === 'icw4') this.writeIcw4(value);
    this.expected = this.afterData(this.expected);
  }

  readCommand(): number {
    if (this.polled) return this.poll();
    return this.readInService ? this.inService : this.requests;
  }

  readData(): number {
    return this.polled ? this.poll() : this.mask;
  }

  /** The input that should interrupt now; -1 if none outranks what is being served. */
  highestRequest(): number {
    const request = this.rank(this.requests & ~this.mask);
    if (request === Inputs) return None;
    let serving = this.specialMask ? this.inService & ~this.mask : this.inService;
    if (this.specialFullyNested && this.role === 'master') serving &= ~(1 << CascadeInput);
    return request < this.rank(serving) ? this.inputOfRank(request) : None;
  }

  /** The input is being served from now on: it goes from requested to in service. */
  acknowledge(input: number): void {
    const bit = 1 << input;
    if (!this.automaticEnd) this.inService |= bit;
    else if (this.rotateOnAutomaticEnd) this.first = (input + 1) % Inputs;
    if (!this.isLevelTriggered(bit)) this.requests &= ~bit;
    this.update();
  }

  /** As after power-on: everything that ICW1 clears or says. No input is level triggered any more. */
  reset(): void {
    this.clear();
    this.allLevelTriggered = this.single = this.icw4Follows = false;
    this.expected = 'mask';
    this.update();
  }

  private isLevelTriggered(bit: number): boolean {
    return this.allLevelTriggered || (this.levelTriggered() & bit) !== 0;
  }

  /** Requests of level-triggered inputs stay. Levels are forgotten, so a line that says again that it is high is an edge. */
  private clear(): void {
    this.requests &= this.levelTriggered();
    this.levels = 0;
    this.inService = 0;
    this.mask = 0;
    this.vectorBase = 0;
    this.first = 0;
    this.automaticEnd = false;
    this.rotateOnAutomaticEnd = false;
    this.specialFullyNested = false;
    this.specialMask = false;
    this.readInService = false;
    this.polled = false;
  }

  private initialize(value: number): void {
    this.clear();
    this.icw4Follows = (value & Icw1.Icw4Follows) !== 0;
    this.single = (value & Icw1.Single) !== 0;
    this.allLevelTriggered = this.obeysIcw1Level && (value & Icw1.LevelTriggered) !== 0;
    this.expected = 'icw2';
    this.update();
  }

  private writeMask(value: number): void {
    this.mask = value;
    this.update();
  }

  private afterData(word: Expected): Expected {
    if (word === 'icw2' && !this.single) return 'icw3';
    return (word === 'icw2' || word === 'icw3') && this.icw4Follows ? 'icw4' : 'mask';
  }

  private writeIcw4(value: number): void {
    this.specialFullyNested = (value & Icw4.SpecialFullyNested) !== 0;
    this.automaticEnd = (value & Icw4.AutomaticEnd) !== 0;
  }

  private writeOcw2(command: number, input: number): void {
    if (command === Ocw2.SetPriority) this.rotate(input);
    else if (command === Ocw2.RotateOnAutomaticEnd) this.rotateOnAutomaticEnd = true;
    else if (command === Ocw2.StopRotatingOnAutomaticEnd) this.rotateOnAutomaticEnd = false;
    else if (command === Ocw2.EndSpecific || command === Ocw2.RotateOnEndSpecific) this.end(command, input);
    else if ((command === Ocw2.End || command === Ocw2.RotateOnEnd) && this.inService !== 0) {
      this.end(command, this.inputOfRank(this.rank(this.inService)));
    }
  }

  private end(command: number, input: number): void {
    this.inService &= ~(1 << input);
    if (command === Ocw2.RotateOnEnd || command === Ocw2.RotateOnEndSpecific) this.rotate(input);
    else this.update();
  }

  /** The input becomes the one that goes last. */
  private rotate(input: number): void {
    this.first = (input + 1) % Inputs;
    this.update();
  }

  private writeOcw3(value: number): void {
    if (value & Ocw3.Poll) this.polled = true;
    if (value & Ocw3.ReadRegister) this.readInService = (value & Ocw3.InService) !== 0;
    if (value & SpecialMask.Change) this.specialMask = (value & SpecialMask.On) !== 0;
  }

  /** The read that follows a poll command acknowledges the highest request, by either port. */
  private poll(): number {
    this.polled = false;
    const input = this.highestRequest();
    if (input === None) return 0;
    this.acknowledge(input);
    return 0x80 | input;
  }

  /** How many inputs go before the first of `bits`; 8 if there is none. */
  private rank(bits: number): number {
    for (let rank = 0; rank < Inputs; rank++) if (bits & (1 << this.inputOfRank(rank))) return rank;
    return Inputs;
  }

  private inputOfRank(rank: number): number {
    return (rank + this.first) % Inputs;
  }

  /** Called when requests, the mask or what is served changed; other words take effect with the next such change. */
  private update(): void {
    this.onOutput(this.highestRequest() !== None);
  }
}
