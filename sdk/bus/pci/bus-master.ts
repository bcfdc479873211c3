import { type AddressSpace, MemTxResult } from '../../memory/index.ts';
import { type BusMasterSpace, DmaPort } from '../dma-port.ts';

/**
 * The bus-master address space of a PCI function. While the command register enables bus mastering, it shows the memory that
 * masters of the bus reach; otherwise it is empty. Transfers name the function as their requester.
 */
export class BusMaster extends DmaPort {
  private connected: BusMasterSpace | undefined;

  /** As `info mtree` lists it; undefined while the function is on no bus. @internal */
  get space(): AddressSpace | undefined {
    return this.connected?.space;
  }

  /** Its bus has made the address space. */
  connect(space: BusMasterSpace): void {
    this.connected = space;
  }

  disconnect(): void {
    this.connected?.space.dispose();
    this.connected = undefined;
  }

  get enabled(): boolean {
    return this.connected?.window.enabled ?? false;
  }

  setEnabled(enabled: boolean): void {
    this.connected?.window.setEnabled(enabled);
  }

  override read(address: number | bigint, target: Uint8Array): number {
    if (this.connected !== undefined) return this.connected.port.read(address, target);
    target.fill(0);
    return MemTxResult.DecodeError;
  }

  override write(address: number | bigint, source: Uint8Array): number {
    return this.connected?.port.write(address, source) ?? MemTxResult.DecodeError;
  }

  override loadIndex(address: number): number {
    return this.connected?.port.loadIndex(address) ?? -1;
  }

  override storeIndex(address: number, value: number): number {
    return this.connected?.port.storeIndex(address, value) ?? MemTxResult.DecodeError;
  }
}
