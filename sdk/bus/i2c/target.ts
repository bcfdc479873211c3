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
  /** Its handlers, each as an event of the device. */
  busStart(direction: I2cDirection, address: I2cAddress): Acknowledge;
  busWrite(byte: number): Acknowledge;
  busRead(): number;
  busStop(): void;
  connectToBus(clockLine: I2cClockLine, at: I2cAddress): void;
}

/** For a controller that is tested alone: takes even addresses and even bytes, and answers one byte. It has no state. */
export const standIn: I2cTarget = Object.freeze({
  id: 'stand-in',
  busAddress: 0,
  pluggedAt: 0,
  addressMask: 0xffff,
  get addressed() {
    return true;
  },
  set addressed(_takesPart: boolean) {},
  respondsTo: (address: I2cAddress) => (address & 1) === 0,
  busStart: () => true,
  busWrite: (byte: number) => (byte & 1) === 0,
  busRead: () => 0x96,
  busStop: () => {},
  connectToBus: () => {},
});
