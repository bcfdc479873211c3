import type { GuestSource } from '../accelerator/guest/operation.ts';
import { BackplaneError } from '../base/errors.ts';
import { hex } from '../base/text.ts';
import type { ProcessorMode } from './processor-modes.ts';

export interface FlatBinaryOptions {
  /** How messages call it: the name of its file. */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Where it is put, and where its vCPU begins. */
  readonly address: number;
  /** Default: 'real'. */
  readonly mode?: ProcessorMode;
}

/** Real mode has 20 bits of address. */
const EndOfRealMode = 0x10_0000;
const EndOfFlatModes = 2 ** 32;

/** Machine code for the host's processor. It is put into the machine's RAM when it is loaded, and again after each reset. */
export class FlatBinary {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly address: number;
  readonly mode: ProcessorMode;

  constructor({ name, bytes, address, mode = 'real' }: FlatBinaryOptions) {
    const end = mode === 'real' ? EndOfRealMode : EndOfFlatModes;
    if (!Number.isInteger(address) || address < 0 || address + bytes.length > end || bytes.length === 0) {
      throw new BackplaneError(
        'invalid-flat-binary',
        `Flat binary '${name}': ${bytes.length} bytes at ${hex(address)} are not within the first ${hex(end)} of ${mode} mode. ` +
          'Give another address, or another mode.',
      );
    }
    this.name = name;
    this.bytes = bytes;
    this.address = address;
    this.mode = mode;
  }

  /** What a kernel that executes operations asks for: it cannot execute this. */
  start(): GuestSource {
    throw new BackplaneError(
      'machine-code-guest',
      `Guest '${this.name}' is machine code, and the simulated kernel executes operations. Use -accel kvm.`,
    );
  }
}
