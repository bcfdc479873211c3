import { inFile, type Mistake } from './mistakes.ts';

const serial = inFile('isa-serial', 'devices/ns16550a/uart.ts');
const pl011 = inFile('pl011', 'devices/pl011.ts');
const pl011Transmitter = inFile('pl011', 'devices/parts/serial-transmitter.ts');
const parallel = inFile('isa-parallel', 'devices/parallel.ts');
const flash = inFile('spi-flash', 'devices/spi-flash.ts');
const eepromImage = inFile('eeprom-image', 'devices/parts/image-memory.ts');

/**
 * Ten more, by another author who had not read the suite, where devices meet the host: five in receive paths and five in back-pressure.
 * Two of the first ten were the same as in the fourth batch, and were replaced before the first run. The sentence above each says what
 * its author believed or forgot.
 */
export const fifthBatch: readonly Mistake[] = [
  // Clearing the receive FIFO only drops what is in it. Forgot that it makes room, for which the host may be waiting.
  serial(
    'receive',
    'this.fifoControl = kept;\n    this.receiver.listen();\n    return kept;',
    'this.fifoControl = kept;\n    return kept;',
  ),
  // The time-out is of the last character that came. Forgot that a read starts it again for those that are left.
  serial(
    'receive',
    'const character = fifo.shift() & 0xff;\n    this.receiver.awaitSilence();',
    'const character = fifo.shift() & 0xff;',
  ),
  // Each character that comes calls onReceive. Forgot those that came before the driver enabled the receiver.
  pl011(
    'receive',
    'this.transmitter.resume();\n    this.receiver.listen();\n  }\n\n  @registers.rawStatus',
    'this.transmitter.resume();\n  }\n\n  @registers.rawStatus',
  ),
  // A break is a condition of the line: it interrupts, and no character comes with it.
  pl011(
    'receive',
    'onBreak: () => this.receiver.receive(Break),',
    'onBreak: () => {\n        this.latched |= Interrupt.Break;\n      },',
  ),
  // The user is told of an image that cannot be read, and the chip is an erased one. Forgot that a read has an answer.
  eepromImage(
    'receive',
    'const failure = drive.read(0, bytes);',
    'drive.read(0, bytes);\n    const failure = undefined;',
  ),

  // The line is idle when its timer does not run. Forgot the character that the host did not take.
  pl011Transmitter(
    'back-pressure',
    'return this.isEmpty && this.shifting === Idle;',
    'return this.isEmpty && !this.characterSent.pending;',
  ),
  // A printer acknowledges when it is strobed: the host's buffer is its own affair.
  parallel(
    'back-pressure',
    `    this.taken = this.data;
    this.print();
  }

  /** A byte that the host does not take keeps the printer busy. */
  private print(): void {
    if (this.taken === None || !this.printer.write(this.taken)) return;
    this.taken = None;
    this.acknowledged.arm(this.clock.now + AcknowledgeTime);
  }`,
    `    this.taken = this.data;
    this.acknowledged.arm(this.clock.now + AcknowledgeTime);
    this.print();
  }

  /** A byte that the host does not take keeps the printer busy. */
  private print(): void {
    if (this.taken === None || !this.printer.write(this.taken)) return;
    this.taken = None;
  }`,
  ),
  // A printer that is gone is busy until it comes back. Forgot that its coming must be asked for.
  parallel(
    'back-pressure',
    'if (this.taken === None || !this.printer.write(this.taken)) return;',
    'const isGone = this.printer.isChosen && !this.printer.isOpen;\n    if (this.taken === None || isGone || !this.printer.write(this.taken)) return;',
  ),
  // A failure of the host is told to the user: the chip is busy with the command as always.
  flash(
    'back-pressure',
    'if (length > 0 && !this.image.store(start, changed)) return false;',
    'if (length > 0) this.image.store(start, changed);',
  ),
  // On a read-only image the chip goes on in RAM, and the file keeps what it has.
  eepromImage(
    'back-pressure',
    'if (drive.isChosen && (drive.write',
    'if (drive.isChosen && !drive.isReadOnly && (drive.write',
  ),
];
