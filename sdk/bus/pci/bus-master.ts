import { AddressSpace, MemoryRegion, MemTxResult, withRequester } from '../../memory/index.ts';
import { DmaPort, MemoryDmaPort } from '../dma-port.ts';

/**
 * The bus-master address space of a PCI function. While the command register enables bus mastering, it shows the memory that
 * masters of the bus reach; otherwise it is empty. Transfers name the function as their requester.
 */
export class BusMaster extends DmaPort {
  private port: MemoryDmaPort | undefined;
  private window: MemoryRegion | undefined;
  private address: AddressSpace | undefined;

  /** As `info mtree` lists it; undefined while the function is on no bus. @internal */
  get space(): AddressSpace | undefined {
    return this.address;
  }

  /** `memory` is what masters on the bus reach; `requester` is bus, slot and function in 16 bits. */
  connect(id: string, memory: MemoryRegion, requester: number): void {
    const { topology, size } = memory;
    const container = MemoryRegion.container(topology, 'bus master container', size);
    this.window = MemoryRegion.alias(topology, 'bus master', memory, 0, size);
    this.window.setEnabled(false);
    container.addSubregion(0, this.window);
    this.address = new AddressSpace(topology, id, container);
    this.port = new MemoryDmaPort(this.address, withRequester(0, requester));
  }

  disconnect(): void {
    this.address?.dispose();
    this.address = this.port = this.window = undefined;
  }

  get enabled(): boolean {
    return this.window?.enabled ?? false;
  }

  setEnabled(enabled: boolean): void {
    this.window?.setEnabled(enabled);
  }

  override read(address: number | bigint, target: Uint8Array): number {
    if (this.port !== undefined) return this.port.read(address, target);
    target.fill(0);
    return MemTxResult.DecodeError;
  }

  override write(address: number | bigint, source: Uint8Array): number {
    return this.port?.write(address, source) ?? MemTxResult.DecodeError;
  }
}
