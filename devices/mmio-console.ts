import { addCoalescedIo, device, mmioRegion, SystemDevice, shape, state } from '../sdk/index.ts';

const Register = { Character: 0 } as const;
/** The last ones, kept for `text`. */
const MostCharacters = 4096;

export const mmioConsoleRegisters = mmioRegion({ name: 'console', size: 0x1000, accessSizes: [1, 2, 4] });

/**
 * Console of a board: a register that prints what is written to it, a character in the lowest byte. It is always ready, and reads
 * as zero. No other part of the machine depends on a character, so the register is coalesced. A hostile guest can print for ever;
 * the last 4,096 characters are kept.
 *
 * There is no datasheet: it is a device of simulators, as QEMU's debug console is.
 *
 * @see QEMU 7.2, hw/char/debugcon.c, debugcon_ioport_write
 */
@device({ type: 'mmio-console', description: 'Console of one register in memory' })
@addCoalescedIo(mmioConsoleRegisters, { offset: Register.Character, size: 4 })
export class MmioConsole extends SystemDevice {
  /** Called with each character when it is delivered: a file, a terminal, a test. */
  output: ((character: string) => void) | undefined;
  /** A reset does not clear what a terminal has shown. */
  @state({ as: shape.text(MostCharacters), atReset: 'kept' }) private printed = '';

  /** The last printed characters. Queued characters are delivered first. */
  get text(): string {
    if (this.realized) this.topology.coalescedIoFlusher.flushCoalescedIo();
    return this.printed;
  }

  @mmioConsoleRegisters.register(Register.Character, { width: 32, access: 'trigger', reads: 0 })
  print(value: number): void {
    const character = String.fromCharCode(value & 0xff);
    this.printed = (this.printed + character).slice(-MostCharacters);
    this.output?.(character);
  }
}
