/** What both halves of a UART ask the chip around them, and tell it. */
export interface SerialLine {
  /** Characters that each FIFO takes: 1 while FIFOs are disabled. */
  readonly depth: number;
  /** Loop-back: what is sent is received, and the line outside is not connected. */
  readonly isLooped: boolean;
  readonly maySend: boolean;
  readonly mayReceive: boolean;
  /** Bits of a character. */
  readonly wordMask: number;
  /** Nanoseconds of a character on the line; 0: none. */
  readonly transferTime: number;
  /** Nanoseconds without a character after which a receiver that holds some reports it; 0: never. */
  readonly silenceTime: number;
  /** A character has left the transmitter's FIFO. */
  onLeft(): void;
  /** A character has come into the receiver's FIFO, or found it full. */
  onReceived(character: number, isLost: boolean): void;
  onSilence(): void;
  guestError(message: string): void;
}

const BitsLost =
  'a character loses its upper bits: the line control register sets a shorter word. After a reset it has 5 bits';

/** The character as it is on the line: only the bits of a word. */
export function wordOf(character: number, line: SerialLine): number {
  const word = character & line.wordMask;
  if (word !== character) line.guestError(BitsLost);
  return word;
}
