import type { Backend, CharHost, CharTransport } from '../../../sdk/backend.ts';
import type { Machine, RunOutcome } from '../../../sdk/runtime.ts';

/** What busybox asks a terminal behind each prompt: where its cursor is. Only a shell that waits for a line sends it. */
export const Prompt = '# \u001b[6n';

/** Instructions between two looks at what the guest has sent. */
const Step = 10_000;

/**
 * A terminal on a serial port of the guest: it types, and waits for what the guest sends. All waiting is bounded in instructions of
 * the guest, and so is the same in each run.
 */
export class SerialTerminal implements Backend {
  readonly type = 'char';
  readonly kind = 'terminal of a test';
  /** All that the guest has sent. */
  received = '';
  /** Instructions since the machine began. */
  instructions = 0;
  private host: CharHost | undefined;
  private machine: Machine | undefined;
  private searchedTo = 0;

  constructor(readonly id = 'serial0') {}

  /** A machine that gets it does this. */
  open(): CharTransport {
    return {
      isImmediate: true,
      start: (host) => {
        this.host = host;
      },
      write: (bytes) => {
        this.received += Buffer.from(bytes).toString('latin1');
      },
      close() {},
      describe: () => this.kind,
    };
  }

  /** Goes on behind what another terminal has received. */
  continue({ received, instructions }: { readonly received: string; readonly instructions: number }): this {
    this.received = received;
    this.searchedTo = received.length;
    this.instructions = instructions;
    return this;
  }

  /** Waits on this machine from now on. */
  watch(machine: Machine): this {
    this.machine = machine;
    return this;
  }

  /** Goes on until the guest has sent this text, and answers what it has sent since the text for which it waited before. */
  waitFor(text: string, limit: number): string {
    const [from, end] = [this.searchedTo, this.instructions + limit];
    for (;;) {
      const at = this.received.indexOf(text, from);
      if (at >= 0) {
        this.searchedTo = at + text.length;
        return this.received.slice(from, at);
      }
      if (this.instructions >= end) throw this.silence(text, `${limit} instructions`);
      const { reason, message } = this.run(Math.min(Step, end - this.instructions));
      if (reason !== 'operation-limit' && reason !== 'reset') throw this.silence(text, message);
    }
  }

  /** Types a line, and answers what the guest prints until its shell waits for the next one. */
  command(line: string, limit = 20_000_000): string {
    this.send(`${line}\n`);
    const answer = this.waitFor(Prompt, limit).replaceAll('\r', '');
    // The shell echoes the line, and its prompt begins with its directory.
    return answer.slice(answer.indexOf('\n') + 1, answer.lastIndexOf('\n') + 1);
  }

  /** The bytes wait in the inbox until the device takes them. */
  send(text: string): void {
    this.host!.received(new TextEncoder().encode(text));
  }

  /** Goes on for at most so many instructions. */
  run(limit: number): RunOutcome {
    const outcome = this.machine!.resume({ operationLimit: limit });
    this.instructions += outcome.operations;
    return outcome;
  }

  private silence(text: string, why: string): Error {
    const last = this.received.slice(-2000);
    return new Error(`The guest has not sent ${JSON.stringify(text)}: ${why} At the end it sent:\n${last}`);
  }
}
