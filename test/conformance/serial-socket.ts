import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The other side of a serial port of QEMU, which connects to it. What QEMU sends is read and dropped. */
export class SerialSocket {
  private readonly folder = mkdtempSync(join(tmpdir(), 'backplane-serial-'));
  private readonly path = join(this.folder, 's');
  private readonly server: Server = createServer((socket) => this.accept(socket));
  private socket: Socket | undefined;

  private constructor() {}

  static async listen(): Promise<SerialSocket> {
    const made = new SerialSocket();
    await new Promise<void>((resolve) => {
      made.server.listen(made.path, resolve);
    });
    return made;
  }

  get arguments(): readonly string[] {
    return ['-chardev', `socket,id=serial0,path=${this.path}`, '-serial', 'chardev:serial0'];
  }

  async send(bytes: readonly number[]): Promise<void> {
    const { socket } = this;
    if (socket === undefined) throw new Error('QEMU has not connected to the socket of its serial port');
    await new Promise<void>((resolve, reject) => {
      socket.write(Uint8Array.from(bytes), (failure) => (failure ? reject(failure) : resolve()));
    });
  }

  close(): void {
    this.socket?.destroy();
    this.server.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private accept(socket: Socket): void {
    this.socket = socket;
    socket.on('error', () => {});
    socket.resume();
  }
}
