import { BlockBackend } from '../sdk/backend.ts';
import {
  defineOptions,
  device,
  guestTime,
  hex,
  inject,
  KiB,
  MICROSECOND,
  MILLISECOND,
  type OptionsOf,
  option,
  options,
  SECOND,
  state,
  VirtualClock,
} from '../sdk/index.ts';
import { SpiCommandDevice } from '../sdk/spi.ts';
import { ImageMemory } from './parts/image-memory.ts';

/** @see Winbond W25Q80DV datasheet, 6.1.2 "Instruction Set Table 1" */
const Command = {
  WriteStatus: 0x01,
  PageProgram: 0x02,
  Read: 0x03,
  WriteDisable: 0x04,
  ReadStatus: 0x05,
  WriteEnable: 0x06,
  FastRead: 0x0b,
  SectorErase: 0x20,
  HalfBlockErase: 0x52,
  ChipEraseToo: 0x60,
  ReadId: 0x9f,
  ChipErase: 0xc7,
  BlockErase: 0xd8,
  /** Stands for a command that is not carried out. */
  None: 0xff,
} as const;
/** Bytes that follow a command before its data. The fast read has three of address, and one without meaning. */
const addressBytes: Readonly<Record<number, number>> = {
  [Command.PageProgram]: 3,
  [Command.Read]: 3,
  [Command.FastRead]: 4,
  [Command.SectorErase]: 3,
  [Command.HalfBlockErase]: 3,
  [Command.BlockErase]: 3,
};
const Everything = Number.POSITIVE_INFINITY;
/** Command and address. */
const WithAddress = 4;

/** Bytes and typical time. @see Winbond W25Q80DV datasheet, 8.6 "AC Electrical Characteristics" */
interface Erase {
  readonly size: number;
  readonly time: number;
}
const erases: Readonly<Record<number, Erase>> = {
  [Command.SectorErase]: { size: 4 * KiB, time: 45 * MILLISECOND },
  [Command.HalfBlockErase]: { size: 32 * KiB, time: 120 * MILLISECOND },
  [Command.BlockErase]: { size: 64 * KiB, time: 150 * MILLISECOND },
  [Command.ChipErase]: { size: Everything, time: 2 * SECOND },
  [Command.ChipEraseToo]: { size: Everything, time: 2 * SECOND },
};
const Time = { PageProgram: 700 * MICROSECOND, WriteStatus: 10 * MILLISECOND } as const;
/** @see Winbond W25Q80DV datasheet, 7.1 "Status Registers" */
const Status = { Busy: 0x01, WriteEnableLatch: 0x02, BlockProtect: 0x1c, BlockProtectShift: 2 } as const;
const known: ReadonlySet<number> = new Set(Object.values(Command));
const changing: ReadonlySet<number> = new Set([
  Command.WriteStatus,
  Command.PageProgram,
  Command.WriteEnable,
  Command.WriteDisable,
  ...Object.keys(erases).map(Number),
]);
const PageSize = 256;
const Erased = 0xff;
const Nothing = new Uint8Array(0);

/** By megabits: 2 in the 'w25q20'. */
const parts = ['w25q20', 'w25q40', 'w25q80', 'w25q16', 'w25q32', 'w25q64', 'w25q128'] as const;
/** Manufacturer, type, and the capacity of the smallest part. @see Winbond W25Q80DV datasheet, 6.1.1 */
const Identification = { Manufacturer: 0xef, Type: 0x40, SmallestCapacity: 0x12 } as const;

export const spiFlashOptions = defineOptions({
  part: option.choice(parts, { description: 'type of the chip, with its megabits', default: 'w25q20' }),
  drive: option.backend(BlockBackend, { description: 'the image of its bytes; without one they are in RAM' }),
});

/**
 * Serial flash memory of the 25 series: it reads, programs pages, and erases sectors, blocks or all. While it is busy it answers reads
 * of its status only. A hostile guest can write bytes, and mistime commands: those are reported, and do nothing.
 *
 * With an image, bytes are in the file before the chip is busy with them. Where that fails the command does nothing, and the write
 * enable latch stays set, as after any command that was not carried out. A read-only image refuses them as a protected block does.
 *
 * @see Winbond W25Q80DV datasheet, 6 "Instructions"
 */
@device({ type: 'spi-flash', description: 'Serial flash memory of the 25 series on SPI' })
export class SpiFlash extends SpiCommandDevice {
  @state({ atReset: 'kept' }) readonly memory: Uint8Array;
  /** What a page program has sent. Ones change nothing. */
  @state private readonly page = new Uint8Array(PageSize).fill(Erased);
  /** Block protect bits of the status register. They outlive power. */
  @state({ atReset: 'kept' }) private protection = 0;
  @state private isWriteEnabled = false;
  /** First byte of data. */
  @state private written = 0;
  /** Bytes of this select, command and address included. */
  @state private length = 0;
  @state({ as: guestTime, atReset: 'kept' }) private busyUntil = 0;
  private readonly capacity: number;
  private readonly image: ImageMemory;

  constructor(
    @inject(VirtualClock) private readonly clock: VirtualClock,
    @options(spiFlashOptions) private readonly config: OptionsOf<typeof spiFlashOptions>,
  ) {
    super();
    this.capacity = Identification.SmallestCapacity + parts.indexOf(config.part);
    this.memory = new Uint8Array(2 ** this.capacity).fill(Erased);
    this.image = new ImageMemory(config.drive, this.memory);
  }

  protected override onRealize(): void {
    this.image.load(this.id, this.config.part);
  }

  override onStateLoaded(): void {
    this.image.compare(this.id);
  }

  get isBusy(): boolean {
    return this.clock.now < this.busyUntil;
  }

  get status(): number {
    const busy = this.isBusy ? Status.Busy | Status.WriteEnableLatch : 0;
    return this.protection | busy | (this.isWriteEnabled ? Status.WriteEnableLatch : 0);
  }

  override onSelect(): void {
    super.onSelect();
    this.length = 0;
  }

  override onTransfer(byte: number): number {
    this.length = Math.min(this.length + 1, PageSize);
    return super.onTransfer(byte);
  }

  protected override onCommand(command: number): number {
    if (this.isBusy && command !== Command.ReadStatus) this.decline(command, 'while busy: only the status can be read');
    else if (!known.has(command)) this.decline(command, 'is not modelled');
    else if (command === Command.PageProgram) this.page.fill(Erased);
    return addressBytes[this.command] ?? 0;
  }

  protected override onData(byte: number): number {
    switch (this.command) {
      case Command.Read:
        return this.memory[this.address++ % this.memory.length] as number;
      case Command.FastRead:
        this.address = Math.floor(this.address / 0x100);
        this.command = Command.Read;
        return this.onData(byte);
      case Command.ReadStatus:
        return this.status;
      case Command.ReadId:
        return [Identification.Manufacturer, Identification.Type, this.capacity][this.address++] ?? Erased;
      case Command.PageProgram:
        this.page[this.address % PageSize] = byte;
        this.address += this.address % PageSize === PageSize - 1 ? 1 - PageSize : 1;
        return Erased;
      default:
        if (this.length === 2) this.written = byte;
        return Erased;
    }
  }

  /** A command that changes something is carried out when the chip is deselected right after its last byte. */
  override onDeselect(): void {
    const { command, length } = this;
    const erase = erases[command];
    if (command === Command.WriteEnable && length === 1) this.isWriteEnabled = true;
    else if (command === Command.WriteDisable && length === 1) this.isWriteEnabled = false;
    else if (command === Command.WriteStatus && (length === 2 || length === 3)) this.writeStatus();
    else if (command === Command.PageProgram && length > WithAddress) this.programPage();
    else if (erase !== undefined && length === (erase.size === Everything ? 1 : WithAddress)) this.erase(erase);
    else if (changing.has(command))
      this.guestError(`command ${hex(command)} with ${length} bytes in all: it does nothing`);
  }

  /** A second byte is for status register 2, which is not modelled. @see Winbond W25Q80DV datasheet, "Write Status Register (01h)" */
  private writeStatus(): void {
    if (this.begin(0, Nothing, Time.WriteStatus)) this.protection = this.written & Status.BlockProtect;
  }

  private programPage(): void {
    const start = this.startOf(PageSize);
    const programmed = this.page.map((byte, at) => byte & (this.memory[start + at] as number));
    this.begin(start, programmed, Time.PageProgram);
  }

  private erase({ size, time }: Erase): void {
    const length = Math.min(size, this.memory.length);
    this.begin(this.startOf(length), new Uint8Array(length).fill(Erased), time);
  }

  /** Of the page, sector or block of the address. */
  private startOf(size: number): number {
    const address = this.address % this.memory.length;
    return address - (address % size);
  }

  /** Starts to change bytes: once for each write enable, not in a protected block, and not where the host fails. */
  private begin(start: number, changed: Uint8Array, time: number): boolean {
    const { length } = changed;
    if (!this.isWriteEnabled) return this.decline(this.command, 'without a write enable before it');
    if (length > 0 && this.image.isReadOnly) return this.decline(this.command, 'on a read-only image');
    if (length > 0 && start + length > this.protectedFrom) return this.decline(this.command, 'in a protected block');
    if (length > 0 && !this.image.store(start, changed)) return false;
    this.isWriteEnabled = false;
    this.busyUntil = this.clock.now + time;
    return true;
  }

  /** @see Winbond W25Q80DV datasheet, 7.1.8 "W25Q80DV Status Register Memory Protection" */
  private get protectedFrom(): number {
    const { length } = this.memory;
    const level = this.protection >> Status.BlockProtectShift;
    if (level === 0) return length;
    const smallest = Math.max(64 * KiB, length / 64);
    return level === 7 ? 0 : Math.max(0, length - smallest * 2 ** (level - 1));
  }

  private decline(command: number, why: string): false {
    this.guestError(`command ${hex(command)} ${why}`);
    this.command = Command.None;
    return false;
  }

  override reset(): void {
    super.reset();
    this.page.fill(Erased);
    this.isWriteEnabled = false;
    this.written = 0;
    this.length = 0;
  }
}
