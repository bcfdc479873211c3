import { BackplaneError } from '../base/errors.ts';

/** The image of the firmware that a machine was asked for: `firmware` of its request. */
export class FirmwareImage {
  /** The bytes of the ROM that the board had for it. */
  private romSize: number | undefined;

  constructor(
    private readonly machine: string,
    private readonly image: Uint8Array | undefined,
  ) {}

  /**
   * Fills a ROM, which ends where the image ends. What lies before the image holds 0xff, as erased flash does. An image that does not
   * fit is refused when the board is complete.
   */
  fill(rom: Uint8Array): void {
    this.romSize = rom.length;
    rom.fill(0xff);
    if (this.image !== undefined && this.image.length <= rom.length)
      rom.set(this.image, rom.length - this.image.length);
  }

  /**
   * When the board is complete. Where it could not be made, that is told instead.
   *
   * @throws BackplaneError `no-rom` for an image that no board has taken, `bad-firmware` for one that is empty or larger than the ROM.
   */
  check(): void {
    const { image, machine, romSize } = this;
    if (image === undefined) return;
    if (romSize === undefined)
      throw new BackplaneError(
        'no-rom',
        `Machine '${machine}': it has no ROM for its firmware. Leave the firmware out, or choose another machine.`,
      );
    if (image.length > 0 && image.length <= romSize) return;
    throw new BackplaneError(
      'bad-firmware',
      `Machine '${machine}': its firmware has ${image.length} bytes, and its ROM has ${romSize}. Give an image of 1 to ${romSize} bytes.`,
    );
  }
}
