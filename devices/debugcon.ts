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
/** What is kept for whoever looks later: the last so many characters. */
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
    description: 'what a read answers; a guest that looks for 0xe9 takes the port for a console',
    default: 0xe9,
    range: [0, 0xff],
  }),
});

/**
 * Debug console: a port that prints what is written to it, one character a time.
 *
 * Nothing in the machine depends on a character, so it may wait in the ring: the port is coalesced, and firmware that prints a
 * lot leaves the processor's guest mode for almost none of it. Whoever reads `text` gets the queued characters too.
 *
 * A hostile guest can print for ever; the last 65,536 characters are kept.
 */
@device({ type: 'isa-debugcon', description: 'Debug console on one port' })
@addCoalescedIo(ports, { offset: Port.Character, size: 1 })
export class Debugcon extends IsaDevice {
  /** Hears every character when it is delivered: a file, a terminal, a test. */
  output: ((character: string) => void) | undefined;
  /** What a terminal has shown, no reset takes back. */
  @state({ as: shape.text(2 * MostCharacters), atReset: 'kept' }) private printed = '';
  private readonly readback: number;

  constructor(@options(debugconOptions) { readback }: OptionsOf<typeof debugconOptions>) {
    super();
    this.readback = readback;
  }

  /** What was printed, one character a byte; only its end if that was much. Queued characters are delivered first. */
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
