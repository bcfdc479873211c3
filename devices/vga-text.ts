import {
  addCoalescedIo,
  device,
  IsaDevice,
  KiB,
  mmioRegion,
  type ShowsText,
  state,
  type TextScreen,
} from '../sdk/index.ts';
import { characters } from './parts/code-page-437.ts';

const Columns = 80;
const Rows = 25;
/**
 * The offset of 0xb8000, the text page of the colour modes.
 *
 * @see QEMU 7.2, hw/display/vga.c, vga_update_memory_access
 */
const TextStart = 0x1_8000;
/** The character, then its attribute. */
const BytesPerCell = 2;
/** The background has three bits: a VGA BIOS leaves the fourth for blinking, which is not shown. */
const WithoutBlinking = 0x7f;

const videoMemory = mmioRegion({ name: 'vga-lowmem', base: 0xa_0000, size: 128 * KiB, priority: 1 });

/**
 * The memory window of a VGA card below 1 MiB, as plain memory. 80 by 25 characters with their attributes are at
 * 0xb8000. Planes, ports and a picture are not modelled.
 *
 * A hostile guest can write these 128 KiB, and nothing else.
 *
 * @see QEMU 7.2, hw/display/vga.c, vga_init: the window is coalesced, with priority 1 over RAM
 */
@device({ type: 'vga-text', description: 'VGA memory window with an 80x25 text screen' })
@addCoalescedIo(videoMemory, { offset: 0, size: 128 * KiB })
export class VgaText extends IsaDevice implements ShowsText {
  @state({ atReset: 'kept' }) private readonly view = new DataView(new ArrayBuffer(videoMemory.size));

  @videoMemory.write()
  writeMemory(value: number, offset: number, size: number): void {
    if (size === 1) this.view.setUint8(offset, value);
    else if (size === 2) this.view.setUint16(offset, value, true);
    else this.view.setUint32(offset, value, true);
  }

  @videoMemory.read()
  readMemory(offset: number, size: number): number {
    if (size === 1) return this.view.getUint8(offset);
    return size === 2 ? this.view.getUint16(offset, true) : this.view.getUint32(offset, true);
  }

  /** The screen without what is queued, and without a cursor. */
  textScreen(): TextScreen {
    const colours = Uint8Array.from(
      { length: Rows * Columns },
      (_, cell) => this.view.getUint8(TextStart + cell * BytesPerCell + 1) & WithoutBlinking,
    );
    return { rows: Array.from({ length: Rows }, (_, row) => this.line(row)), colours };
  }

  /** The screen as text: 25 lines without trailing blanks. Queued writes are delivered first. */
  text(): string {
    if (this.realized) this.topology.coalescedIoFlusher.flushCoalescedIo();
    const { rows } = this.textScreen();
    return rows.map((row) => row.trimEnd()).join('\n');
  }

  private line(row: number): string {
    let line = '';
    for (let column = 0; column < Columns; column++) {
      line += characters[this.view.getUint8(TextStart + (row * Columns + column) * BytesPerCell)];
    }
    return line;
  }
}
