import { At } from './state-layout.ts';

const PageSize = 4096;
const PageMask = -PageSize;
const Present = 1;
const LargePage = 0x80;
const PagingOn = 0x8000_0000;
const Cr4 = { pageSize: 0x10, physicalAddressExtension: 0x20 };

/** The guest's bytes by linear address, without any effect on the guest: RAM only. */
export class LinearMemory {
  readonly #state: DataView;
  readonly #words: Int32Array;

  constructor(
    memory: ArrayBufferLike,
    private readonly ram: Uint8Array,
    private readonly top: Uint8Array,
  ) {
    this.#state = new DataView(memory);
    this.#words = new Int32Array(memory);
  }

  /** The byte there; -1 where no memory of the processor is. */
  byte(linear: number): number {
    // The page that code is fetched from needs no walk.
    if ((linear & PageMask) === this.#words[At.codePage >> 2]) {
      const at = linear ^ this.#words[At.codePagePhysical >> 2]!;
      if (at >= 0 && at < this.ram.length) return this.ram[at]!;
    }
    const physical = this.physical(linear >>> 0);
    if (physical < 0) return -1;
    const fromTop = physical - (2 ** 32 - this.top.length);
    return (fromTop >= 0 ? this.top[fromTop] : this.ram[physical]) ?? -1;
  }

  /** The physical address; -1 where none is mapped, or its tables are in no RAM. @see Intel SDM volume 3, 4.3 and 4.4 */
  physical(linear: number): number {
    const cr0 = this.#control(0);
    if ((cr0 & PagingOn) === 0) return linear;
    const cr4 = this.#control(4);
    if ((cr4 & Cr4.physicalAddressExtension) !== 0) return this.#walkExtended(linear);
    const directory = this.#word((this.#control(3) & ~0xfff) + (linear >>> 22) * 4);
    if ((directory & Present) === 0) return -1;
    if ((directory & LargePage) !== 0 && (cr4 & Cr4.pageSize) !== 0) {
      return ((directory & 0xffc0_0000) | (linear & 0x3f_ffff)) >>> 0;
    }
    const table = this.#word((directory & ~0xfff) + ((linear >>> 12) & 0x3ff) * 4);
    return inPage(table, linear);
  }

  #walkExtended(linear: number): number {
    const pointers = this.#state.getUint32(At.pageDirectoryPointers + (linear >>> 30) * 8, true);
    if ((pointers & Present) === 0) return -1;
    const directory = this.#word((pointers & ~0xfff) + ((linear >>> 21) & 0x1ff) * 8);
    if ((directory & Present) === 0) return -1;
    if ((directory & LargePage) !== 0) return ((directory & 0xffe0_0000) | (linear & 0x1f_ffff)) >>> 0;
    return inPage(this.#word((directory & ~0xfff) + ((linear >>> 12) & 0x1ff) * 8), linear);
  }

  #control(index: number): number {
    return this.#state.getInt32(At.controlRegisters + index * 4, true);
  }

  /** 0, so that nothing is present, where there is no RAM. */
  #word(physical: number): number {
    const at = physical >>> 0;
    if (at + 4 > this.ram.length) return 0;
    return this.#state.getInt32(this.ram.byteOffset + at, true);
  }
}

function inPage(entry: number, linear: number): number {
  return (entry & Present) === 0 ? -1 : ((entry & ~0xfff) | (linear & (PageSize - 1))) >>> 0;
}
