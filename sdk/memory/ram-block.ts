import { hex } from '../base/text.ts';
import { GiB } from './address-range.ts';
import { BackplaneError } from './errors.ts';

/** The bytes behind a RAM or ROM region, as two views of one buffer. */
export interface RamBlock {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** What a memory slot names as its userspace address. */
  readonly hostAddress: number;
}

/** A Uint8Array stops here on Node 20. */
export const LargestRamBlock = 4 * GiB;

export function checkRamSize(name: string, size: number): void {
  if (Number.isInteger(size) && size >= 0 && size <= LargestRamBlock) return;
  throw new BackplaneError(
    `RAM '${name}': one block holds at most 4 GiB, not ${hex(size)} bytes. Split it into several regions.`,
  );
}

/** Fresh zeroed memory; the host commits its pages when they are first touched. Host addresses are made up. */
export function ramAllocator(): (size: number, name: string) => RamBlock {
  let nextHostAddress = 0x7f00_0000_0000;
  return (size, name) => {
    checkRamSize(name, size);
    const buffer = new ArrayBuffer(size);
    const hostAddress = nextHostAddress;
    nextHostAddress += Math.ceil((size + 1) / 4096) * 4096;
    return { bytes: new Uint8Array(buffer), view: new DataView(buffer), hostAddress };
  };
}
