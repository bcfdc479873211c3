import { shape, state } from '../../sdk/index.ts';
import { Key, type Stroke, strokeOf } from './us-layout.ts';

const Escape = 0x1b;
/** How far an escape sequence has come: ESC, then [ or O, then a digit. */
const progress = ['none', 'escape', 'introducer', 'number'] as const;
type Progress = (typeof progress)[number];

/** By the last character of a sequence: ESC [ A or ESC O A, and ESC O P for the first function key. */
const finals: Readonly<Record<string, number>> = {
  A: Key.Up,
  B: Key.Down,
  C: Key.Right,
  D: Key.Left,
  F: Key.End,
  H: Key.Home,
  P: Key.F1,
  Q: Key.F2,
  R: Key.F3,
  S: Key.F4,
};
/** By the number: ESC [ 3 ~. */
const numbers: readonly number[] = [0, Key.Home, Key.Insert, Key.Delete, Key.End, Key.PageUp, Key.PageDown];

/** Makes keys of what a terminal sends: characters, and escape sequences of the keys that have no character. */
export class TerminalKeys {
  @state({ as: shape.choice(progress) }) private progress: Progress = 'none';
  @state({ as: shape.integer(0, 9) }) private number = 0;

  /** The key of a character, or undefined where there is none yet. `isLast`: nothing has come after it. */
  take(character: number, isLast: boolean): Stroke | undefined {
    const before = this.progress;
    this.progress = 'none';
    const text = String.fromCharCode(character);
    if (character === Escape && !isLast) this.progress = 'escape';
    else if (before === 'escape' && (text === '[' || text === 'O')) this.progress = 'introducer';
    else if (before === 'introducer' && text >= '1' && text <= '9') this.awaitTilde(character & 0x0f);
    else if (before === 'introducer') return plain(finals[text]);
    else if (before === 'number') return text === '~' ? plain(numbers[this.number]) : undefined;
    else return strokeOf(character);
    return undefined;
  }

  reset(): void {
    this.progress = 'none';
    this.number = 0;
  }

  private awaitTilde(number: number): void {
    this.progress = 'number';
    this.number = number;
  }
}

const plain = (key: number | undefined): Stroke | undefined => (key ? { key, held: 0 } : undefined);
