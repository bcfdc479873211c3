import { PageSize } from '../abi.ts';

/** Rows for pages and directions; a guest that touches more of them shares the overflow row of its direction. */
export const MostPageRows = 8192;
/** 2 ** 14. */
const Slots = 2 * MostPageRows;
const Free = -1;
/** A guest cannot make one lookup slow: what finds no row within so many steps counts as overflow. */
const MostSteps = 32;

/** Samples and userspace exits per memory page and direction: an open-addressed table that never grows. */
export class PageRows {
  /** Page number * 2 + direction, which a double holds exactly. */
  readonly #keys = new Float64Array(Slots).fill(Free);
  readonly #samples = new Float64Array(Slots + 2);
  readonly #exits = new Float64Array(Slots + 2);
  #used = 0;
  #lastKey = Free;
  #lastSlot = 0;

  sample(address: number, isWrite: boolean): void {
    this.#samples[this.#slotOf(address, isWrite)]!++;
  }

  exit(address: number, isWrite: boolean): void {
    this.#exits[this.#slotOf(address, isWrite)]!++;
  }

  /** An address of -1 is the overflow row. */
  add(address: number, isWrite: boolean, samples: number, exits: number): void {
    const slot = address < 0 ? Slots + (isWrite ? 1 : 0) : this.#slotOf(address, isWrite);
    this.#samples[slot]! += samples;
    this.#exits[slot]! += exits;
  }

  forEach(visit: (address: number, isWrite: boolean, samples: number, exits: number) => void): void {
    const used: number[] = [];
    for (let slot = 0; slot < Slots; slot++) if (this.#keys[slot] !== Free) used.push(slot);
    used.sort((a, b) => this.#keys[a]! - this.#keys[b]!);
    for (const slot of used) {
      const key = this.#keys[slot]!;
      visit(Math.floor(key / 2) * PageSize, key % 2 === 1, this.#samples[slot]!, this.#exits[slot]!);
    }
    for (const direction of [0, 1]) {
      const slot = Slots + direction;
      if (this.#samples[slot]! > 0) visit(-1, direction === 1, this.#samples[slot]!, this.#exits[slot]!);
    }
  }

  reset(): void {
    this.#keys.fill(Free);
    this.#samples.fill(0);
    this.#exits.fill(0);
    this.#used = 0;
    this.#lastKey = Free;
  }

  #slotOf(address: number, isWrite: boolean): number {
    const key = Math.floor(address / PageSize) * 2 + (isWrite ? 1 : 0);
    if (key === this.#lastKey) return this.#lastSlot;
    let slot = startOf(key);
    for (let step = 0; this.#keys[slot] !== key; step++) {
      if (this.#keys[slot] === Free && this.#used < MostPageRows) {
        this.#used++;
        this.#keys[slot] = key;
        break;
      }
      if (this.#keys[slot] === Free || step === MostSteps) return Slots + (isWrite ? 1 : 0);
      slot = (slot + 1) % Slots;
    }
    this.#lastKey = key;
    this.#lastSlot = slot;
    return slot;
  }
}

/** Spreads keys over the slots: the upper 14 bits of a product with the golden ratio. */
function startOf(key: number): number {
  return Math.imul((key % 2 ** 32) ^ Math.floor(key / 2 ** 32), 0x9e37_79b1) >>> 18;
}
