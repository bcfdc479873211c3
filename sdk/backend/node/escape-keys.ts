/** What Ctrl-A and the next key ask for, as at QEMU's terminal. */
export type EscapeAction = 'end' | 'monitor' | 'break' | 'help';

const ControlA = 0x01;
const actions: Readonly<Record<string, EscapeAction>> = { x: 'end', c: 'monitor', b: 'break', h: 'help', '?': 'help' };

export const escapeHelp =
  'Ctrl-A x ends the run, Ctrl-A c opens the monitor and leaves it, Ctrl-A b sends a break, Ctrl-A Ctrl-A sends Ctrl-A.';

/** Splits what is typed into bytes and actions. The state between two calls is a Ctrl-A whose second key is not typed yet. */
export class EscapeKeys {
  private isEscaped = false;

  constructor(
    private readonly onBytes: (bytes: Uint8Array) => void,
    private readonly onAction: (action: EscapeAction) => void,
  ) {}

  /** Calls back in the order of the keys. Another key after Ctrl-A is dropped, as in QEMU. */
  type(keys: Uint8Array): void {
    let start = 0;
    for (let index = 0; index < keys.length; index++) {
      const key = keys[index] as number;
      if (this.isEscaped) {
        this.isEscaped = false;
        // The second Ctrl-A is the one that is sent.
        start = key === ControlA ? index : index + 1;
        const action = actions[String.fromCharCode(key).toLowerCase()];
        if (action !== undefined) this.onAction(action);
      } else if (key === ControlA) {
        this.send(keys, start, index);
        this.isEscaped = true;
        start = index + 1;
      }
    }
    this.send(keys, start, keys.length);
  }

  private send(keys: Uint8Array, start: number, end: number): void {
    if (end > start) this.onBytes(keys.slice(start, end));
  }
}
