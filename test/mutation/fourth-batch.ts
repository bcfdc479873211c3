import { inFile, type Mistake } from './mistakes.ts';

const serial = inFile('isa-serial', 'devices/ns16550a/uart.ts');
const serialReceiver = inFile('isa-serial', 'devices/parts/serial-receiver.ts');
const serialTransmitter = inFile('isa-serial', 'devices/parts/serial-transmitter.ts');
const pl011 = inFile('pl011', 'devices/pl011.ts');
const pl011Receiver = inFile('pl011', 'devices/parts/serial-receiver.ts');
const pl011Transmitter = inFile('pl011', 'devices/parts/serial-transmitter.ts');
const parallel = inFile('isa-parallel', 'devices/parallel.ts');
const flashImage = inFile('spi-flash', 'devices/parts/image-memory.ts');

/**
 * Ten more, by an author who had not read the suite, where devices meet the host: five in receive paths and five in back-pressure.
 * The sentence above each says what its author believed or forgot.
 */
export const fourthBatch: readonly Mistake[] = [
  // What comes from the line is taken when it comes, as on the chip, and overruns: the host does not wait.
  serialReceiver('receive', 'this.line.mayReceive && !this.isFull', 'this.line.mayReceive'),
  // Characters come with onReceive, and a read makes room only: those behind a full FIFO wait until another one comes.
  serial(
    'receive',
    '    this.receiver.awaitSilence();\n    this.receiver.listen();\n    return character;\n',
    '    this.receiver.awaitSilence();\n    return character;\n',
  ),
  // A read acknowledges the receive interrupt, also with more characters in the FIFO than its level.
  pl011(
    'receive',
    '    if (fifo.length < this.receiveLevel) this.latched &= ~Interrupt.Receive;\n',
    '    this.latched &= ~Interrupt.Receive;\n',
  ),
  // The time-out counts from the first character, and those after it do not restart it.
  pl011Receiver(
    'receive',
    '    if (time > 0 && this.fifo.length > 0) this.silence.arm(this.clock.now + time);\n',
    '    if (this.silence.pending) return;\n    if (time > 0 && this.fifo.length > 0) this.silence.arm(this.clock.now + time);\n',
  ),
  // A break is a character of zeros.
  serial('receive', 'onBreak: () => this.receiver.receive(Break)', 'onBreak: () => this.receiver.receive(0)'),

  // The host always has room.
  serialTransmitter(
    'back-pressure',
    '    else if (!this.chardev.write(this.shifting)) return;\n',
    '    else this.chardev.write(this.shifting);\n',
  ),
  // The byte is kept, and the author forgot to go on with it.
  parallel('back-pressure', '    chardev.connect({ onWritable: () => this.print() });\n', ''),
  // A byte that the host has not taken is gone a moment later, so that no snapshot needs it.
  parallel(
    'back-pressure',
    '  @state({ as: shape.integer(None, 0xff) }) private taken = None;\n',
    '  private taken = None;\n',
  ),
  // A reset clears the FIFO, and the shift register empties itself.
  pl011Transmitter(
    'back-pressure',
    '    this.characterSent.cancel();\n    this.shifting = Idle;\n',
    '    this.characterSent.cancel();\n',
  ),
  // The host's file does not fail.
  flashImage(
    'back-pressure',
    '    if (drive.isChosen && (drive.write(start, changed) ?? drive.flush()) !== undefined) return false;\n',
    '    if (drive.isChosen) {\n      drive.write(start, changed);\n      drive.flush();\n    }\n',
  ),
];
