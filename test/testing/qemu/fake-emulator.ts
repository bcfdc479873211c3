import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The two ends of a unix socket: the client's, and the one on which a test plays the emulator. */
export async function socketPair(): Promise<{ client: Socket; emulator: Socket }> {
  const folder = mkdtempSync(join(tmpdir(), 'backplane-test-'));
  const path = join(folder, 'socket');
  const server = createServer();
  try {
    const accepted = new Promise<Socket>((resolve) => {
      server.once('connection', resolve);
    });
    await new Promise<void>((resolve) => {
      server.listen(path, resolve);
    });
    const client = connect(path);
    const emulator = await accepted;
    emulator.on('error', () => undefined);
    return { client, emulator };
  } finally {
    server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Answers every line that arrives by what `answer` makes of it; undefined stays silent. */
export function answerLines(emulator: Socket, answer: (line: string) => string | undefined): void {
  let unfinished = '';
  emulator.setEncoding('utf8');
  emulator.on('data', (text: string) => {
    const lines = (unfinished + text).split('\n');
    unfinished = lines.pop() ?? '';
    const reply = lines.map((line) => answer(line) ?? '').join('');
    if (reply !== '') emulator.write(reply);
  });
}
