import { shape, state } from '../../sdk/index.ts';

const Colours = 256;
const Components = 3;
export const PixelState = { Write: 0, Read: 3 } as const;

/**
 * The colour table and its converter. One address serves reads and writes. After the third component it goes to the next colour. A
 * read address loads its colour at once, so that the address then shows the next one.
 *
 * @see Inmos IMS G171 datasheet, "Pixel Address Register" and "Colour Value Register"
 */
export class Palette {
  /** Red, green and blue of each colour. */
  @state readonly colours = new Uint8Array(Components * Colours);
  @state({ as: shape.bits(8) }) address = 0;
  /** Which component is next. */
  @state({ as: shape.integer(0, Components - 1) }) private component = 0;
  @state private isReading = false;
  /** The components that were written, or are read. */
  @state private readonly value = new Uint8Array(Components);

  get state(): number {
    return this.isReading ? PixelState.Read : PixelState.Write;
  }

  /** The component that the next read takes. */
  get next(): number {
    return this.value[this.component] as number;
  }

  startWrite(address: number): void {
    this.isReading = false;
    this.component = 0;
    this.address = address;
  }

  startRead(address: number): void {
    this.isReading = true;
    this.component = 0;
    this.address = address;
    this.load();
  }

  write(value: number): void {
    this.value[this.component] = value;
    if (!this.step()) return;
    this.colours.set(this.value, Components * this.address);
    this.address = (this.address + 1) % Colours;
  }

  read(): void {
    if (this.step()) this.load();
  }

  reset(): void {
    this.colours.fill(0);
    this.value.fill(0);
    Object.assign(this, { address: 0, component: 0, isReading: false });
  }

  /** Whether a colour is complete. */
  private step(): boolean {
    this.component = (this.component + 1) % Components;
    return this.component === 0;
  }

  private load(): void {
    const at = Components * this.address;
    for (let component = 0; component < Components; component++) {
      this.value[component] = this.colours[at + component] as number;
    }
    this.address = (this.address + 1) % Colours;
  }
}
