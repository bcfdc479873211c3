import { closeSync, constants, openSync, statSync } from 'node:fs';
import { Socket } from 'node:net';
import { BackplaneError } from '../../base/errors.ts';
import { reasonOf } from '../../base/system-errors.ts';
import type { CharHost, CharTransport, OpenableChar } from '../transport.ts';
import { Incoming, Outgoing } from './streams.ts';

export interface PipeSettings {
  readonly id: string;
  /** The guest reads from PATH.in and writes to PATH.out. Without these two, both is done with PATH. They are made with `mkfifo`. */
  readonly path: string;
}

/** Named pipes. They are open from the start, as in QEMU: what is written while no program reads stays in the pipe. */
export function pipe(settings: PipeSettings): OpenableChar {
  return { id: settings.id, type: 'char', kind: 'pipe', open: () => new NamedPipe(settings) };
}

class NamedPipe implements CharTransport {
  readonly mayReceive = true;
  private readonly input: Socket;
  private readonly output: Socket;
  private incoming: Incoming | undefined;
  private readonly outgoing: Outgoing;
  private host: CharHost | undefined;

  constructor(private readonly settings: PipeSettings) {
    const [input, output] = openPipes(settings);
    this.input = asStream(input, true);
    this.output = input === output ? this.input : asStream(output, false);
    this.outgoing = new Outgoing(this.output, { sent: (count) => this.host?.sent(count) });
    for (const stream of this.streams)
      stream.on('error', (cause) => {
        this.outgoing.abandon();
        this.host?.failed(`the pipe '${settings.path}' cannot be used any more (${reasonOf(cause)}).`);
        this.host?.closed();
      });
  }

  start(host: CharHost): void {
    this.host = host;
    this.incoming = new Incoming(this.input, host);
  }

  write(bytes: Uint8Array): void {
    this.outgoing.write(bytes);
  }

  setReceiving(wanted: boolean): void {
    this.incoming?.want(wanted);
  }

  async close(): Promise<void> {
    this.incoming?.end();
    const lost = await this.outgoing.flush();
    if (lost > 0)
      this.host?.failed(`${lost} bytes for the pipe '${this.settings.path}' are lost: no program reads it.`);
    for (const stream of this.streams) stream.destroy();
  }

  describe(): string {
    const { path } = this.settings;
    return this.input === this.output ? path : `${path}.in, ${path}.out`;
  }

  private get streams(): readonly Socket[] {
    return [...new Set([this.input, this.output])];
  }
}

/** A readable one begins to read by itself. From the output it would take what is there for another program. */
const asStream = (fd: number, readable: boolean): Socket => new Socket({ fd, readable, writable: true });

/** The descriptors for reading and for writing, which may be one. */
function openPipes({ id, path }: PipeSettings): readonly [number, number] {
  const refusal = (why: string, cause?: unknown) =>
    new BackplaneError('backend-file-unusable', `Back end '${id}' (pipe): ${why}`, { cause });
  const isThere = (name: string): boolean => {
    let found: ReturnType<typeof statSync> | undefined;
    try {
      found = statSync(name, { throwIfNoEntry: false });
    } catch (cause) {
      throw refusal(`'${name}' cannot be followed (${reasonOf(cause)}). Correct path=.`, cause);
    }
    if (found === undefined || found.isFIFO()) return found !== undefined;
    throw refusal(`'${name}' is no named pipe. Make one with mkfifo, or write -chardev file.`);
  };
  // Open for both: opening does not wait for the other side, and the other side may come and go.
  const open = (name: string): number => {
    try {
      return openSync(name, constants.O_RDWR | constants.O_NONBLOCK);
    } catch (cause) {
      throw refusal(
        `'${name}' cannot be opened (${reasonOf(cause)}). Give yourself permission to read and write.`,
        cause,
      );
    }
  };
  const two = [`${path}.in`, `${path}.out`] as const;
  if (isThere(two[0]) && isThere(two[1])) {
    const input = open(two[0]);
    try {
      return [input, open(two[1])];
    } catch (cause) {
      closeSync(input);
      throw cause;
    }
  }
  if (!isThere(path)) throw refusal(`there is no pipe '${path}'. Make two: mkfifo '${path}.in' '${path}.out'.`);
  const both = open(path);
  return [both, both];
}
