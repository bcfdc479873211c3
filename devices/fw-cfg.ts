import {
  addCoalescedIo,
  DmaPort,
  device,
  IsaDevice,
  inject,
  portRegion,
  shape,
  state,
  VirtualClock,
} from '../sdk/index.ts';
import { ConfigurationItems, Key } from './fw-cfg/items.ts';
import { Control, type Descriptor, Transfer } from './fw-cfg/transfer.ts';

export const fwCfgPorts = portRegion({ name: 'fwcfg', base: 0x510, size: 2, accepts: { min: 1, max: 2 } });
const Port = { Selector: 0 } as const;

export const fwCfgDmaPorts = portRegion({ name: 'fwcfg.dma', base: 0x514, size: 8, endianness: 'big' });
const Dma = { AddressHigh: 0, AddressLow: 4 } as const;
/** 'QEMU CFG', as reads of the DMA address show it. */
const Signature = { High: 0x5145_4d55, Low: 0x2043_4647 } as const;

const LongestItem = 2 ** 32;

/**
 * QEMU's firmware configuration device: what a machine tells its firmware. The guest selects an item by its key and reads it
 * byte by byte, or has it copied by DMA. Files are items with names, which the directory (key 0x19) tells.
 *
 * A write to the selector has no effect until the data port is read or a transfer is started, so it is coalesced. So is the
 * upper half of a DMA address. The lower half starts the transfer, whose end shows in memory: it cannot wait.
 *
 * The guest can change no item. A hostile guest can ask for transfers of 4 GiB to any address, over its own descriptor too.
 * One access copies 64 KiB at most. A longer transfer goes on at 1 GB a second of guest time, and its control field shows
 * meanwhile that it is not done. There is one transfer at a time; another is refused by the error bit.
 *
 * @see QEMU 7.2, docs/specs/fw_cfg.txt, "Guest-side Hardware Interface" and "Guest-side DMA Interface"
 * @see QEMU 7.2, hw/nvram/fw_cfg.c, fw_cfg_comb_valid: both ports give data by bytes and take keys by words
 */
@device({ type: 'fw_cfg', description: 'Firmware configuration device' })
@addCoalescedIo(fwCfgPorts, { offset: Port.Selector, size: 2 })
@addCoalescedIo(fwCfgDmaPorts, { offset: Dma.AddressHigh, size: 4 })
export class FwCfg extends IsaDevice {
  @state({ as: shape.bits(16) }) private key: number = Key.Signature;
  /** Of the byte that is read next. */
  @state({ as: shape.integer(0, LongestItem) }) private offset = 0;
  /** @see QEMU 7.2, hw/nvram/fw_cfg.c, fw_cfg_reset: half an address stays */
  @state({ as: shape.bits(32), atReset: 'kept' }) private addressHigh = 0;
  readonly #items = new ConfigurationItems(() => this.id);
  @state private readonly transfer: Transfer;

  constructor(@inject(VirtualClock) clock: VirtualClock, @inject(DmaPort) memory: DmaPort) {
    super();
    this.transfer = new Transfer(clock, memory, this.#items);
  }

  /**
   * Tells the firmware something by a key: 0x02 to 0x1f, or 0x8000 on for what the architecture has. Numbers are little-endian.
   * The bytes are not copied. For `prepare` of a machine; a snapshot does not have them.
   */
  addItem(key: number, bytes: Uint8Array): void {
    this.#items.add(key, bytes);
  }

  /** The same by a name of at most 55 characters: `fwCfg.addFile('etc/boot-fail-wait', bytes)`. There is room for 32 files. */
  addFile(name: string, bytes: Uint8Array): void {
    this.#items.addFile(name, bytes);
  }

  /** Bytes are of old versions, which let the guest write data. */
  @fwCfgPorts.write()
  writeSelector(value: number, _offset: number, size: number): void {
    if (size === 2) this.select(value);
  }

  /** @see QEMU 7.2, docs/specs/fw_cfg.txt, "Selector (Control) Register": it is write-only */
  @fwCfgPorts.read()
  readPort(_offset: number, size: number): number {
    return size === 1 ? this.readData() : 0;
  }

  @fwCfgDmaPorts.write(Dma.AddressHigh, { size: 4 })
  setAddressHigh(value: number): void {
    this.addressHigh = value;
  }

  @fwCfgDmaPorts.write(Dma.AddressLow, { size: 4 })
  startTransfer(low: number): void {
    const descriptor = this.transfer.readDescriptor(this.addressHigh, low);
    this.addressHigh = 0;
    if (descriptor !== undefined) this.perform(descriptor);
  }

  @fwCfgDmaPorts.read()
  readSignature(offset: number, size: number): number {
    const word = offset < Dma.AddressLow ? Signature.High : Signature.Low;
    return (word >>> (8 * (4 - (offset & 3) - size))) & (2 ** (8 * size) - 1);
  }

  override reset(): void {
    super.reset();
    this.transfer.cancel();
    this.select(Key.Signature);
  }

  protected select(key: number): void {
    this.key = key;
    this.offset = 0;
  }

  protected readData(): number {
    const item = this.#items.at(this.key);
    return item !== undefined && this.offset < item.length ? (item[this.offset++] as number) : 0;
  }

  /** @see QEMU 7.2, hw/nvram/fw_cfg.c, fw_cfg_dma_transfer: of several bits, the first of read, write and skip counts */
  private perform(descriptor: Descriptor): void {
    const { transfer } = this;
    const { at, control, length } = descriptor;
    if (transfer.isUnderWay) {
      this.guestError('a transfer was started before the last one was done');
      transfer.finish(at, false);
      return;
    }
    if ((control & Control.Select) !== 0) this.select(control >>> 16);
    const [{ key, offset }, moves] = [this, (control & (Control.Read | Control.Write | Control.Skip)) !== 0];
    if (moves) this.offset += Math.min(length, Math.max(0, (this.#items.at(key)?.length ?? 0) - offset));
    if ((control & Control.Read) !== 0 && length > 0) transfer.start(descriptor, key, offset);
    else transfer.finish(at, (control & Control.Write) === 0 || length === 0 || (control & Control.Read) !== 0);
  }
}
