import { statSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname, resolve } from 'node:path';
import { openBackends } from '../../backend/index.ts';
import { addressOf, clearPath, type SocketRefusal } from '../../backend/node/socket-address.ts';
import { listenAt } from '../../backend/node/unix-listener.ts';
import { BackplaneError, describeThrown } from '../../base/errors.ts';
import { reasonOf } from '../../base/system-errors.ts';
import type { PciDevice } from '../../bus/pci/device.ts';
import { afterHostTime, MILLISECOND } from '../../clock/index.ts';
import type { GuestError } from '../../device/index.ts';
import { Machine, type MachineObserver, type UsedDevice } from '../../machine/index.ts';
import type { RecordingSink } from '../../recording/recorder.ts';
import { ClientAccelerator } from '../client-accelerator.ts';
import { noCounts } from '../counts.ts';
import type { Connection, ConnectionHost } from '../link.ts';
import { RegionIndex } from '../protocol.ts';
import { recordFunction } from '../recording.ts';
import { refuseUnusable } from '../servable.ts';
import { ServedFunction } from '../served-function.ts';
import { Session } from '../session.ts';
import { servedMachine } from '../surround.ts';
import { traceFunction } from '../trace.ts';
import { DescriptorLink } from './descriptor-link.ts';
import { RamFile } from './memory-file.ts';
import { PlainLink } from './plain-link.ts';
import type { Served, ServeOptions } from './served.ts';
import { duplicate, type SocketLibc, socketLibc } from './socket-calls.ts';

/** Longest sleep of a timer, in milliseconds: `setTimeout` has no longer one. */
const LongestSleep = 2 ** 31 - 1;

/** Serves one PCI function to a virtual machine of another process: `await serve(use(Edu), { socket: 'edu.sock' })`. */
export async function serve(used: UsedDevice, options: ServeOptions): Promise<Served> {
  const definition = servedMachine(used, options.behind);
  const machine = Machine.create(definition, {
    accelerator: new ClientAccelerator(),
    ...(options.backends === undefined ? {} : { backends: await openBackends(options.backends) }),
    ...(options.onGuestError === undefined ? {} : { onGuestError: options.onGuestError }),
  });
  return serveMachine(machine, options);
}

/** The same for a machine that was built, or restored. @internal */
export async function serveMachine(machine: Machine, options: ServeOptions): Promise<FunctionServer> {
  let made: FunctionServer | undefined;
  try {
    made = new FunctionServer(machine, options);
    await made.listen();
    return made;
  } catch (cause) {
    await (made === undefined ? disposeOf(machine) : made.close());
    throw cause;
  }
}

async function disposeOf(machine: Machine): Promise<void> {
  await machine.backends.close();
  machine.dispose();
}

const refuseSocket: SocketRefusal = (code, why, cause) => new BackplaneError(code, `serve: ${why}`, { cause });

/** Its socket, its clients and its timers. @internal */
export class FunctionServer implements Served {
  readonly counts = noCounts();
  readonly socket: string;
  attached = false;
  private readonly served: ServedFunction;
  private readonly libc: SocketLibc | undefined;
  private readonly ram: RamFile | undefined;
  private readonly server: Server;
  private client: { readonly connection: Connection; readonly session: Session } | undefined;
  private removeFile = (): void => {};
  private cancelTimer = (): void => {};
  private waiting: (() => void)[] = [];
  private isWoken = false;
  private hasAskedForReset = false;
  private isClosed = false;

  constructor(
    readonly machine: Machine,
    private readonly options: ServeOptions,
  ) {
    const isNative = options.native !== 'never';
    this.socket = options.socket;
    this.served = new ServedFunction(machine, options.hostTime);
    refuseUnusable(this.served.device, isNative);
    this.libc = isNative ? socketLibc() : undefined;
    this.ram = options.ram === undefined ? undefined : RamFile.open(options.ram);
    this.server = createServer({ pauseOnConnect: true }, (socket) => this.arrived(socket));
  }

  get device(): PciDevice {
    return this.served.device;
  }

  get guestErrors(): readonly GuestError[] {
    return this.machine.guestErrors;
  }

  async listen(): Promise<void> {
    const address = addressOf({ id: 'serve', path: this.socket, server: true }) as { path: string };
    refuseOpenFolder(address.path);
    await clearPath(address.path, refuseSocket);
    this.removeFile = await listenAt(this.server, address, refuseSocket);
    this.server.on('error', (cause) => this.note(`the socket fails (${reasonOf(cause)})`));
    this.machine.inbox.wake = () => this.turnSoon();
    this.served.accelerator.onResetRequest = () => this.noteReset();
    this.turned();
  }

  observe(observer: MachineObserver): () => void {
    return this.machine.observe(observer);
  }

  /** Writes down what the guest does. Answers how to end that. @internal */
  record(sink: RecordingSink): () => void {
    return recordFunction(this.served, sink);
  }

  trace(print: (line: string) => void): () => void {
    return traceFunction(this.served, print);
  }

  /** The class of the device may have been edited: the client's interrupts come from the new object. @internal */
  follow(): void {
    this.client?.session.follow();
    this.turned();
  }

  /** Ends the connection of the client; the next one may come. @internal */
  disconnect(): void {
    this.detach();
  }

  peek(bar: number, offset: number, size: 1 | 2 | 4): number | undefined {
    return bar < RegionIndex.Rom ? this.served.peek(bar, offset, size) : undefined;
  }

  reset(): void {
    this.served.reset();
  }

  catchUp(): void {
    try {
      this.served.catchUp();
      this.machine.backends.flush();
    } catch (failure) {
      this.counts.failures++;
      this.note(describeThrown(failure));
    }
  }

  async whenAttached(): Promise<void> {
    while (!this.attached && !this.isClosed) await this.change();
  }

  async whenDetached(): Promise<void> {
    while (this.client !== undefined) await this.change();
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    const closed = new Promise<void>((done) => this.server.close(() => done()));
    this.removeFile();
    this.detach();
    this.cancelTimer();
    this.machine.inbox.wake = undefined;
    this.changed();
    await closed;
    this.ram?.close();
    await disposeOf(this.machine);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  private arrived(socket: Socket): void {
    socket.on('error', () => {});
    if (this.client !== undefined || this.isClosed) {
      this.note('a second client was turned away: the device has one at a time');
      socket.destroy();
      return;
    }
    const host: ConnectionHost = {
      receive: (message, descriptors) => session.receive(message, descriptors),
      gone: (why) => this.detach(why),
      turned: () => this.turned(),
    };
    const link = this.linkTo(socket, host);
    if (link === undefined) return;
    const session = new Session(this.served, link, {
      counts: this.counts,
      note: (sentence) => this.note(sentence),
      agreed: () => {
        this.attached = true;
        this.changed();
      },
      end: (why) => this.detach(why),
    });
    this.client = { connection: link, session };
  }

  private linkTo(socket: Socket, host: ConnectionHost): DescriptorLink | PlainLink | undefined {
    const { libc } = this;
    if (libc === undefined) return new PlainLink(socket, this.ram, host);
    // What Node offers of an accepted socket drops descriptors.
    const { fd } = (socket as unknown as { readonly _handle: { readonly fd: number } })._handle;
    const own = duplicate(libc, fd);
    socket.destroy();
    if (own >= 0) return new DescriptorLink(libc, own, host);
    this.note('a client was turned away: too many files are open');
    return undefined;
  }

  private detach(why?: string): void {
    const { client } = this;
    if (client === undefined) return;
    this.client = undefined;
    this.attached = false;
    if (why !== undefined) this.note(`the client's connection was closed: ${why}`);
    client.session.close();
    client.connection.close();
    this.changed();
  }

  /** After messages: the next timer may be another one. */
  private turned(): void {
    this.cancelTimer();
    this.machine.backends.flush();
    const { untilTimer } = this.served.time;
    if (untilTimer === Number.POSITIVE_INFINITY || this.isClosed) return;
    const milliseconds = Math.min(Math.ceil(untilTimer / MILLISECOND), LongestSleep);
    this.cancelTimer = afterHostTime(milliseconds, () => {
      this.catchUp();
      this.turned();
    });
  }

  /** Something has come from the host, or a handler has made it: guest time stands still until the handler has returned. */
  private turnSoon(): void {
    if (this.isWoken) return;
    this.isWoken = true;
    queueMicrotask(() => {
      this.isWoken = false;
      if (this.isClosed) return;
      this.catchUp();
      this.turned();
    });
  }

  /** Once: a device may ask at each access of the guest. */
  private noteReset(): void {
    if (this.hasAskedForReset) return;
    this.hasAskedForReset = true;
    this.note(NoReset);
  }

  private note(sentence: string): void {
    this.options.onNote?.(`${this.served.plugged.id}: ${sentence}.`.replace(/([.!?])\.$/, '$1'));
  }

  private change(): Promise<void> {
    return new Promise((done) => this.waiting.push(done));
  }

  private changed(): void {
    const { waiting } = this;
    this.waiting = [];
    for (const done of waiting) done();
  }
}

const NoReset =
  'a reset of the machine was asked for, and nothing is reset: vfio-user has no message for it. Reset the guest itself, or by ' +
  'system_reset in the monitor of QEMU.';

/** A user that can put another socket in its place gets the guest's memory. @see stat(2), S_ISVTX */
function refuseOpenFolder(path: string): void {
  const folder = dirname(resolve(path));
  const mode = statSync(folder, { throwIfNoEntry: false })?.mode ?? 0;
  if ((mode & 0o022) === 0 || (mode & 0o1000) !== 0) return;
  throw refuseSocket(
    'socket-folder-open',
    `others may write in '${folder}', and could put a socket of theirs there. Use a folder of your own, such as one made with mkdir -m 700.`,
  );
}
