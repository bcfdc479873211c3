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

  /** The bytes at a userspace address; undefined where nothing, or not all of it, is mapped. */
  resolve(address: number, size: number): DataView | undefined {
    for (const { block, size: mapped } of this.#blocks) {
      const offset = address - block.hostAddress;
      if (offset >= 0 && offset + size <= mapped) return new DataView(block.bytes.buffer, offset, size);
    }
    return undefined;
  }
}
