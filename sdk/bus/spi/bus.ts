import { lowMask } from '../../base/bits.ts';
import { BackplaneError } from '../../base/errors.ts';
import type { ClassMetadata, Device } from '../../device/index.ts';
import { state } from '../../state/schema.ts';
import { shape } from '../../state/shapes.ts';
import { Bus, type Detach } from '../bus.ts';
import { TransferLog } from '../transfer-log.ts';
import { type SpiBitOrder, type SpiChip, type SpiMode, standIn } from './chip.ts';

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
export class SpiBus extends Bus<Device & SpiChip, number> {
  static readonly kind = 'spi';
  override readonly addressGrammar: string;
  readonly selects: number;
  @state({ as: shape.integer(0, 3) }) mode: SpiMode = 0;
  /** Bits of a word, 4 to 32. */
  @state({ as: shape.integer(1, MostBits) }) wordBits = 8;
  @state({ as: shape.choice(['msb-first', 'lsb-first']) }) bitOrder: SpiBitOrder = 'msb-first';
  private readonly chips: SpiChip[] = [];
  private log: TransferLog | undefined;

  constructor({ selects = 1 }: SpiBusOptions = {}) {
    super();
    if (!Number.isInteger(selects) || selects < 1 || selects > MostSelects) {
      throw new BackplaneError(
        'invalid-spi-selects',
        `An SPI bus has 1 to ${MostSelects} chip selects, and ${selects} are given. Name how many the controller has.`,
      );
    }
    this.selects = selects;
    this.addressGrammar = selects === 1 ? 'the chip select 0' : `a chip select from 0 to ${selects - 1}`;
  }

  override get typeName(): string {
    return 'SPI';
  }

  /** Called when a select ends, with the words of the transfer: `spi 0 9f 00 00 answers ff 20 20`. */
  set observer(observer: ((words: string) => void) | undefined) {
    this.log = observer && new TransferLog('spi', observer);
  }

  override addressOnBench(): number {
    return 0;
  }

  override parse(text: string): number | undefined {
    const select = /^\d{1,2}$/.test(text) ? Number(text) : this.selects;
    return select < this.selects ? select : undefined;
  }

  /** The chip select of a device that names none: the first free one. */
  override assign(_device: ClassMetadata, taken: readonly number[]): number | undefined {
    return Array.from({ length: this.selects }, (_, select) => select).find((select) => !taken.includes(select));
  }

  /** Plugs a chip in. Answers how to take it off: the bus reads as ones then. */
  attach(device: Device & SpiChip, at: number): Detach {
    if (!Number.isInteger(at) || at < 0 || at >= this.selects) throw noSelect(this, device, at);
    const taken = this.chips.find(({ chipSelect }) => chipSelect === at);
    if (taken !== undefined) throw selectTaken(device, at, taken);
    this.chips.push(device);
    device.connectToBus(at);
    return () => {
      const index = this.chips.indexOf(device);
      if (index >= 0) this.chips.splice(index, 1);
    };
  }

  override attachStandIn(): Detach {
    this.chips.push(standIn);
    return () => void this.chips.splice(this.chips.indexOf(standIn), 1);
  }

  /** Drives a chip select: a chip takes part while its own is active. Nothing happens where no chip is, or no change. */
  select(at: number, isActive = true): void {
    for (const chip of this.chips) {
      if (chip.chipSelect !== at || chip.selected === isActive) continue;
      chip.driveSelect(isActive);
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
  override reset(): void {
    this.mode = 0;
    this.wordBits = 8;
    this.bitOrder = 'msb-first';
    for (const { chipSelect } of this.chips) this.deselect(chipSelect);
  }

  /** Selects the chip, sends words of 8 bits, then `count` zeros. Answers what came back for the zeros. */
  override transfer(at: number, words: readonly number[], count: number, isOpen = false): readonly number[] {
    this.select(at);
    for (const word of words) this.exchange(word);
    const read = Array.from({ length: count }, () => this.exchange(0));
    if (!isOpen) this.deselect(at);
    return read;
  }
}

function noSelect(bus: SpiBus, { id }: SpiChip, at: number): BackplaneError {
  return new BackplaneError(
    'invalid-spi-select',
    `Device '${id}': the SPI bus has no chip select ${at}. Give it ${bus.addressGrammar}.`,
  );
}

function selectTaken({ id }: SpiChip, at: number, other: SpiChip): BackplaneError {
  return new BackplaneError(
    'spi-select-taken',
    `Device '${id}' cannot be at chip select ${at}, where '${other.id}' is. Give one of them another addr.`,
  );
}
