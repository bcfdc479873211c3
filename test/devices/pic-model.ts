/**
 * An 8259A written from the datasheet with sets and lists instead of bit masks, as something to compare the model with. It
 * keeps the inputs in a list, the one that goes first at its head.
 */
export class NaivePic {
  order = [0, 1, 2, 3, 4, 5, 6, 7];
  requested = new Set<number>();
  serving = new Set<number>();
  masked = new Set<number>();
  high = new Set<number>();
  level = new Set<number>();
  /** Inputs that have been low since they were served. */
  private fresh = new Set([0, 1, 2, 3, 4, 5, 6, 7]);
  private words: string[] = [];
  private wiring: number;
  private alone = false;
  private automaticEnd = false;
  private rotating = false;
  private fullyNested = false;
  private specialMask = false;
  private showServing = false;
  private polled = false;

  constructor(
    private readonly isMaster: boolean,
    private readonly tell: (level: boolean) => void,
  ) {
    this.wiring = isMaster ? 4 : 2;
  }

  input(n: number, isHigh: boolean): void {
    if (isHigh) this.high.add(n);
    else this.high.delete(n);
    this.look();
    this.tellOutput();
  }

  /** An input asks while it is high, if it is level triggered or has been low; between a poll and its read no change is seen. */
  private look(): void {
    const all = [0, 1, 2, 3, 4, 5, 6, 7];
    for (const n of all) if (!this.high.has(n)) this.fresh.add(n);
    const asks = (n: number) => this.high.has(n) && (this.level.has(n) || this.fresh.has(n));
    if (!this.polled) this.requested = new Set(all.filter(asks));
  }

  command(value: number): void {
    if (value & 0x10) {
      for (const set of [this.serving, this.masked, this.fresh]) set.clear();
      this.order = [0, 1, 2, 3, 4, 5, 6, 7];
      this.automaticEnd = this.rotating = this.fullyNested = this.specialMask = this.showServing = this.polled = false;
      this.words = ['base', ...(value & 2 ? [] : ['wiring']), ...(value & 1 ? ['mode'] : [])];
      this.alone = (value & 2) !== 0;
      if (!this.isMaster) this.wiring = 7;
      this.look();
    } else if (value & 0x08) {
      if (value & 0x04) this.polled = true;
      if (value & 0x02) this.showServing = (value & 1) === 1;
      if (value & 0x40) this.specialMask = (value & 0x20) !== 0;
    } else {
      this.endOrRotate(value >> 5, value & 7);
    }
    this.tellOutput();
  }

  private endOrRotate(what: number, n: number): void {
    if (what === 0 || what === 4) this.rotating = what === 4;
    const first = this.order.find((input) => this.serving.has(input) && !(this.specialMask && this.masked.has(input)));
    const target = what === 1 || what === 5 ? first : n;
    if (target === undefined || what === 0 || what === 2 || what === 4) return;
    if (what !== 6) this.serving.delete(target);
    if (what >= 5) this.makeLast(target);
  }

  private makeLast(n: number): void {
    while (this.order[7] !== n) this.order.push(this.order.shift() as number);
  }

  data(value: number): void {
    const word = this.words.shift();
    if (word === undefined) this.masked = bits(value);
    if (word === 'wiring') this.wiring = value;
    if (word === 'mode') {
      this.automaticEnd = (value & 2) !== 0;
      this.fullyNested = (value & 0x10) !== 0;
    }
    this.tellOutput();
  }

  /** A master: the inputs with slaves. */
  hasSlave(n: number): boolean {
    return this.isMaster && !this.alone && ((this.wiring >> n) & 1) === 1;
  }

  /** A slave: whether it is called by this number. */
  isCalled(n: number): boolean {
    return this.alone || this.wiring % 8 === n;
  }

  next(): number | undefined {
    const request = this.order.findIndex((n) => this.requested.has(n) && !this.masked.has(n));
    const blocks = (n: number) =>
      this.serving.has(n) && !(this.specialMask && this.masked.has(n)) && !(this.fullyNested && this.hasSlave(n));
    const block = this.order.findIndex(blocks);
    return request >= 0 && (block < 0 || request < block) ? this.order[request] : undefined;
  }

  take(n: number): void {
    this.tell(false);
    this.fresh.delete(n);
    this.requested.delete(n);
    if (!this.automaticEnd) this.serving.add(n);
    else if (this.rotating) this.makeLast(n);
    this.look();
    this.tellOutput();
  }

  read(port: 'command' | 'data'): number {
    if (this.polled) {
      const n = this.next();
      if (n !== undefined) this.take(n);
      this.polled = false;
      this.look();
      this.tellOutput();
      return n === undefined ? 0 : 0x80 + n;
    }
    if (port === 'data') return number(this.masked);
    return number(this.showServing ? this.serving : this.requested);
  }

  setLevel(value: number): void {
    this.level = bits(value & (this.isMaster ? 0xf8 : 0xde));
    this.look();
    this.tellOutput();
  }

  private tellOutput(): void {
    this.tell(this.next() !== undefined);
  }
}

const bits = (value: number): Set<number> => new Set([0, 1, 2, 3, 4, 5, 6, 7].filter((n) => (value >> n) & 1));
const number = (set: Set<number>): number => [...set].reduce((sum, n) => sum + 2 ** n, 0);

/** Master and slave as on a PC; `acknowledge` answers which line (0 to 15) the processor is told, spurious ones included. */
export class NaivePicPair {
  readonly master = new NaivePic(true, () => {});
  readonly slave = new NaivePic(false, (level) => this.master.input(2, level));

  get pending(): boolean {
    return this.master.next() !== undefined;
  }

  /** Undefined if a slave is called that there is not. */
  acknowledge(): number | undefined {
    const n = this.master.next();
    if (n !== undefined) this.master.take(n);
    if (!this.master.hasSlave(n ?? 7)) return n ?? 7;
    if (!this.slave.isCalled(n ?? 7)) return undefined;
    const behind = this.slave.next();
    if (behind !== undefined) this.slave.take(behind);
    return 8 + (behind ?? 7);
  }
}
