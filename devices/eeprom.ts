import { BlockBackend } from '../sdk/backend.ts';
import { type Acknowledge, type I2cAddress, type I2cDirection, I2cMemoryDevice } from '../sdk/i2c.ts';
import {
  defineOptions,
  device,
  guestTime,
  inject,
  input,
  type OptionsOf,
  option,
  options,
  state,
  VirtualClock,
} from '../sdk/index.ts';

import { ImageMemory } from './parts/image-memory.ts';

const parts = ['24c01', '24c02', '24c04', '24c08', '24c16', '24c32', '24c64', '24c128', '24c256', '24c512'] as const;
const pageSizes = [8, 8, 16, 16, 16, 32, 32, 64, 64, 128];

export const eepromOptions = defineOptions({
  part: option.choice(parts, { description: 'type of the chip, with its kilobits', default: '24c256' }),
  drive: option.backend(BlockBackend, { description: 'the image of its bytes; without one they are in RAM' }),
  writeTime: option.integer({ description: 'time of a write cycle', unit: 'ns', default: 5e6, range: [0, 1e9] }),
});

/**
 * Serial EEPROM of the 24 series. The bytes of a write go into a page, which the stop programs. Until that is done the chip
 * acknowledges nothing. While the pin WP is high, bytes are taken and dropped. Chips of up to 2 KiB take upper bits of their
 * addresses from the bus, and so answer at several.
 *
 * With an image, a page is in the file before its write cycle begins. Where that fails, or the image is read-only, the page stays as it
 * was: a guest sees it when it reads. A hostile guest can only write bytes.
 *
 * @see Microchip 24LC256 datasheet (DS21203), "Write Operations", and 24LC16B datasheet (DS21703), "Device Addressing"
 */
@device({ type: 'eeprom', description: 'Serial EEPROM of the 24 series on I2C' })
export class Eeprom extends I2cMemoryDevice {
  @state({ atReset: 'kept' }) private readonly page: Uint8Array;
  @state({ atReset: 'kept' }) private isPageOpen = false;
  @state({ as: guestTime, atReset: 'kept' }) private busyUntil = 0;
  @state({ atReset: 'kept' }) private isProtected = false;

  private readonly image: ImageMemory;

  constructor(
    @inject(VirtualClock) private readonly clock: VirtualClock,
    @options(eepromOptions) private readonly config: OptionsOf<typeof eepromOptions>,
  ) {
    const size = Number(config.part.slice(3)) * 128;
    const page = pageSizes[parts.indexOf(config.part)] as number;
    super({ size, page, bytes: size > 0x800 ? 2 : 1 });
    this.page = new Uint8Array(page);
    this.image = new ImageMemory(config.drive, this.memory);
  }

  /** Its bytes are kept in an image. */
  get hasImage(): boolean {
    return this.image.hasImage;
  }

  override onStateLoaded(version: number): void {
    super.onStateLoaded(version);
    this.image.compare(this.id);
  }

  protected override onRealize(): void {
    super.onRealize();
    this.image.load(this.id, this.config.part);
  }

  @input() wp(level: boolean): void {
    this.isProtected = level;
  }

  override onStart(direction: I2cDirection, address: I2cAddress): Acknowledge {
    this.isPageOpen = false;
    return this.clock.now >= this.busyUntil && super.onStart(direction, address);
  }

  protected override writeAt(address: number, byte: number): void {
    if (this.isProtected) return;
    const at = address % this.page.length;
    if (!this.isPageOpen) this.page.set(this.memory.subarray(address - at, address - at + this.page.length));
    this.isPageOpen = true;
    this.page[at] = byte;
  }

  override onStop(): void {
    if (!this.isPageOpen) return;
    const start = this.pointer - (this.pointer % this.page.length);
    if (this.image.store(start, this.page)) this.busyUntil = this.clock.now + this.config.writeTime;
  }
}
