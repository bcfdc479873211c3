/** A mistake as an author could have made it, in one of the suspects. */
export interface Mistake {
  readonly kind: string;
  readonly suspect: string;
  readonly file: string;
  /** As it is; it stands exactly once in the file. */
  readonly right: string;
  readonly wrong: string;
}

export const inFile =
  (suspect: string, file: string) =>
  (kind: string, right: string, wrong: string): Mistake => ({ kind, suspect, file, right, wrong });
const serial = inFile('serial-port', 'test/mutation/devices/serial-port.ts');
const edu = inFile('edu', 'devices/edu.ts');
const rtc = inFile('mc146818rtc', 'devices/mc146818-rtc.ts');
const rtcRegisters = inFile('mc146818rtc', 'devices/mc146818-rtc/registers.ts');

/** Twenty of them, written down before the suite had seen any. */
export const mistakes: readonly Mistake[] = [
  serial(
    'wrong mask',
    '(this.interruptStatus & this.interruptEnable) !== 0',
    '(this.interruptStatus & this.interruptEnable & Cause.Received) !== 0',
  ),
  serial('wrong mask', 'loopback: bit(6)', 'loopback: bit(5)'),
  serial('missing flush partner', '@flushCoalescedIo(monitor)\n', ''),
  serial('missing flush partner', 'size: 1 })\n@flushCoalescedIo(monitor)\n', 'size: 1, independent: [monitor] })\n'),
  serial('forgotten reset', '    this.waiting = 0;\n    this.first = 0;\n', '    this.first = 0;\n'),
  serial('state not declared', '@state private shifting = 0', 'private shifting = 0'),
  serial('off-by-one range', 'if (this.waiting === FifoSize)', 'if (this.waiting > FifoSize)'),
  serial(
    'inverted w1c',
    '  @interruptEnable.onWrite()\n',
    '  @interruptStatus.onWrite("overrun")\n  clear(value: number, previous: number): void {\n' +
      '    this.interruptStatus = interruptStatus.fields.overrun.with(this.interruptStatus, previous & ~value);\n  }\n\n' +
      '  @interruptEnable.onWrite()\n',
  ),
  edu(
    'wrong mask',
    'interruptWhenDone: bit(7), rest: reserved([1, 6], [8, 31])',
    'interruptWhenDone: bit(6), rest: reserved([1, 5], [7, 31])',
  ),
  edu('forgotten reset', '    this.dmaDone.cancel();\n', ''),
  edu('forgotten reset', '    super.reset();\n', ''),
  edu('state not declared', '@state readonly buffer', 'readonly buffer'),
  edu(
    'wrong width',
    "{ width: 32, description: 'n becomes n! modulo 2^32, later' }",
    "{ width: 16, description: 'n becomes n! modulo 2^32, later' }",
  ),
  edu('off-by-one range', 'end <= Buffer.Size', 'end < Buffer.Size'),
  edu('inverted w1c', '(this.interruptStatus & ~causes) >>> 0', '(this.interruptStatus & causes) >>> 0'),
  rtcRegisters('wrong mask', "field: 'register', ", ''),
  rtc('off-by-one range', '{ offset: Port.Index, size: 1 }', '{ offset: Port.Index, size: 2 }'),
  rtc('state not declared', "@state({ atReset: 'kept' }) protected readonly timeOfDay", 'protected readonly timeOfDay'),
  rtcRegisters(
    'wrong width',
    "register: bits(0, 6, 'write-only'),\n    maskNmi: bit(7, ",
    "register: bits(0, 5, 'write-only'),\n    maskNmi: bits(6, 7, ",
  ),
  rtc('forgotten reset', '    this.flags.updateIrq();\n    this.periodic.reset();\n', '    this.periodic.reset();\n'),
];
