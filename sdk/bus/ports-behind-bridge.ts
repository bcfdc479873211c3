import { type AddressSpace, MemTxResult } from '../memory/index.ts';

/**
 * The ports that lie behind a host bridge, without the bridge's own: where it hands on what it does not claim. Nobody
 * there: reads give all ones, writes are lost. See decisions/0006-the-bus-behind.md.
 */
export class PortsBehindBridge {
  /** `space` is over the container of the ports behind. */
  constructor(readonly space: AddressSpace) {}

  read(port: number, size: number): number {
    const value = this.space.read(port, size);
    if ((this.space.result & MemTxResult.DecodeError) === 0) return value;
    return this.space.lookup(port) === undefined ? 0xffff_ffff >>> (32 - 8 * size) : value;
  }

  write(port: number, value: number, size: number): void {
    this.space.write(port, value, size);
  }
}
