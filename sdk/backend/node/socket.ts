import { connect, type Socket } from 'node:net';
import { reasonOf } from '../../base/system-errors.ts';
import { afterHostTime } from '../../clock/index.ts';
import type { CharHost, CharTransport, OpenableChar } from '../transport.ts';
import { addressOf, addressText, type SocketAddress, type SocketSettings, socketRefusal } from './socket-address.ts';
import { SocketLine } from './socket-line.ts';
import { SocketServer } from './socket-server.ts';

/**
 * A Unix or TCP socket. A server serves one client at a time; the next one is served when it leaves. It listens on this host alone
 * unless the settings say otherwise, and its file is the owner's.
 */
export function socket(settings: SocketSettings): OpenableChar {
  const address = addressOf(settings);
  const open = () =>
    settings.server === true ? SocketServer.open(settings, address) : SocketClient.open(settings, address);
  return { id: settings.id, type: 'char', kind: 'socket', open };
}

/** Connects to a socket, and with `reconnect` again and again. */
class SocketClient implements CharTransport {
  readonly startsClosed = true;
  private line: SocketLine | undefined;
  private host: CharHost | undefined;
  private isClosed = false;
  private cancel = (): void => {};

  private constructor(
    private readonly settings: SocketSettings,
    private readonly address: SocketAddress,
    private socket: Socket | undefined,
  ) {}

  /** Connects. A server that is not there is an error, unless the client tries again. */
  static async open(settings: SocketSettings, address: SocketAddress): Promise<SocketClient> {
    try {
      return new SocketClient(settings, address, await connected(address));
    } catch (cause) {
      if (settings.reconnect !== undefined) return new SocketClient(settings, address, undefined);
      const why = `cannot connect to ${addressText(address)} (${reasonOf(cause)}). Start that server, or add reconnect=1.`;
      throw socketRefusal(settings.id)('socket-not-opened', why, cause);
    }
  }

  get mayReceive(): boolean {
    return this.line !== undefined || this.settings.reconnect !== undefined;
  }

  start(host: CharHost): void {
    this.host = host;
    if (this.socket === undefined) this.tryLater();
    else this.serve(this.socket, host);
  }

  write(bytes: Uint8Array): void {
    this.line?.write(bytes);
  }

  setReceiving(wanted: boolean): void {
    this.line?.want(wanted);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.cancel();
    this.socket?.unref();
    const lost = (await this.line?.close()) ?? 0;
    if (this.line === undefined) this.socket?.destroy();
    if (lost > 0)
      this.host?.failed(`${lost} bytes for ${addressText(this.address)} are lost: they were not read in time.`);
  }

  describe(): string {
    return `${addressText(this.address)}, client${this.line === undefined ? ', not connected' : ''}`;
  }

  private serve(socket: Socket, host: CharHost): void {
    this.socket = socket;
    this.line = new SocketLine(
      socket,
      host,
      () => false,
      () => {
        this.line = undefined;
        this.tryLater();
      },
    );
  }

  private tryLater(): void {
    const { reconnect } = this.settings;
    if (reconnect === undefined || this.isClosed) return;
    this.cancel = afterHostTime(reconnect * 1000, () => {
      connected(this.address).then(
        (socket) => {
          if (this.isClosed || this.host === undefined) socket.destroy();
          else this.serve(socket, this.host);
        },
        () => this.tryLater(),
      );
    });
  }
}

function connected(address: SocketAddress): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...address, allowHalfOpen: true, noDelay: true, keepAlive: true });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      socket.on('error', () => {});
      resolve(socket);
    });
  });
}
