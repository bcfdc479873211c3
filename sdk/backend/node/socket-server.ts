import { chmodSync, existsSync, statSync, unlinkSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { reasonOf } from '../../base/system-errors.ts';
import { counted } from '../../base/text.ts';
import type { CharHost, CharTransport } from '../transport.ts';
import { atExit } from './at-exit.ts';
import {
  addressText,
  clearPath,
  type SocketAddress,
  type SocketRefusal,
  type SocketSettings,
  socketRefusal,
} from './socket-address.ts';
import { SocketLine } from './socket-line.ts';

/** Clients that wait for their turn at once. Further ones are turned away. */
const MostClientsWaiting = 256;

/** Listens, and serves one client after the other. */
export class SocketServer implements CharTransport {
  readonly startsClosed = true;
  readonly mayReceive = true;
  private readonly server: Server;
  private readonly waiting: Socket[] = [];
  private line: SocketLine | undefined;
  private host: CharHost | undefined;
  private clients = 0;
  private isClosed = false;
  private removeFile = (): void => {};
  private onFirstClient = (): void => {};

  private constructor(private readonly address: SocketAddress) {
    this.server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true, keepAlive: true });
    this.server.maxConnections = MostClientsWaiting + 1;
    this.server.on('connection', (socket) => this.arrived(socket));
  }

  /** Listens, and with `wait` waits for the first client. */
  static async open({ id, wait = true }: SocketSettings, address: SocketAddress): Promise<SocketServer> {
    const made = new SocketServer(address);
    const refuse = socketRefusal(id);
    if ('path' in address) await clearPath(address.path, refuse);
    await made.listen(refuse);
    if (wait)
      await new Promise<void>((resolve) => {
        made.onFirstClient = resolve;
        if (made.waiting.length > 0) resolve();
      });
    return made;
  }

  start(host: CharHost): void {
    this.host = host;
    this.serveNext();
  }

  write(bytes: Uint8Array): void {
    this.line?.write(bytes);
  }

  setReceiving(wanted: boolean): void {
    this.line?.want(wanted);
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.removeFile();
    for (const socket of this.waiting) socket.destroy();
    const lost = (await this.line?.close()) ?? 0;
    if (lost > 0)
      this.host?.failed(`${lost} bytes for ${addressText(this.address)} are lost: its client does not read.`);
    await closed;
  }

  describe(): string {
    const { address, clients } = this;
    const now = this.line === undefined ? '' : ', connected';
    return `${addressText(this.bound ?? address)}, server, ${counted(clients, 'client')} so far${now}`;
  }

  /** With port 0 the system has chosen one. */
  private get bound(): SocketAddress | undefined {
    const bound = this.server.address();
    return bound === null || typeof bound === 'string' ? undefined : { host: bound.address, port: bound.port };
  }

  private listen(refuse: SocketRefusal): Promise<void> {
    const { server, address } = this;
    return new Promise((resolve, reject) => {
      const failed = (cause: unknown) =>
        reject(
          refuse('socket-not-opened', `cannot listen at ${addressText(address)} (${whyNot(address, cause)}).`, cause),
        );
      server.once('error', failed);
      const restoreMask = 'path' in address ? forOwnerOnly() : () => {};
      server.listen(address, () => {
        server.off('error', failed);
        server.on('error', (cause) => this.host?.failed(`${addressText(address)}: ${reasonOf(cause)}.`));
        resolve();
      });
      restoreMask();
      if ('path' in address) this.own(address.path);
    });
  }

  /** The file is there as soon as `listen` has returned, or it never is. */
  private own(path: string): void {
    try {
      chmodSync(path, 0o600);
      const { ino } = statSync(path);
      this.removeFile = atExit(() => {
        if (statSync(path, { throwIfNoEntry: false })?.ino === ino) unlinkSync(path);
      });
    } catch {
      // Listening has failed, and its error says why.
    }
  }

  private arrived(socket: Socket): void {
    socket.on('error', () => {});
    this.waiting.push(socket);
    this.onFirstClient();
    this.serveNext();
  }

  private serveNext(): void {
    if (this.isClosed || this.line !== undefined || this.host === undefined) return;
    const socket = this.waiting.shift();
    if (socket === undefined) return;
    this.clients++;
    this.line = new SocketLine(
      socket,
      this.host,
      () => this.waiting.length > 0,
      () => {
        this.line = undefined;
        this.serveNext();
      },
    );
  }
}

/** Node says EACCES where a folder is missing. */
const whyNot = (address: SocketAddress, cause: unknown): string =>
  'path' in address && !existsSync(dirname(address.path)) ? 'its folder is not there' : reasonOf(cause);

/** A file that is made now is the owner's alone, from its first moment. Answers how to undo that. */
function forOwnerOnly(): () => void {
  try {
    const before = process.umask(0o177);
    return () => process.umask(before);
  } catch {
    // A worker thread cannot: the mode is set just after.
    return () => {};
  }
}
