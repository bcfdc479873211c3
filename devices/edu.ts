import {
  bit,
  defineOptions,
  device,
  inject,
  MILLISECOND,
  MiB,
  mmioRegion,
  type OptionsOf,
  option,
  options,
  reserved,
  state,
  undocumented,
  VirtualClock,
} from '../sdk/index.ts';
import { bar, msi, PciDevice, pci } from '../sdk/pci.ts';

const Cause = { Factorial: 0x001, Dma: 0x100 } as const;
const Buffer = { Start: 0x4_0000n, Size: 0x1000 } as const;
const Time = { Factorial: 1 * MILLISECOND, Dma: 100 * MILLISECOND } as const;
const subsystem = { subsystemVendorId: 0x1af4, subsystemId: 0x1100 } as const;

const registers = mmioRegion({ name: 'edu-mmio', size: 1 * MiB, accessSizes: [4, 8] });
const identification = registers.register(0x00, { width: 32, access: 'constant', reset: 0x0100_00ed });
const liveness = registers.register(0x04, { width: 32, reset: 0xffff_ffff, description: 'reads back inverted' });
const factorial = registers.register(0x08, { width: 32, description: 'n becomes n! modulo 2^32, later' });
/** A write changes the interrupt bit only. @see QEMU 7.2, hw/misc/edu.c, edu_mmio_write, 0x20 */
const status = registers.register(0x20, {
  width: 32,
  fields: { computing: bit(0, 'read-only'), interruptWhenDone: bit(7), rest: reserved([1, 6], [8, 31]) },
});
const interruptStatus = registers.register(0x24, { width: 32, access: 'read-only' });
const raise = registers.register(0x60, { width: 32, access: 'trigger', name: 'raise' });
const acknowledge = registers.register(0x64, { width: 32, access: 'trigger', name: 'acknowledge' });
const dmaRegister = { width: 64, narrow: 'zero-extended' } as const;
const source = registers.register(0x80, dmaRegister);
const destination = registers.register(0x88, dmaRegister);
const count = registers.register(0x90, dmaRegister);
const command = registers.register(0x98, {
  ...dmaRegister,
  fields: { run: bit(0), toGuest: bit(1), interruptWhenDone: bit(2), rest: undocumented([3, 63]) },
});
const [Computing, Run] = [status.fields.computing.mask, command.fields.run.mask] as const;
const hex = (value: number | bigint): string => `0x${value.toString(16)}`;
export const eduOptions = defineOptions({
  dmaMask: option.bigint({ description: 'mask of the address bits that the card drives', default: 0x0fff_ffffn }),
});

/**
 * A card for learning to write drivers: it inverts a value, computes factorials, interrupts by pin or MSI, and does DMA.
 * A hostile guest can start transfers that leave the buffer or reach no memory. They are reported and copy nothing.
 *
 * @see QEMU 7.2, docs/specs/edu.txt, "MMIO area spec"; hw/misc/edu.c, edu_mmio_read, edu_mmio_write and edu_dma_timer
 */
@device({ type: 'edu', description: 'Educational PCI device', version: 2, retired: ['raised', 'acknowledged'] })
@pci({ vendorId: 0x1234, deviceId: 0x11e8, revision: 0x10, classCode: 0x00ff, interruptPin: 'A', ...subsystem })
@msi()
@bar(0, registers)
export class Edu extends PciDevice {
  @identification identification = 0x0100_00ed;
  @liveness liveness = 0xffff_ffff;
  @factorial factorial = 0;
  @status status = 0;
  @interruptStatus interruptStatus = 0;
  @source source = 0n;
  @destination destination = 0n;
  @count count = 0n;
  @command command = 0n;
  @state readonly buffer = new Uint8Array(Buffer.Size); // the card's own memory, at 0x40000 for transfers
  private readonly factorialDone;
  private readonly dmaDone;

  constructor(
    @inject(VirtualClock) private readonly clock: VirtualClock,
    @options(eduOptions) private readonly choices: OptionsOf<typeof eduOptions>,
  ) {
    super();
    this.factorialDone = clock.timer('factorial', () => this.finishFactorial());
    this.dmaDone = clock.timer('dma', () => this.finishDma());
    this.factorialDone.armedWhile = () => (this.status & Computing) !== 0;
    this.dmaDone.armedWhile = () => (this.command & Run) !== 0n;
    this.interrupt.deriveFrom(() => this.interruptStatus !== 0);
  }

  @liveness.onRead()
  invert(value: number): number {
    return ~value >>> 0;
  }

  /** The result comes later on purpose: drivers must wait for it. @see QEMU 7.2, hw/misc/edu.c, edu_fact_thread */
  @factorial.onWrite()
  startFactorial(n: number, previous: number): number {
    if (this.status & Computing) return previous;
    this.factorialDone.arm(this.clock.now + Time.Factorial);
    this.status |= Computing;
    return n;
  }

  /** With MSI enabled each write sends a message. @see QEMU 7.2, hw/misc/edu.c, edu_raise_irq */
  @raise
  raiseInterrupt(causes: number): void {
    this.interruptStatus = (this.interruptStatus | causes) >>> 0;
    if (this.interruptStatus !== 0) this.sendMessage();
  }

  @acknowledge
  acknowledgeInterrupt(causes: number): void {
    this.interruptStatus = (this.interruptStatus & ~causes) >>> 0;
  }

  /** A transfer under way keeps its parameters. */
  @source.onWrite()
  @destination.onWrite()
  @count.onWrite()
  setParameter(value: bigint, previous: bigint): bigint {
    return this.command & Run ? previous : value;
  }

  /** A write without the run bit is ignored, and so is one during a transfer. */
  @command.onWrite()
  startDma(value: bigint, previous: bigint): bigint {
    if (!(value & Run) || previous & Run) return previous;
    this.dmaDone.arm(this.clock.now + Time.Dma);
    return value;
  }

  /** Offsets without a register, and widths that a register does not have, read as all ones. */
  @registers.read64()
  readNothing(offset: number, size: number): bigint {
    this.guestError(`read of ${size} bytes at ${hex(offset)}, where no register is of that width`);
    return ~0n;
  }

  @registers.write64()
  writeNothing(_value: bigint, offset: number, size: number): void {
    this.guestError(`write of ${size} bytes at ${hex(offset)}, where no register is of that width`);
  }

  override reset(): void {
    super.reset();
    this.buffer.fill(0);
    this.factorialDone.cancel();
    this.dmaDone.cancel();
  }

  private finishFactorial(): void {
    let product = 1;
    for (let n = this.factorial; n > 0 && product !== 0; n--) product = Math.imul(product, n) >>> 0;
    this.factorial = product;
    this.status &= ~Computing;
    if (this.status & status.fields.interruptWhenDone.mask) this.raiseInterrupt(Cause.Factorial);
  }

  private finishDma(): void {
    const toGuest = (this.command & command.fields.toGuest.mask) !== 0n;
    const [own, other] = toGuest ? [this.source, this.destination] : [this.destination, this.source];
    const [bytes, at] = [this.bufferSlice(own), other & this.choices.dmaMask];
    if (at !== other) this.guestError(`DMA at ${hex(other)} goes to ${hex(at)}: the card drives no more address bits`);
    const result = bytes && (toGuest ? this.busMaster.write(at, bytes) : this.busMaster.read(at, bytes));
    if (result) this.guestError(`DMA at ${hex(at)} reaches no memory, or the card is no bus master`);
    this.command &= ~Run;
    if (this.command & command.fields.interruptWhenDone.mask) this.raiseInterrupt(Cause.Dma);
  }

  /** The bytes of the buffer that a transfer addresses. Undefined when it leaves the buffer. */
  private bufferSlice(address: bigint): Uint8Array | undefined {
    const start = address - Buffer.Start;
    const end = start + this.count;
    if (start >= 0n && end <= Buffer.Size) return this.buffer.subarray(Number(start), Number(end));
    return this.guestError(`DMA at ${hex(address)} of the card leaves its buffer: the count is ${this.count}`);
  }
}
