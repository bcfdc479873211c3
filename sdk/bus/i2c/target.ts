import type { I2cAddress, I2cDirection } from './address.ts';

/** What the controller reads while no target drives the data line. */
export const ReleasedByte = 0xff;

/** What a handler answers for a byte that it takes; `false` does not acknowledge. */
// biome-ignore lint/suspicious/noConfusingVoidType: a handler that answers nothing acknowledges
export type Acknowledge = boolean | void;

/** The clock line of a bus. */
export interface I2cClockLine {
  /** Until when targets hold it low, in guest nanoseconds. */
  heldUntil: number;
}

/** A target as its bus sees it. `I2cDevice` is one. */
export interface I2cTarget {
  readonly id: string;
  /** Where it answers now. */
  busAddress: I2cAddress;
  /** Where it was plugged in. */
  readonly pluggedAt: I2cAddress;
  /** Which bits of an address it compares. */
  readonly addressMask: number;
  /** It takes part in the transfer. */
  addressed: boolean;
  respondsTo(address: I2cAddress, direction: I2cDirection): boolean;
  onStart(direction: I2cDirection, address: I2cAddress): Acknowledge;
  onWrite(byte: number): Acknowledge;
  onRead(): number;
  onStop(): void;
  connectToBus(clockLine: I2cClockLine, at: I2cAddress): void;
}
