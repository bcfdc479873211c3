import {
  addCoalescedIo,
  defineOptions,
  device,
  IsaDevice,
  type OptionsOf,
  option,
  options,
  portRegion,
  shape,
  state,
} from '../sdk/index.ts';

const Port = { Character: 0 } as const;
/** The last characters, kept for `text`. */
const MostCharacters = 0x1_0000;

const ports = portRegion({ name: 'debugcon', base: 0xe9, size: 1, accessSizes: [1] });

export const debugconOptions = defineOptions({
  iobase: option.integer({
    description: 'the port; SeaBIOS writes to 0x402',
    default: 0xe9,
    range: [0, 0xffff],
    places: ports,
  }),
  readback: option.integer({
    description: 'value of a read; a guest that finds 0xe9 here uses the console',
    default: 0xe9,
    range: [0, 0xff],
  }),
});

/**
 * Debug console: a port that prints each byte written to it as a character.
 *
 * No other part of the machine depends on a character, so the port is coalesced. Firmware that prints a lot causes
 * almost no exits. A read of `text` delivers the queued characters first.
 *
 * A hostile guest can print for ever; the last 65,536 characters are kept.
 *
 * @see QEMU 7.2, hw/char/debugcon.c, debugcon_ioport_read: a read returns the property readback
 * @see SeaBIOS, src/hw/serialio.c, qemu_debug_preinit: firmware prints at 0x402 only if it reads 0xe9 there
 */
@device({ type: 'isa-debugcon', description: 'Debug console on one port' })
@addCoalescedIo(ports, { offset: Port.Character, size: 1 })
export class Debugcon extends IsaDevice {
  /** Called with each character when it is delivered: a file, a terminal, a test. */
  output: ((character: string) => void) | undefined;
  /** A reset does not clear what a terminal has shown. */
  @state({ as: shape.text(2 * MostCharacters), atReset: 'kept' }) private printed = '';
  private readonly readback: number;

  constructor(@options(debugconOptions) { readback }: OptionsOf<typeof debugconOptions>) {
    super();
    this.readback = readback;
  }

  /** The last printed characters, one for each byte. Queued characters are delivered first. */
  get text(): string {
    if (this.realized) this.topology.coalescedIoFlusher.flushCoalescedIo();
    return this.printed.slice(-MostCharacters);
  }

  @ports.write(Port.Character)
  print(value: number): void {
    const character = String.fromCharCode(value);
    this.printed += character;
    if (this.printed.length >= 2 * MostCharacters) this.printed = this.printed.slice(-MostCharacters);
    this.output?.(character);
  }

  @ports.read(Port.Character)
  identify(): number {
    return this.readback;
  }
}
