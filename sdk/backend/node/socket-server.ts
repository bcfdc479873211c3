import { createServer, type Server, type Socket } from 'node:net';
import { reasonOf } from '../../base/system-errors.ts';
import { counted } from '../../base/text.ts';
import type { CharHost, CharTransport } from '../transport.ts';
import {
  addressText,
  clearPath,
  type SocketAddress,
  type SocketRefusal,
  type SocketSettings,
  socketRefusal,
} from './socket-address.ts';
import { SocketLine } from './socket-line.ts';
import { listenAt } from './unix-listener.ts';

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

  private async listen(refuse: SocketRefusal): Promise<void> {
    this.removeFile = await listenAt(this.server, this.address, refuse);
    this.server.on('error', (cause) => this.host?.failed(`${addressText(this.address)}: ${reasonOf(cause)}.`));
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
