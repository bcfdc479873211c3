import type { RegisterAccess } from '../../../sdk/index.ts';
import type { RegisterWidth } from '../../../sdk/runtime.ts';

/** One register bit by bit, without any cleverness: what the compiled code is held against. */
export class NaiveRegister {
  private readonly held: boolean[];
  private readonly locked: boolean[];

  constructor(
    readonly width: RegisterWidth,
    readonly access: readonly RegisterAccess[],
    private readonly resetValue: bigint,
  ) {
    this.held = Array.from({ length: width }, (_, bit) => isSet(resetValue, bit));
    this.locked = new Array(width).fill(false);
  }

  get value(): bigint {
    return this.held.reduce((sum, set, bit) => (set ? sum + 2n ** BigInt(bit) : sum), 0n);
  }

  reset(): void {
    for (let bit = 0; bit < this.width; bit++) {
      this.held[bit] = isSet(this.resetValue, bit);
      this.locked[bit] = false;
    }
  }

  /** What the guest reads of one byte. */
  readByte(byte: number): number {
    let answer = 0;
    // Bits that mean nothing follow those that cannot be read.
    const nothing = ['write-only', 'reserved', 'undocumented', 'unimplemented'];
    if (this.access.includes('write-only') && this.access.every((access) => nothing.includes(access))) return 0;
    for (let bit = 8 * byte; bit < 8 * byte + 8; bit++) {
      const access = this.access[bit];
      if (access === 'write-only') continue;
      if (this.held[bit]) answer += 2 ** (bit % 8);
      if (access === 'read-to-clear') this.held[bit] = false;
    }
    return answer;
  }

  writeByte(byte: number, value: number): void {
    for (let bit = 8 * byte; bit < 8 * byte + 8; bit++) {
      const written = isSet(BigInt(value), bit % 8);
      switch (this.access[bit]) {
        case 'read-write':
        case 'write-only':
        case 'undocumented':
        case 'unimplemented':
          this.held[bit] = written;
          break;
        case 'write-one-to-clear':
          if (written) this.held[bit] = false;
          break;
        case 'write-one-to-set':
          if (written) this.held[bit] = true;
          break;
        case 'write-once':
          if (!this.locked[bit]) this.held[bit] = written;
          this.locked[bit] = true;
          break;
        default:
          break;
      }
    }
  }

  /** As the device's own code would. */
  set(value: bigint): void {
    for (let bit = 0; bit < this.width; bit++) this.held[bit] = isSet(value, bit);
  }
}

const isSet = (value: bigint, bit: number): boolean => (value / 2n ** BigInt(bit)) % 2n === 1n;
