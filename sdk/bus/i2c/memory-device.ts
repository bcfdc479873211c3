import { rememberReserved, reserveMembers } from '../../device/class-checks.ts';
import { state } from '../../state/schema.ts';
import { I2cPointerDevice, type I2cPointerSpec } from './pointer-device.ts';
import type { Acknowledge } from './target.ts';

/** What an erased byte of most memories holds. */
const Erased = 0xff;

/** A memory behind a pointer: as it is, one of ferroelectric RAM, which takes each byte at once. A reset keeps its bytes. */
export abstract class I2cMemoryDevice extends I2cPointerDevice {
  /** All its bytes. A machine may fill them. */
  @state({ atReset: 'kept' }) readonly memory: Uint8Array;

  constructor(spec: Omit<I2cPointerSpec, 'unit'>) {
    super(spec);
    this.memory = new Uint8Array(spec.size).fill(Erased);
    rememberReserved(this, I2cMemoryDevice);
  }

  protected readAt(address: number): number {
    return this.memory[address] as number;
  }

  protected writeAt(address: number, byte: number): Acknowledge {
    this.memory[address] = byte;
  }
}

reserveMembers(I2cMemoryDevice, { memory: 'its bytes' });
