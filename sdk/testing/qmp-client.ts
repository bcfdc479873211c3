import type { Socket } from 'node:net';
import { BackplaneError } from '../memory/errors.ts';
import { SilenceWatch } from './silence-watch.ts';

export type QmpValue = null | boolean | number | string | QmpValue[] | { [name: string]: QmpValue };
export type QmpObject = { [name: string]: QmpValue };

/** One property of an object in the emulator's tree; `type` is `child<...>` for what it contains. */
export interface QomProperty {
  readonly name: string;
  readonly type: string;
}

export interface QmpClientOptions {
  /** Milliseconds of silence, while a reply is due, after which the connection is given up. */
  readonly replyTimeout?: number;
  /** Longest message accepted from the emulator, in characters. */
  readonly longestMessage?: number;
}

interface Request {
  readonly text: string;
  readonly resolve: (value: QmpValue) => void;
  readonly reject: (reason: BackplaneError) => void;
}

interface EventWaiter {
  readonly name: string;
  readonly resolve: () => void;
  readonly reject: (reason: BackplaneError) => void;
}

const SixteenMebibytes = 16 * 1024 * 1024;

/**
 * Asks an emulator about itself, by QEMU's machine protocol: what objects there are, what they hold, what the
 * human monitor would print.
 */
export class QmpClient {
  /** `7.2.22`, from the greeting; empty before it. */
  version = '';
  /** Messages so far. */
  heard = 0;

  private readonly requests: Request[] = [];
  private readonly waiters: EventWaiter[] = [];
  private readonly replyTimeout: number;
  private readonly silence: SilenceWatch;
  private readonly longestMessage: number;
  private unfinished = '';
  private greeted: { resolve: () => void; reject: (reason: BackplaneError) => void } | undefined;
  private failure: BackplaneError | undefined;

  /** Greets the emulator over a connected socket; the client is ready for commands when this settles. */
  static async over(socket: Socket, options: QmpClientOptions = {}): Promise<QmpClient> {
    const client = new QmpClient(socket, options);
    await new Promise<void>((resolve, reject) => {
      client.greeted = { resolve, reject };
      client.silence.begin();
    });
    await client.execute('qmp_capabilities');
    return client;
  }

  private constructor(
    private readonly socket: Socket,
    { replyTimeout = 20_000, longestMessage = SixteenMebibytes }: QmpClientOptions,
  ) {
    this.replyTimeout = replyTimeout;
    this.longestMessage = longestMessage;
    socket.setEncoding('utf8');
    this.silence = new SilenceWatch(replyTimeout, this, () => this.giveUp());
    socket.on('data', (text: string) => this.receive(text));
    socket.on('error', (cause) => this.fail(`the connection broke (${cause.message})`, cause));
    socket.on('close', () => this.fail('the emulator closed the connection'));
  }

  /** Whether a greeting, a reply or an event is due. */
  get isWaiting(): boolean {
    return this.awaited !== undefined && !this.failure;
  }

  execute(command: string, args?: QmpObject): Promise<QmpValue> {
    if (this.failure) return Promise.reject(this.failure);
    return new Promise((resolve, reject) => {
      this.requests.push({ text: command, resolve, reject });
      this.silence.begin();
      this.socket.write(`${JSON.stringify(args ? { execute: command, arguments: args } : { execute: command })}\n`);
    });
  }

  /** What the human monitor prints for a line such as `info mtree`, with plain line ends. */
  async humanMonitor(line: string): Promise<string> {
    const text = await this.execute('human-monitor-command', { 'command-line': line });
    return String(text).replaceAll('\r\n', '\n');
  }

  /** The properties of the object at a path, children included. */
  async qomList(path: string): Promise<readonly QomProperty[]> {
    const list = await this.execute('qom-list', { path });
    return (Array.isArray(list) ? list : []).map((item) => {
      const { name, type } = item as QmpObject;
      return { name: String(name), type: String(type) };
    });
  }

  qomGet(path: string, property: string): Promise<QmpValue> {
    return this.execute('qom-get', { path, property });
  }

  /** Paths of all objects of a type, in the order in which the machine made them. */
  async findObjects(type: string, below = '/machine'): Promise<readonly string[]> {
    const found: string[] = [];
    for (const child of await this.qomList(below)) {
      if (!child.type.startsWith('child<')) continue;
      const path = `${below}/${child.name}`;
      if (child.type === `child<${type}>`) found.push(path);
      found.push(...(await this.findObjects(type, path)));
    }
    return found.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  }

  /** Settles at the next event of that name. Ask before causing it. */
  event(name: string): Promise<void> {
    if (this.failure) return Promise.reject(this.failure);
    return new Promise((resolve, reject) => {
      this.waiters.push({ name, resolve, reject });
      this.silence.begin();
    });
  }

  /** Presses the reset button, and settles when the machine has been reset. */
  async reset(): Promise<void> {
    await Promise.all([this.event('RESET'), this.execute('system_reset')]);
  }

  close(): void {
    this.fail('the client closed the connection');
  }

  private get awaited(): string | undefined {
    return this.requests[0]?.text ?? this.waiters[0]?.name ?? (this.greeted ? 'the greeting' : undefined);
  }

  private receive(text: string): void {
    const lines = (this.unfinished + text).split('\n');
    this.unfinished = lines.pop() ?? '';
    for (const line of lines) {
      if (this.failure) return;
      if (line.trim() !== '') this.take(line);
    }
    if (this.unfinished.length > this.longestMessage) {
      this.fail(`the emulator sent more than ${this.longestMessage} characters in one message`);
    }
  }

  private take(line: string): void {
    this.heard++;
    const message = parseObject(line);
    if (!message) this.fail(`the emulator sent '${line.slice(0, 80)}', which is not a JSON object`);
    else if ('QMP' in message) this.takeGreeting(message);
    else if ('event' in message) this.takeEvent(String(message.event));
    else if ('return' in message) this.takeReply((request) => request.resolve(message.return ?? null));
    else if ('error' in message) this.takeReply((request) => request.reject(refusal(request.text, message.error)));
    else this.fail(`the emulator sent '${line.slice(0, 80)}', which is no message of the protocol`);
  }

  private takeGreeting(message: QmpObject): void {
    const { version } = message.QMP as { version?: { qemu?: { major: number; minor: number; micro: number } } };
    const { major, minor, micro } = version?.qemu ?? { major: 0, minor: 0, micro: 0 };
    this.version = `${major}.${minor}.${micro}`;
    this.greeted?.resolve();
    this.greeted = undefined;
  }

  private takeEvent(name: string): void {
    const index = this.waiters.findIndex((waiter) => waiter.name === name);
    if (index >= 0) this.waiters.splice(index, 1)[0]?.resolve();
  }

  private takeReply(settle: (request: Request) => void): void {
    const request = this.requests.shift();
    if (request) settle(request);
    else this.fail('the emulator replied when nothing was asked');
  }

  private giveUp(): void {
    this.fail(`the emulator did not send what '${this.awaited}' waits for within ${this.replyTimeout} ms`);
  }

  private fail(what: string, cause?: unknown): void {
    if (!this.failure) {
      this.failure = new BackplaneError(`QMP: ${what}.`, cause === undefined ? undefined : { cause });
      this.socket.destroy();
    }
    const { failure } = this;
    this.greeted?.reject(failure);
    for (const waiting of [...this.requests.splice(0), ...this.waiters.splice(0)]) waiting.reject(failure);
  }
}

function parseObject(line: string): QmpObject | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as QmpObject) : undefined;
  } catch {
    return undefined;
  }
}

function refusal(command: string, error: QmpValue | undefined): BackplaneError {
  const { desc } = error as { desc?: string };
  return new BackplaneError(`QMP: the emulator refused '${command}': ${desc ?? 'without a reason'}.`);
}
