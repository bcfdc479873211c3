import { type AddressSpace, MemTxResult } from '../memory/index.ts';

/**
 * The ports on the far side of a bridge, as an address space of its own: the bridge passes on the accesses that it does not
 * claim, without having to know what is there. Nothing at a port reads as all ones, as on any port bus.
 */
export class PortsBehindBridge {
  /** `space` is over the container of the ports behind, without the bridge's own; undefined: the bridge passes nothing on. */
  constructor(readonly space: AddressSpace | undefined) {}

  read(port: number, size: number): number {
    const allOnes = 0xffff_ffff >>> (32 - 8 * size);
    if (this.space === undefined) return allOnes;
    const value = this.space.read(port, size);
    return this.space.result & MemTxResult.DecodeError && this.space.lookup(port) === undefined ? allOnes : value;
  }

  write(port: number, value: number, size: number): void {
    this.space?.write(port, value, size);
  }
}
