import { checkRamSize, type RamBlock } from '../../../memory/ram-block.ts';
import { PageSize } from '../abi.ts';

const FirstHostAddress = 0x7f00_0000_0000;

/** Userspace memory as the simulated kernel sees it: what was allocated here has an address that structs can name. */
export class HostMemory {
  readonly #blocks: { readonly block: RamBlock; readonly size: number }[] = [];
  #nextAddress = FirstHostAddress;

  /** Zeroed and page aligned; an unmapped page follows each block. The host commits a page when it is first touched. */
  allocate(size: number, name: string): RamBlock {
    checkRamSize(name, size);
    const mapped = Math.ceil(size / PageSize) * PageSize;
    const buffer = new ArrayBuffer(mapped);
    const block = {
      bytes: new Uint8Array(buffer, 0, size),
      view: new DataView(buffer, 0, size),
      hostAddress: this.#nextAddress,
    };
    this.#blocks.push({ block, size: mapped });
    this.#nextAddress += mapped + PageSize;
    return block;
  }

  /** Nothing is mapped there any more; what the kernel looked up before still reaches the bytes. */
  release(block: RamBlock): void {
    const index = this.#indexOf(block.hostAddress);
    if (this.#blocks[index]?.block === block) this.#blocks.splice(index, 1);
  }

  /** The bytes at a userspace address; undefined where nothing, or not all of it, is mapped. */
  resolve(address: number, size: number): DataView | undefined {
    const found = this.#blocks[this.#indexOf(address)];
    if (found === undefined) return undefined;
    const offset = address - found.block.hostAddress;
    return offset + size <= found.size ? new DataView(found.block.bytes.buffer, offset, size) : undefined;
  }

  /** The last block that begins at or before the address; addresses only grow, so the blocks are in order. */
  #indexOf(address: number): number {
    let low = 0;
    let high = this.#blocks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#blocks[middle]!.block.hostAddress <= address) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
