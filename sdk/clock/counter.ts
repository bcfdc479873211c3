import type { Json, JsonReader } from '../base/json-reader.ts';
import { Counting, type CountingClock, type CountingOptions } from './counting.ts';

/** What `clock.counter` may be told. Everything but the frequency has a default. */
export interface CounterOptions extends CountingOptions {
  /** The largest value: 0 follows. Default: what the width allows. */
  readonly top?: number;
  /** It expires when it comes to this value. Default: 0, where it overflows. */
  readonly match?: number;
  /** It stops when it expires. Default: it goes on. */
  readonly oneShot?: boolean;
}

/**
 * Counts up, from 0 at first, and expires when it comes to `match`. A value above `top` goes on to the largest of its width
 * first. It expires at most once a tick.
 */
export class Counter extends Counting {
  private readonly first: Required<Pick<CounterOptions, 'top' | 'match' | 'oneShot'>>;
  private last: number;
  private wanted: number;
  private isSingle: boolean;

  /** @internal */
  constructor(clock: CountingClock, name: string, options: CounterOptions, callback?: (times: number) => void) {
    super(clock, name, options, callback);
    this.first = {
      top: this.masked(options.top ?? this.mask),
      match: this.masked(options.match ?? 0),
      oneShot: options.oneShot ?? false,
    };
    this.last = this.first.top;
    this.wanted = this.first.match;
    this.isSingle = this.first.oneShot;
  }

  get top(): number {
    return this.last;
  }

  set top(value: number) {
    this.change(() => {
      this.last = this.masked(value);
    });
  }

  get match(): number {
    return this.wanted;
  }

  /** A value that it shows already is met when it comes round again. */
  set match(value: number) {
    this.change(() => {
      this.wanted = this.masked(value);
    });
  }

  get oneShot(): boolean {
    return this.isSingle;
  }

  set oneShot(oneShot: boolean) {
    this.change(() => {
      this.isSingle = oneShot;
    });
  }

  protected override untilExpiry(): number {
    const { counted, wanted, untilZero, last } = this;
    if (wanted > counted && (wanted <= last || counted > last)) return wanted - counted;
    return wanted <= last ? untilZero + wanted : Number.POSITIVE_INFINITY;
  }

  protected override period(): number {
    return this.last + 1;
  }

  protected override countOn(ticks: number): void {
    const { untilZero } = this;
    this.counted = ticks < untilZero ? this.counted + ticks : (ticks - untilZero) % (this.last + 1);
  }

  protected override expire(): boolean {
    this.counted = this.wanted;
    return !this.isSingle;
  }

  protected override narrow(): void {
    super.narrow();
    this.last = this.masked(this.last);
    this.wanted = this.masked(this.wanted);
  }

  protected override resetOptions(): void {
    this.last = this.first.top;
    this.wanted = this.first.match;
    this.isSingle = this.first.oneShot;
    this.counted = 0;
  }

  /** @internal */
  protected override saveOptions(): { readonly [name: string]: Json } {
    return { top: this.last, match: this.wanted, oneShot: this.isSingle };
  }

  /** @internal */
  protected override readOptions(saved: JsonReader): () => void {
    const most = 2 ** saved.member('width').integer(1) - 1;
    const [top, match] = [saved.member('top').integer(0, most), saved.member('match').integer(0, most)];
    const oneShot = saved.member('oneShot').boolean();
    return () => {
      this.last = top;
      this.wanted = match;
      this.isSingle = oneShot;
    };
  }

  private get untilZero(): number {
    return (this.counted > this.last ? this.mask : this.last) + 1 - this.counted;
  }
}
