import { addCoalescedIo, device, IsaDevice, portRegion, shape, state } from '../sdk/index.ts';

export const postPorts = portRegion({ name: 'post', base: 0x80, size: 1, accessSizes: [1] });

/**
 * Port 0x80 of a PC: the last code of the power-on self-test. It is a spare page register of the DMA controller and reads back.
 * Kernels also write here to let a microsecond pass.
 *
 * A code is looked at by the host only, so the port is coalesced, and what the register shows is in order. A hostile guest can
 * write for ever; one byte is kept.
 *
 * @see Intel 82371SB (PIIX3) datasheet, order number 290550, "DMA Page Registers": port 80h is one, reserved, read and write
 * @see QEMU 7.2, hw/i386/pc.c, ioport80_read: there it reads all ones
 */
@device({ type: 'post-port', description: 'Port 0x80, codes of the power-on self-test' })
@addCoalescedIo(postPorts, { offset: 0, size: 1 })
export class PostPort extends IsaDevice {
  /** Called with each code when it is delivered. */
  output: ((code: number) => void) | undefined;
  /** The last one. @see Intel 82371SB (PIIX3) datasheet, "DMA Page Registers": a reset leaves them alone */
  @state({ as: shape.bits(8), atReset: 'kept' }) code = 0;

  @postPorts.write(0)
  show(code: number): void {
    this.code = code;
    this.output?.(code);
  }

  @postPorts.read(0)
  readBack(): number {
    return this.code;
  }
}
