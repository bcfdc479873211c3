import { lowMask } from '../../base/bits.ts';
import { BackplaneError } from '../../base/errors.ts';
import { rememberReserved, reserveMembers } from '../../device/class-checks.ts';
import { Device } from '../../device/index.ts';
import { state } from '../../state/schema.ts';
import { shape } from '../../state/shapes.ts';
import { TransferLog } from '../transfer-log.ts';

/** Clock polarity and phase: CPOL in bit 1, CPHA in bit 0. */
export type SpiMode = 0 | 1 | 2 | 3;
export type SpiBitOrder = 'msb-first' | 'lsb-first';

/** The widest word that a controller sends. */
const MostBits = 32;
const MostSelects = 16;

export interface SpiBusOptions {
  /** How many chip selects the controller has, 1 to 16. Default: 1. */
  readonly selects?: number;
}

/**
 * An SPI bus, as the controller that has it in a field sees it. An address is the number of a chip select. Each word goes both
 * ways at once: `exchange` answers what the selected chip drives meanwhile. `mode`, `wordBits` and `bitOrder` are the
 * controller's settings, and it may change them between two words.
 */
export class SpiBus {
  readonly kind = 'spi';
  readonly selects: number;
  @state({ as: shape.integer(0, 3) }) mode: SpiMode = 0;
  /** Bits of a word, 4 to 32. */
  @state({ as: shape.integer(1, MostBits) }) wordBits = 8;
  @state({ as: shape.choice(['msb-first', 'lsb-first']) }) bitOrder: SpiBitOrder = 'msb-first';
  private readonly chips: SpiDevice[] = [];
  private log: TransferLog | undefined;

  constructor({ selects = 1 }: SpiBusOptions = {}) {
    if (!Number.isInteger(selects) || selects < 1 || selects > MostSelects) {
      throw new BackplaneError(
        'invalid-spi-selects',
        `An SPI bus has 1 to ${MostSelects} chip selects, and ${selects} are given. Name how many the controller has.`,
      );
    }
    this.selects = selects;
  }

  get addressGrammar(): string {
    return this.selects === 1 ? 'the chip select 0' : `a chip select from 0 to ${this.selects - 1}`;
  }

  /** Called when a select ends, with the words of the transfer: `spi 0 9f 00 00 answers ff 20 20`. */
  set observer(observer: ((words: string) => void) | undefined) {
    this.log = observer && new TransferLog('spi', observer);
  }

  parse(text: string): number | undefined {
    const select = /^\d{1,2}$/.test(text) ? Number(text) : this.selects;
    return select < this.selects ? select : undefined;
  }

  format(select: number): string {
    return String(select);
  }

  /** The chip select of a device that names none: the first free one. */
  assign(_device: SpiDevice, taken: readonly number[]): number | undefined {
    return Array.from({ length: this.selects }, (_, select) => select).find((select) => !taken.includes(select));
  }

  /** Plugs a chip in. Answers how to take it off: the bus reads as ones then. */
  attach(device: SpiDevice, at: number): () => void {
    if (!Number.isInteger(at) || at < 0 || at >= this.selects) throw noSelect(this, device, at);
    const taken = this.chips.find(({ chipSelect }) => chipSelect === at);
    if (taken !== undefined) throw selectTaken(device, at, taken);
    this.chips.push(device);
    device.connectToBus(at);
    return () => this.chips.splice(this.chips.indexOf(device), 1);
  }

  /** A chip of one class takes the place of another, with its state. */
  replace(old: SpiDevice, made: SpiDevice): void {
    this.chips[this.chips.indexOf(old)] = made;
    made.connectToBus(old.chipSelect);
  }

  describe({ chipSelect }: SpiDevice): readonly string[] {
    return [`chip select = ${chipSelect}`];
  }

  /** Drives a chip select: a chip takes part while its own is active. Nothing happens where no chip is, or no change. */
  select(at: number, isActive = true): void {
    for (const chip of this.chips) {
      if (chip.chipSelect !== at || chip.selected === isActive) continue;
      chip.selected = isActive;
      if (isActive) chip.onSelect();
      else chip.onDeselect();
      if (isActive) this.log?.part(String(at));
      else this.log?.end();
    }
  }

  deselect(at: number): void {
    this.select(at, false);
  }

  /**
   * One word of `wordBits` bits out, and what comes back at the same time. Ones where no chip is selected. Where several are
   * selected each gets the word, and a zero of any is read.
   */
  exchange(word: number): number {
    const { wordBits, mode, bitOrder } = this;
    const ones = lowMask(wordBits);
    const out = (word & ones) >>> 0;
    let answer = ones;
    for (const chip of this.chips) {
      if (chip.selected) answer = (answer & chip.shiftWord(out, wordBits, mode, bitOrder)) >>> 0;
    }
    this.log?.byte(out, Math.ceil(wordBits / 4));
    this.log?.note(`>${answer.toString(16).padStart(Math.ceil(wordBits / 4), '0')}`);
    return answer;
  }

  /** All chips are deselected, as when the controller is reset. */
  reset(): void {
    this.mode = 0;
    this.wordBits = 8;
    this.bitOrder = 'msb-first';
    for (const { chipSelect } of this.chips) this.deselect(chipSelect);
  }

  /** Selects the chip, sends words of 8 bits, then `count` zeros. Answers what came back for the zeros. */
  transfer(at: number, words: readonly number[], count: number): readonly number[] {
    this.select(at);
    for (const word of words) this.exchange(word);
    const read = Array.from({ length: count }, () => this.exchange(0));
    this.deselect(at);
    return read;
  }
}

/**
 * A chip on an SPI bus. It overrides what happens when its chip select becomes active, at each word, and when the select ends.
 * For a chip that begins each transfer with a command byte extend `SpiCommandDevice`.
 */
export abstract class SpiDevice extends Device {
  /** The kind of bus that devices of this class plug into. */
  static readonly plugsInto = SpiBus;
  /** Its chip select is active. @internal */
  @state selected = false;
  #chipSelect = 0;

  constructor() {
    super();
    rememberReserved(this, SpiDevice);
  }

  override get bus(): 'spi' {
    return 'spi';
  }

  /** The chip select that the machine wired to it. */
  get chipSelect(): number {
    return this.#chipSelect;
  }

  /** The modes in which the chip works. In another the guest reads ones. Default: all. */
  get modes(): readonly SpiMode[] {
    return [0, 1, 2, 3];
  }

  /** Bits of the words that the chip takes. Wider words of a multiple are cut. Undefined: it takes each word as it comes. Default: 8. */
  get wordBits(): number | undefined {
    return 8;
  }

  get bitOrder(): SpiBitOrder {
    return 'msb-first';
  }

  /** Its chip select has become active. */
  onSelect(): void {}
  /** A word came in, and the answer goes out at the same time: it cannot depend on the word on a real bus. */
  abstract onTransfer(word: number, bits: number): number;
  /** Its chip select has become inactive. */
  onDeselect(): void {}

  override reset(): void {
    super.reset();
    this.selected = false;
  }

  /** A word of the controller, in the controller's settings. @internal */
  shiftWord(word: number, bits: number, mode: SpiMode, order: SpiBitOrder): number {
    if (!this.modes.includes(mode))
      return this.refuse(`a word in SPI mode ${mode}, in which the chip does not work`, bits);
    const own = this.wordBits ?? bits;
    if (bits % own !== 0) return this.refuse(`a word of ${bits} bits, and the chip takes words of ${own}`, bits);
    const isSame = order === this.bitOrder;
    const inOrder = isSame ? word : reversed(word, bits);
    let answer = 0;
    for (let done = 0; done < bits; done += own) {
      const isFirstLow = this.bitOrder === 'lsb-first';
      const shift = isFirstLow ? done : bits - own - done;
      const part = Math.floor(inOrder / 2 ** shift) % 2 ** own;
      answer += ((this.onTransfer(part, own) & lowMask(own)) >>> 0) * 2 ** shift;
    }
    return isSame ? answer : reversed(answer, bits);
  }

  /** @internal */
  connectToBus(at: number): void {
    this.#chipSelect = at;
  }

  private refuse(why: string, bits: number): number {
    this.guestError(why);
    return lowMask(bits);
  }
}

reserveMembers(SpiDevice, {
  selected: 'whether its chip select is active',
  chipSelect: 'the chip select that the machine wired to it',
  shiftWord: 'what its bus calls',
  connectToBus: 'what its bus calls',
});

/** The bits of a word in the opposite order. */
function reversed(word: number, bits: number): number {
  let answer = 0;
  for (let bit = 0; bit < bits; bit++) answer = answer * 2 + (Math.floor(word / 2 ** bit) % 2);
  return answer;
}

function noSelect(bus: SpiBus, { id }: SpiDevice, at: number): BackplaneError {
  return new BackplaneError(
    'invalid-spi-select',
    `Device '${id}': the SPI bus has no chip select ${at}. Give it ${bus.addressGrammar}.`,
  );
}

function selectTaken({ id }: SpiDevice, at: number, other: SpiDevice): BackplaneError {
  return new BackplaneError(
    'spi-select-taken',
    `Device '${id}' cannot be at chip select ${at}, where '${other.id}' is. Give one of them another addr.`,
  );
}
