import { device, InterruptPin, IsaBus, IsaDevice, inject, KiB, mmioRegion, portRegion, state } from '../sdk/index.ts';

const Lines = 24;
const IsaLines = 16;

const widePorts = portRegion({ name: 'pc-testdev-ioport', base: 0xe0, size: 4 });
const bank = widePorts.register(0, { width: 8, count: 4 });
const flushPage = portRegion({ name: 'pc-testdev-flush-page', base: 0xe4, size: 4, accessSizes: [4] });
const bytePorts = portRegion({ name: 'pc-testdev-ioport-byte', base: 0xe8, size: 4, implements: { max: 1 } });
const byteBank = bytePorts.register(0, { width: 8, count: 4, description: 'the same four bytes as bank' });
const lines = portRegion({ name: 'pc-testdev-irq-line', base: 0x2000, size: Lines, accessSizes: [1] });
const memory = mmioRegion({
  name: 'pc-testdev-iomem',
  base: 0xff00_0000,
  size: 64 * KiB,
  accepts: { max: 8 },
  implements: { max: 4 },
});

/**
 * Ports and memory for tests of virtual machines, such as kvm-unit-tests. There is a register bank in two widths, memory
 * with handlers, and ISA interrupt lines that the guest sets.
 *
 * A hostile guest can raise any ISA line and leave it high, until a reset. It can write the device's own storage only.
 *
 * @see QEMU 7.2, hw/misc/pc-testdev.c, testdev_realizefn: the ports and their access sizes
 */
@device({ type: 'pc-testdev', description: 'Ports, memory and interrupt lines for tests of virtual machines' })
export class PcTestdev extends IsaDevice {
  @bank readonly bank = new Uint8Array(4);
  /** The same four bytes. */
  @byteBank readonly byteBank = this.bank.subarray();
  @state readonly bytes = new Uint8Array(memory.size);
  readonly pins: readonly InterruptPin[] = Array.from({ length: IsaLines }, () => new InterruptPin());
  private readonly view = new DataView(this.bytes.buffer);
  private detach: readonly (() => void)[] = [];

  constructor(@inject(IsaBus) private readonly isa: IsaBus) {
    super();
  }

  /** QEMU invalidates a page of the processor's TLB here. @see QEMU 7.2, hw/misc/pc-testdev.c, test_flush_page */
  @flushPage.write()
  flushPage(): void {}

  @flushPage.read()
  readFlushPage(): number {
    return 0;
  }

  /** @see QEMU 7.2, hw/misc/pc-testdev.c, test_irq_line: 24 ports, of which the ISA bus has 16 lines */
  @lines.write()
  setLine(value: number, line: number): undefined {
    const pin = this.pins[line];
    if (pin === undefined) return this.guestError(`there is no ISA line ${line}`);
    pin.set(value !== 0);
    return undefined;
  }

  @lines.read()
  readLine(): number {
    return 0;
  }

  @memory.write()
  store(value: number, offset: number, size: number): void {
    if (size === 4) this.view.setUint32(offset, value, true);
    else if (size === 2) this.view.setUint16(offset, value, true);
    else this.bytes[offset] = value;
  }

  @memory.read()
  load(offset: number, size: number): number {
    if (size === 4) return this.view.getUint32(offset, true);
    return size === 2 ? this.view.getUint16(offset, true) : (this.bytes[offset] as number);
  }

  override reset(): void {
    super.reset();
    this.bytes.fill(0);
    for (const pin of this.pins) pin.set(false);
  }

  protected override onRealize(): void {
    this.detach = this.pins.map((pin, line) => this.isa.line(line).attach(pin));
  }

  protected override onUnrealize(): void {
    for (const detach of this.detach) detach();
  }
}
