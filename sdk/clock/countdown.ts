import { describeJson, type Json, type JsonReader } from '../base/json-reader.ts';
import { Counting, type CountingClock, type CountingOptions } from './counting.ts';

const modes = ['periodic', 'one-shot', 'free-running'] as const;

const reloadings = ['at-zero', 'after-zero'] as const;

/** What `clock.countdown` may be told. Everything but the frequency has a default. */
export interface CountdownOptions extends CountingOptions {
  /** At zero it starts again from `reload`, it stops, or it goes on with the largest value. Default: 'periodic'. */
  readonly mode?: 'periodic' | 'one-shot' | 'free-running';
  /** Where a periodic countdown starts again, and where it stands at first. Default: the largest value. */
  readonly reload?: number;
  /**
   * 'at-zero': instead of zero it shows `reload`, and a period has `reload` ticks. 'after-zero': it shows zero for one tick, and a
   * period has one tick more. Default: 'at-zero'.
   */
  readonly reloads?: 'at-zero' | 'after-zero';
}

/**
 * Counts down, and expires when it comes to zero, at most once a tick. A period that would have no tick, because `reload` is 0,
 * has one. A countdown that is loaded with 0 takes one tick too. A free-running one shows zero for one tick.
 */
export class Countdown extends Counting {
  private readonly first: Required<Pick<CountdownOptions, 'mode' | 'reload' | 'reloads'>>;
  private when: NonNullable<CountdownOptions['reloads']>;
  private kind: NonNullable<CountdownOptions['mode']>;
  private again: number;

  /** @internal */
  constructor(clock: CountingClock, name: string, options: CountdownOptions, callback?: (times: number) => void) {
    super(clock, name, options, callback);
    const { mode = 'periodic', reload = this.mask, reloads = 'at-zero' } = options;
    this.first = { mode, reload: this.masked(reload), reloads };
    this.when = reloads;
    this.kind = this.first.mode;
    this.again = this.first.reload;
    this.counted = this.again;
  }

  get mode(): NonNullable<CountdownOptions['mode']> {
    return this.kind;
  }

  /** The next zero finds the new mode. */
  set mode(mode: NonNullable<CountdownOptions['mode']>) {
    this.change(() => {
      this.kind = mode;
    });
  }

  get reload(): number {
    return this.again;
  }

  /** The value from which it starts again at the next zero; the present count goes on. */
  set reload(value: number) {
    this.change(() => {
      this.again = this.masked(value);
    });
  }

  get reloads(): NonNullable<CountdownOptions['reloads']> {
    return this.when;
  }

  set reloads(when: NonNullable<CountdownOptions['reloads']>) {
    this.change(() => {
      this.when = when;
    });
  }

  protected override untilExpiry(): number {
    if (this.counted > 0) return this.counted;
    return this.isZeroShown ? this.period() : 1;
  }

  protected override period(): number {
    if (this.kind === 'free-running') return this.mask + 1;
    return this.when === 'after-zero' ? this.again + 1 : Math.max(this.again, 1);
  }

  protected override countOn(ticks: number): void {
    if (ticks === 0) return;
    const from = this.counted > 0 ? this.counted : this.period();
    this.counted = from - ticks;
  }

  protected override expire(): boolean {
    this.counted = this.isZeroShown || this.kind === 'one-shot' ? 0 : this.again;
    return this.kind !== 'one-shot';
  }

  protected override narrow(): void {
    super.narrow();
    this.again = this.masked(this.again);
  }

  protected override resetOptions(): void {
    this.kind = this.first.mode;
    this.again = this.first.reload;
    this.when = this.first.reloads;
    this.counted = this.again;
  }

  /** @internal */
  protected override saveOptions(): { readonly [name: string]: Json } {
    return { mode: this.kind, reload: this.again, reloads: this.when };
  }

  /** @internal */
  protected override readOptions(saved: JsonReader): () => void {
    const reload = saved.member('reload').integer(0, 2 ** saved.member('width').integer(1) - 1);
    const mode = oneOf(modes, saved.member('mode'));
    const reloads = oneOf(reloadings, saved.member('reloads'));
    return () => {
      this.kind = mode;
      this.again = reload;
      this.when = reloads;
    };
  }

  /** A value of zero has expired already, and is shown until the next tick. */
  private get isZeroShown(): boolean {
    return this.kind === 'free-running' || (this.kind === 'periodic' && this.when === 'after-zero');
  }
}

function oneOf<const T extends string>(words: readonly [T, ...T[]], saved: JsonReader): T {
  const word = words.find((one) => one === saved.data);
  if (word === undefined) saved.refuse(`expected one of ${words.join(', ')}, found ${describeJson(saved.data)}`);
  return word ?? words[0];
}
