/** More bytes of one part are counted only. */
const MostBytes = 32;
/** A transfer of more parts is emitted in pieces: a guest need not end one. */
const MostParts = 16;

/** Puts a transfer on a serial bus into words while it goes on, and emits them at its end. */
export class TransferLog {
  private text = '';
  private parts = 0;
  private bytes = 0;

  /** `bus` begins each line: 'i2c'. */
  constructor(
    private readonly bus: string,
    private readonly emit: (words: string) => void,
  ) {}

  get isOpen(): boolean {
    return this.parts > 0;
  }

  /** What follows an address or a select: 'write', 'read'. */
  part(words: string): void {
    if (this.parts === MostParts) this.end();
    this.closePart();
    this.text += this.parts === 0 ? `${this.bus} ${words}` : `, ${words}`;
    this.parts++;
  }

  byte(value: number, digits = 2): void {
    if (this.parts > 0 && ++this.bytes <= MostBytes) this.text += ` ${value.toString(16).padStart(digits, '0')}`;
  }

  /** Says something about what was added last. */
  note(words: string): void {
    if (this.parts > 0 && this.bytes <= MostBytes) this.text += words;
  }

  end(): void {
    this.closePart();
    const words = this.text;
    this.text = '';
    this.parts = 0;
    if (words !== '') this.emit(words);
  }

  private closePart(): void {
    if (this.bytes > MostBytes) this.text += ` ... (${this.bytes} bytes)`;
    this.bytes = 0;
  }
}
