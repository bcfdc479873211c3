import type { Socket } from 'node:net';
import { BackplaneError } from '../../base/errors.ts';
import { printable } from '../../base/text.ts';
import { Deadline, EmulatorConnection, parseExactly } from './stream.ts';

/** What the emulator answers: an integer that a number does not hold exactly is a bigint. */
export type QmpValue = null | boolean | number | bigint | string | QmpValue[] | QmpObject;
export type QmpObject = { [name: string]: QmpValue };

/** One property of an object in the emulator's tree; `type` is `child<...>` for what it contains. */
export interface QomProperty {
  readonly name: string;
  readonly type: string;
}

export interface QmpClientOptions {
  /** Milliseconds that each request and each awaited event has, whatever else is said; then the connection is given up. */
  readonly replyTimeout?: number;
  /** Longest message accepted from the emulator, in characters. */
  readonly longestMessage?: number;
}

/** The greeting, a reply or an event that is due. */
interface Due<Value> {
  readonly name: string;
  readonly resolve: (value: Value) => void;
  readonly reject: (reason: BackplaneError) => void;
  readonly deadline: Deadline;
}

const SixteenMebibytes = 16 * 1024 * 1024;
/** A machine of QEMU has some hundred objects, six levels deep. */
const MostObjects = 10_000;
const MostLevels = 32;
const LongestName = 256;

/** A client of QEMU's machine protocol: objects, their properties, and the output of the human monitor. */
export class QmpClient extends EmulatorConnection {
  /** `7.2.22`, from the greeting; empty before it. */
  version = '';

  private readonly requests: Due<QmpValue>[] = [];
  private readonly waiters: Due<void>[] = [];
  private readonly replyTimeout: number;
  private greeting: Due<void> | undefined;

  /** Greets the emulator over a connected socket; the client is ready for commands when this settles. */
  static async over(socket: Socket, options: QmpClientOptions = {}): Promise<QmpClient> {
    const client = new QmpClient(socket, options);
    await new Promise<void>((resolve, reject) => {
      client.greeting = client.due('the greeting', resolve, reject);
    });
    await client.execute('qmp_capabilities');
    return client;
  }

  private constructor(socket: Socket, { replyTimeout = 20_000, longestMessage = SixteenMebibytes }: QmpClientOptions) {
    super(socket, { protocol: 'QMP', encoding: 'utf8', longest: longestMessage });
    this.replyTimeout = replyTimeout;
  }

  execute(command: string, args?: QmpObject): Promise<QmpValue> {
    if (this.failure) return Promise.reject(this.failure);
    return new Promise((resolve, reject) => {
      const text = asText(command, args);
      this.requests.push(this.due(command, resolve, reject));
      this.socket.write(`${text}\n`);
    });
  }

  /** What the human monitor prints for a line such as `info mtree`, with plain line ends. */
  async humanMonitor(line: string): Promise<string> {
    const command = 'human-monitor-command';
    const text = await this.execute(command, { 'command-line': line });
    if (typeof text !== 'string') throw unexpected(command, text, 'a text');
    return text.replaceAll('\r\n', '\n');
  }

  /** The properties of the object at a path, children included. */
  async qomList(path: string): Promise<readonly QomProperty[]> {
    const list = await this.execute('qom-list', { path });
    if (list === null) return [];
    if (!Array.isArray(list)) throw unexpected('qom-list', list, 'a list');
    return list.map((item) => {
      const { name, type } = isObject(item) ? item : {};
      if (isName(name) && isName(type)) return { name, type };
      throw unexpected('qom-list', item, `a property with a name and a type of at most ${LongestName} characters`);
    });
  }

  qomGet(path: string, property: string): Promise<QmpValue> {
    return this.execute('qom-get', { path, property });
  }

  /** Paths of all objects of a type, in the order in which the machine made them. A tree without end is refused. */
  async findObjects(type: string, below = '/machine'): Promise<readonly string[]> {
    const found: string[] = [];
    const open = [{ path: below, level: 0 }];
    let objects = 0;
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const { path, level } = next;
      if (level > MostLevels)
        throw new BackplaneError(
          'object-tree-too-large',
          `QMP: the tree of objects is more than ${MostLevels} levels deep.`,
        );
      for (const child of await this.qomList(path)) {
        if (!child.type.startsWith('child<')) continue;
        if (++objects > MostObjects)
          throw new BackplaneError('object-tree-too-large', `QMP: there are more than ${MostObjects} objects.`);
        const own = `${path}/${child.name}`;
        if (child.type === `child<${type}>`) found.push(own);
        open.push({ path: own, level: level + 1 });
      }
    }
    return found.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  }

  /** Settles at the next event of that name. Ask before causing it. */
  event(name: string): Promise<void> {
    if (this.failure) return Promise.reject(this.failure);
    return new Promise((resolve, reject) => {
      this.waiters.push(this.due(name, resolve, reject));
    });
  }

  /** Presses the reset button, and settles when the machine has been reset. */
  async reset(): Promise<void> {
    await Promise.all([this.event('RESET'), this.execute('system_reset')]);
  }

  private due<Value>(name: string, resolve: Due<Value>['resolve'], reject: Due<Value>['reject']): Due<Value> {
    const deadline = new Deadline(this.replyTimeout, () =>
      this.fail('emulator-silent', `the emulator did not send what '${name}' waits for within ${this.replyTimeout} ms`),
    );
    deadline.begin();
    return { name, resolve, reject, deadline };
  }

  protected take(line: string): void {
    if (line.trim() === '') return;
    const message = parseObject(line);
    const refuse = (why: string) =>
      this.fail('protocol-violation', `the emulator sent '${printable(line.slice(0, 80))}', which is ${why}`);
    if (!message) refuse('not a JSON object');
    else if ('QMP' in message) isObject(message.QMP) ? this.takeGreeting(message.QMP) : refuse('no greeting');
    else if ('event' in message) settle(this.waiters, ({ name }) => name === message.event)?.resolve();
    else if ('return' in message || 'error' in message) this.takeReply(message);
    else refuse('no message of the protocol');
  }

  private takeGreeting({ version }: QmpObject): void {
    const qemu = isObject(version) && isObject(version.qemu) ? version.qemu : {};
    const part = (number: QmpValue | undefined) => (typeof number === 'number' ? number : 0);
    this.version = [qemu.major, qemu.minor, qemu.micro].map(part).join('.');
    this.greeting?.deadline.lift();
    this.greeting?.resolve();
    this.greeting = undefined;
  }

  private takeReply(message: QmpObject): void {
    const request = settle(this.requests, () => true);
    if (!request) this.fail('protocol-violation', 'the emulator replied when nothing was asked');
    else if ('return' in message) request.resolve(message.return ?? null);
    else request.reject(refusal(request.name, message.error));
  }

  protected reject(failure: BackplaneError): void {
    for (const waiting of [this.greeting, ...this.requests.splice(0), ...this.waiters.splice(0)]) {
      waiting?.deadline.lift();
      waiting?.reject(failure);
    }
    this.greeting = undefined;
  }
}

/** Removes the first match from what is due. */
function settle<Value>(all: Due<Value>[], isMeant: (one: Due<Value>) => boolean): Due<Value> | undefined {
  const index = all.findIndex(isMeant);
  const [found] = index < 0 ? [] : all.splice(index, 1);
  found?.deadline.lift();
  return found;
}

function asText(command: string, args: QmpObject | undefined): string {
  try {
    return JSON.stringify(args ? { execute: command, arguments: args } : { execute: command });
  } catch (cause) {
    throw new BackplaneError(
      'malformed-command',
      `QMP: the arguments of '${command}' are no JSON. Give plain values, and no bigint.`,
      {
        cause,
      },
    );
  }
}

function parseObject(line: string): QmpObject | undefined {
  try {
    const value = parseExactly(line) as QmpValue;
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const isObject = (value: QmpValue | undefined): value is QmpObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isName = (value: QmpValue | undefined): value is string =>
  typeof value === 'string' && value.length <= LongestName;

function unexpected(command: string, answer: QmpValue, expected: string): BackplaneError {
  const shown =
    typeof answer === 'object'
      ? JSON.stringify(answer, (_, value: unknown) => (typeof value === 'bigint' ? `${value}` : value))
      : String(answer);
  return new BackplaneError(
    'protocol-violation',
    `QMP: the emulator answered ${printable(shown.slice(0, 80))} to '${command}', where ${expected} is due.`,
  );
}

function refusal(command: string, error: QmpValue | undefined): BackplaneError {
  const desc = isObject(error) && typeof error.desc === 'string' ? error.desc : 'without a reason';
  return new BackplaneError(
    'command-refused',
    `QMP: the emulator refused '${command}': ${printable(desc.slice(0, 1000))}.`,
  );
}
