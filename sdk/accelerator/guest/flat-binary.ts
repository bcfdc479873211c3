import { BackplaneError } from '../../base/errors.ts';
import { hex } from '../../base/text.ts';
import { type CodePiece, type CodeStart, type GuestCode, type ProcessorMode, processorModes } from './code.ts';

/** A flat binary: bytes without a header, of `nasm -f bin` or `ld --oformat binary`. */
export interface FlatBinaryOptions {
  /** How messages call it: the name of its file. */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Physical address where it is put, and where its vCPU begins: below 1 MiB in real mode, below 4 GiB in the others. */
  readonly address: number;
  /** Default: 'real'. */
  readonly mode?: ProcessorMode;
}

/** Real mode has 20 bits of address. */
const EndOfRealMode = 0x10_0000;
const EndOfFlatModes = 2 ** 32;
/** The first bytes of such a file. @see System V ABI, ELF header, e_ident */
const ElfMagic = [0x7f, 0x45, 0x4c, 0x46];

/**
 * Machine code without a header: a guest of `hostKvmAccelerator`, and of `simulatedAccelerator` with a processor for machine code. It is
 * put into the machine's RAM when it is loaded, and again after each reset. Its vCPU begins at its first byte with interrupts disabled.
 *
 * @throws BackplaneError `invalid-flat-binary` if it is empty or an ELF file, or does not lie within what its mode addresses. `machine.run`
 *   throws `no-memory-for-code` where the machine has no RAM or ROM, and on a simulated kernel without a processor for machine code
 *   `machine-code-guest`.
 */
export class FlatBinary implements GuestCode {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly address: number;
  readonly mode: ProcessorMode;

  constructor({ name, bytes, address, mode = 'real' }: FlatBinaryOptions) {
    if (!(bytes instanceof Uint8Array) || !processorModes.includes(mode)) {
      throw new BackplaneError(
        'invalid-flat-binary',
        `Flat binary '${name}': it has no bytes, or its mode is none. Give a Uint8Array, and one of the modes ${processorModes.join(', ')}.`,
      );
    }
    const end = mode === 'real' ? EndOfRealMode : EndOfFlatModes;
    if (!Number.isInteger(address) || address < 0 || address + bytes.length > end || bytes.length === 0) {
      throw new BackplaneError(
        'invalid-flat-binary',
        `Flat binary '${name}': ${bytes.length} bytes at ${hex(address)} are not within the first ${hex(end)} of ${mode} mode. ` +
          'Give another address, or another mode.',
      );
    }
    if (ElfMagic.every((byte, index) => bytes[index] === byte)) {
      throw new BackplaneError(
        'invalid-flat-binary',
        `Flat binary '${name}': it is an ELF file, which has a header before its code. Take the code out of it: 'objcopy -O binary', or link ` +
          "it with 'ld --oformat binary'.",
      );
    }
    this.name = name;
    this.bytes = bytes;
    this.address = address;
    this.mode = mode;
  }

  get pieces(): readonly CodePiece[] {
    return [{ address: this.address, bytes: this.bytes }];
  }

  get start(): CodeStart {
    return { mode: this.mode, entry: this.address };
  }
}
