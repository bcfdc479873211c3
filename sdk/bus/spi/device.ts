import { lowMask } from '../../base/bits.ts';
import { rememberReserved, reserveMembers } from '../../device/class-checks.ts';
import { Device, inDeviceEvent } from '../../device/index.ts';
import { state } from '../../state/schema.ts';
import { SpiBus } from './bus.ts';
import type { SpiBitOrder, SpiChip, SpiMode } from './chip.ts';

/**
 * A chip on an SPI bus. It overrides what happens when its chip select becomes active, at each word, and when the select ends.
 * For a chip that begins each transfer with a command byte extend `SpiCommandDevice`.
 */
export abstract class SpiDevice extends Device implements SpiChip {
  /** The kind of bus that devices of this class plug into. */
  static readonly plugsInto = SpiBus;
  /** Its chip select is active. */
  @state selected = false;
  #chipSelect = 0;

  constructor() {
    super();
    rememberReserved(this, SpiDevice);
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

  /** What its bus calls: its chip select becomes active, or inactive. */
  driveSelect(isActive: boolean): void {
    this.selected = isActive;
    inDeviceEvent(this, isActive ? this.onSelect : this.onDeselect);
  }

  /** A word of the controller, in the controller's settings. Answers what the chip drives at the same time. */
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
      answer += ((inDeviceEvent(this, this.onTransfer, part, own) & lowMask(own)) >>> 0) * 2 ** shift;
    }
    return isSame ? answer : reversed(answer, bits);
  }

  /** Its bus has plugged it in at this chip select. */
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
  driveSelect: 'what its bus calls',
  shiftWord: 'what its bus calls',
  connectToBus: 'what its bus calls',
});

/** The bits of a word in the opposite order. */
function reversed(word: number, bits: number): number {
  let answer = 0;
  for (let bit = 0; bit < bits; bit++) answer = answer * 2 + (Math.floor(word / 2 ** bit) % 2);
  return answer;
}
