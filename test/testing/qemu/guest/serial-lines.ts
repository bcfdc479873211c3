import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { GuestShell } from '../../../../sdk/testing/qemu/linux/shell.ts';

/** Serial lines of a guest that a test plays. They are closed after each test of the file. */
export class SerialLines {
  private readonly open: Socket[] = [];

  constructor() {
    afterEach(() => {
      for (const one of this.open.splice(0)) one.destroy();
    });
  }

  /** Both ends. */
  async line(): Promise<{ ours: Socket; guest: Socket }> {
    const folder = mkdtempSync(join(tmpdir(), 'backplane-serial-'));
    const server = createServer();
    const arrived = new Promise<Socket>((resolve) => server.once('connection', resolve));
    const path = join(folder, 'line');
    await new Promise<void>((resolve) => server.listen(path, resolve));
    const [guest, ours] = [connect(path), await arrived];
    server.close();
    rmSync(folder, { recursive: true });
    this.open.push(guest, ours);
    return { ours, guest };
  }

  /** A shell that answers each line with what the function writes. */
  async shell(answer: (id: string, line: string, write: (text: string | Buffer) => void) => void) {
    const { ours, guest } = await this.line();
    const lines: string[] = [];
    guest.on('data', (bytes) => {
      for (const text of bytes
        .toString()
        .split('\n')
        .filter((one) => one !== '')) {
        const [, id = '', line = text] = /^(\d+) (.*)$/.exec(text) ?? [];
        lines.push(line);
        answer(id, line, (said) => guest.write(said));
      }
    });
    return { shell: new GuestShell(ours), guest, lines };
  }
}
