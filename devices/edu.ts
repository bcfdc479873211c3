import {
  bar,
  defineOptions,
  device,
  inject,
  KiB,
  MILLISECOND,
  MiB,
  mmioRegion,
  msi,
  type OptionsOf,
  option,
  options,
  PciDevice,
  pci,
  type Timer,
  VirtualClock,
} from '../sdk/index.ts';

const Register = {
  Identification: 0x00,
  Liveness: 0x04,
  Factorial: 0x08,
  Status: 0x20,
  InterruptStatus: 0x24,
  InterruptRaise: 0x60,
  InterruptAcknowledge: 0x64,
  DmaSource: 0x80,
  DmaDestination: 0x88,
  DmaCount: 0x90,
  DmaCommand: 0x98,
} as const;

const Status = { Computing: 0x01, InterruptWhenDone: 0x80 } as const;
const Cause = { Factorial: 0x001, Dma: 0x100 } as const;
const DmaCommand = { Run: 0x1n, ToGuest: 0x2n, InterruptWhenDone: 0x4n } as const;
const Buffer = { Start: 0x4_0000n, Size: 4 * KiB } as const;
const AllOnes = 0xffff_ffff_ffff_ffffn;
const FactorialTime = 1 * MILLISECOND;
const DmaTime = 100 * MILLISECOND;
/** Version 1.0 of "ed"(u). */
const Identification = 0x0100_00ed;

const registers = mmioRegion({ name: 'edu-mmio', size: 1 * MiB, accessSizes: [4, 8] });
/** A DMA register is reached at its own offset only, by 4 bytes or by 8. */
const whole = { length: 4 } as const;

export const eduOptions = defineOptions({
  dmaMask: option.bigint({
    description: 'address bits that the card can drive; guest addresses are cut to it',
    default: 0x0fff_ffffn,
  }),
});

/**
 * A card to learn driver writing on: it inverts, computes factorials, interrupts by pin or by message, and moves memory.
 *
 * A hostile guest can ask for transfers that leave the card's buffer or reach no memory: they are reported and harm nobody.
 * A factorial takes the same time whatever it is of.
 */
@device({ type: 'edu', description: 'Educational PCI device' })
@pci({
  vendorId: 0x1234,
  deviceId: 0x11e8,
  revision: 0x10,
  classCode: 0x00ff,
  interruptPin: 'A',
  subsystemVendorId: 0x1af4,
  subsystemId: 0x1100,
})
@msi()
@bar(0, registers)
export class Edu extends PciDevice {
  liveness = 0;
  factorial = 0;
  status = 0;
  interruptStatus = 0;
  readonly dma = { source: 0n, destination: 0n, count: 0n, command: 0n };
  /** The card's own memory, at 0x40000 for transfers. */
  readonly buffer = new Uint8Array(Buffer.Size);
  private readonly dmaMask: bigint;
  private readonly factorialDone: Timer;
  private readonly dmaDone: Timer;

  constructor(
    @inject(VirtualClock) private readonly clock: VirtualClock,
    @options(eduOptions) { dmaMask }: OptionsOf<typeof eduOptions>,
  ) {
    super();
    this.dmaMask = dmaMask;
    this.factorialDone = clock.timer('factorial', () => this.finishFactorial());
    this.dmaDone = clock.timer('dma', () => this.finishDma());
  }

  @registers.read(Register.Identification)
  readIdentification(): number {
    return Identification;
  }

  /** Answers with every bit inverted, so a driver can tell that the card is alive. */
  @registers.write(Register.Liveness)
  writeLiveness(value: number): void {
    this.liveness = ~value >>> 0;
  }

  @registers.read(Register.Liveness)
  readLiveness(): number {
    return this.liveness;
  }

  /** Takes a while on purpose: drivers must wait for the computing bit or for the interrupt. */
  @registers.write(Register.Factorial)
  startFactorial(n: number): void {
    if (this.status & Status.Computing) return;
    this.factorial = n;
    this.status |= Status.Computing;
    this.factorialDone.arm(this.clock.now + FactorialTime);
  }

  @registers.read(Register.Factorial)
  readFactorial(): number {
    return this.factorial;
  }

  @registers.write(Register.Status)
  writeStatus(value: number): void {
    this.status = (this.status & Status.Computing) | (value & Status.InterruptWhenDone);
  }

  @registers.read(Register.Status)
  readStatus(): number {
    return this.status;
  }

  @registers.read(Register.InterruptStatus)
  readInterruptStatus(): number {
    return this.interruptStatus;
  }

  /** With messages enabled each raise sends one; the pin follows the status and needs none. */
  @registers.write(Register.InterruptRaise)
  raise(causes: number): void {
    this.interruptStatus = (this.interruptStatus | causes) >>> 0;
    this.interrupt.set(this.interruptStatus !== 0);
    if (this.interruptStatus !== 0) this.sendMessage();
  }

  @registers.write(Register.InterruptAcknowledge)
  acknowledge(causes: number): void {
    this.interruptStatus = (this.interruptStatus & ~causes) >>> 0;
    this.interrupt.set(this.interruptStatus !== 0);
  }

  @registers.write64(Register.DmaSource, whole)
  writeDmaSource(value: bigint): void {
    if (!this.dmaRunning) this.dma.source = value;
  }

  @registers.read64(Register.DmaSource, whole)
  readDmaSource(): bigint {
    return this.dma.source;
  }

  @registers.write64(Register.DmaDestination, whole)
  writeDmaDestination(value: bigint): void {
    if (!this.dmaRunning) this.dma.destination = value;
  }

  @registers.read64(Register.DmaDestination, whole)
  readDmaDestination(): bigint {
    return this.dma.destination;
  }

  @registers.write64(Register.DmaCount, whole)
  writeDmaCount(value: bigint): void {
    if (!this.dmaRunning) this.dma.count = value;
  }

  @registers.read64(Register.DmaCount, whole)
  readDmaCount(): bigint {
    return this.dma.count;
  }

  @registers.write64(Register.DmaCommand, whole)
  startDma(command: bigint): void {
    if (!(command & DmaCommand.Run) || this.dmaRunning) return;
    this.dma.command = command;
    this.dmaDone.arm(this.clock.now + DmaTime);
  }

  @registers.read64(Register.DmaCommand, whole)
  readDmaCommand(): bigint {
    return this.dma.command;
  }

  /** Where no register is, and at widths that a register does not have. */
  @registers.read64()
  readNothing(offset: number, size: number): bigint {
    this.guestError(`read of ${size} bytes at 0x${offset.toString(16)}, where no register is of that width`);
    return AllOnes;
  }

  @registers.write64()
  writeNothing(_value: bigint, offset: number, size: number): void {
    this.guestError(`write of ${size} bytes at 0x${offset.toString(16)}, where no register is of that width`);
  }

  override reset(): void {
    this.liveness = this.factorial = this.status = this.interruptStatus = 0;
    Object.assign(this.dma, { source: 0n, destination: 0n, count: 0n, command: 0n });
    this.buffer.fill(0);
    this.factorialDone.cancel();
    this.dmaDone.cancel();
  }

  private get dmaRunning(): boolean {
    return (this.dma.command & DmaCommand.Run) !== 0n;
  }

  private finishFactorial(): void {
    let product = 1;
    for (let n = this.factorial; n > 0 && product !== 0; n--) product = Math.imul(product, n) >>> 0;
    this.factorial = product;
    this.status &= ~Status.Computing;
    if (this.status & Status.InterruptWhenDone) this.raise(Cause.Factorial);
  }

  private finishDma(): void {
    const { source, destination, count, command } = this.dma;
    const toGuest = (command & DmaCommand.ToGuest) !== 0n;
    const bytes = this.bufferSlice(toGuest ? source : destination, count);
    const address = (toGuest ? destination : source) & this.dmaMask;
    const result = bytes && (toGuest ? this.busMaster.write(address, bytes) : this.busMaster.read(address, bytes));
    if (result)
      this.guestError(`DMA of ${count} bytes at 0x${address.toString(16)} reaches no memory, or is not enabled`);
    this.dma.command &= ~DmaCommand.Run;
    if (command & DmaCommand.InterruptWhenDone) this.raise(Cause.Dma);
  }

  /** The part of the buffer that a transfer names, or nothing when it leaves the buffer. */
  private bufferSlice(address: bigint, count: bigint): Uint8Array | undefined {
    const start = address - Buffer.Start;
    if (start >= 0n && start + count <= Buffer.Size) return this.buffer.subarray(Number(start), Number(start + count));
    return this.guestError(`DMA of ${count} bytes at 0x${address.toString(16)} of the card leaves its buffer`);
  }
}
