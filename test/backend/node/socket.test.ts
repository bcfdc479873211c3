import { spawnSync } from 'node:child_process';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { socket } from '../../../sdk/backend/node/socket.ts';
import type { SocketSettings } from '../../../sdk/backend/node/socket-address.ts';
import type { CharTransport } from '../../../sdk/backend/transport.ts';
import { expectRefusal } from '../../refusal.ts';
import { bytes, FakeHost, testFolder } from './fake-host.ts';

const folder = testFolder('socket');
let count = 0;
const newPath = () => join(folder, `s${count++}`);

const open: CharTransport[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((transport) => transport.close()));
});

async function opened(settings: Omit<SocketSettings, 'id'>): Promise<CharTransport> {
  const transport = (await socket({ id: 'c0', ...settings }).open()) as CharTransport;
  open.push(transport);
  return transport;
}

/** A server that is under way, and the machine behind it, which echoes if asked to. */
async function serving(settings: Omit<SocketSettings, 'id'>, echoes = false): Promise<[CharTransport, FakeHost]> {
  const transport = await opened({ server: true, wait: false, ...settings });
  const host = new FakeHost();
  if (echoes) {
    const receive = host.received.bind(host);
    host.received = (arrived) => {
      receive(arrived);
      setImmediate(() => transport.write(arrived));
    };
  }
  transport.start(host);
  return [transport, host];
}

/** Connects, sends, and reads until the other side ends. */
function talk(path: string, text: string, end: 'half' | 'after answer' | 'at once'): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const client = connect({ path, allowHalfOpen: true }, () => {
      if (end === 'half') client.end(text);
      else client.write(text, () => end === 'at once' && client.destroy());
    });
    client.on('data', (data) => {
      answer += data.toString('latin1');
      if (end === 'after answer' && answer.length === text.length) client.destroy();
    });
    client.on('error', reject);
    client.on('close', () => resolve(answer));
  });
}

const connected = (path: string): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const client = connect({ path }, () => resolve(client));
    client.on('error', reject);
  });

describe('a Unix socket that listens', () => {
  it('carries bytes both ways, and says when its client comes and goes', async () => {
    const path = newPath();
    const [transport, host] = await serving({ path });
    const client = await connected(path);
    client.write('hello');
    await host.until(() => host.text === 'hello');
    const answer = new Promise((resolve) => client.once('data', (data) => resolve(String(data))));
    transport.write(bytes('wor'));
    transport.write(bytes('ld'));
    expect(await answer).toBe('world');
    await host.until(() => host.sentCount === 5);
    expect(transport.describe()).toBe(`unix:${path}, server, 1 client so far, connected`);
    client.destroy();
    await host.until(() => host.events.length === 2);
    expect(host.events).toEqual(['open', 'close']);
  });

  it('serves 200 clients that come and go, each with its own answer', async () => {
    const path = newPath();
    const [transport, host] = await serving({ path }, true);
    const ends = ['after answer', 'half', 'at once'] as const;
    // Ten at a time: the others wait for their turn.
    for (let round = 0; round < 20; round++) {
      const answers = Array.from({ length: 10 }, (_, index) => {
        const end = ends[index % 10 < 8 ? 0 : (index % 10) - 7] as (typeof ends)[number];
        const text = `client ${round}.${index};`;
        return talk(path, text, end).then((answer) => ({ end, text, answer }));
      });
      for (const { end, text, answer } of await Promise.all(answers)) if (end !== 'at once') expect(answer).toBe(text);
    }
    await host.until(() => host.events.length === 400);
    expect(host.events.join('')).toBe('openclose'.repeat(200));
    for (let round = 0; round < 20; round++)
      for (let index = 0; index < 10; index++) expect(host.text.split(`client ${round}.${index};`)).toHaveLength(2);
    expect(transport.describe()).toContain('200 clients so far');
  });

  it('answers a client that has sent all and still reads', async () => {
    const path = newPath();
    const [transport, host] = await serving({ path });
    const answer = talk(path, 'question', 'half');
    await host.until(() => host.text === 'question');
    transport.write(bytes('ans'));
    await new Promise((resolve) => setTimeout(resolve, 5));
    transport.write(bytes('wer'));
    expect(await answer).toBe('answer');
  });

  it('answers all of what such a client has sent, though the device takes its time', async () => {
    const path = newPath();
    const [transport, host] = await serving({ path });
    const answer = talk(path, 'question', 'half');
    await host.until(() => host.text === 'question');
    // Longer than the quiet of an answer that is complete, and longer in all than the patience with a client.
    for (host.waiting = 8; host.waiting > 0; host.waiting--) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      transport.write(bytes(String(host.waiting)));
    }
    expect(await answer).toBe('87654321');
  });

  it('is not stopped by a client that never reads: the next one is served when that one is gone', async () => {
    const path = newPath();
    const [transport, host] = await serving({ path });
    const client = await connected(path);
    client.pause();
    await host.until(() => host.events.length === 1);
    const flood = new Uint8Array(1 << 20);
    transport.write(flood);
    expect(host.sentCount).toBe(0);
    client.destroy();
    await host.until(() => host.events.length === 2);
    const answer = talk(path, 'x', 'after answer');
    await host.until(() => host.text === 'x');
    transport.write(bytes('y'));
    expect(await answer).toBe('y');
  });

  it('stops reading while the device has no room, and loses nothing', async () => {
    const path = newPath();
    const [transport, host] = await serving({ path });
    const client = await connected(path);
    transport.setReceiving?.(false);
    const size = 4 << 20;
    let isWritten = false;
    client.write(Buffer.alloc(size, 'a'), () => {
      isWritten = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect([host.text.length, isWritten]).toEqual([0, false]);
    transport.setReceiving?.(true);
    await host.until(() => host.text.length === size);
    expect(isWritten).toBe(true);
    client.destroy();
  });

  it('is for its owner only, and its file is removed at the end', async () => {
    const path = newPath();
    const [transport] = await serving({ path });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await transport.close();
    expect(existsSync(path)).toBe(false);
  });

  it('sends what the guest has written before it closes', async () => {
    const path = newPath();
    const [transport, host] = await serving({ path });
    const answer = talk(path, 'x', 'half');
    await host.until(() => host.text === 'x');
    transport.write(new Uint8Array(300_000).fill(0x61));
    await transport.close();
    expect(await answer).toBe('a'.repeat(300_000));
    expect(host.failures).toEqual([]);
  });

  it('ends although its client does not read, and says how many bytes are lost', async () => {
    const path = newPath();
    const [transport, host] = await serving({ path });
    const client = await connected(path);
    client.pause();
    await host.until(() => host.events.length === 1);
    transport.write(new Uint8Array(1 << 20));
    await transport.close();
    expect(host.failures).toEqual([expect.stringMatching(/^\d+ bytes for unix:.* are lost/)]);
    client.destroy();
  });

  it('gives what it has read when it closes, though the device had no room', async () => {
    const path = newPath();
    const [transport, host] = await serving({ path });
    const client = await connected(path);
    await host.until(() => host.events.length === 1);
    transport.setReceiving?.(false);
    client.write('late');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(host.text).toBe('');
    await transport.close();
    expect(host.text).toBe('late');
    client.destroy();
  });

  it('waits for its first client if asked to', async () => {
    const path = newPath();
    const opening = opened({ path, server: true });
    while (!existsSync(path)) await new Promise((resolve) => setTimeout(resolve, 5));
    const client = await connected(path);
    const transport = await opening;
    const host = new FakeHost();
    transport.start(host);
    expect(host.events).toEqual(['open']);
    client.destroy();
  });

  it('takes the place of a socket whose process is dead, and of nothing else', async () => {
    const stale = newPath();
    const script = `require('net').createServer().listen(${JSON.stringify(stale)}, () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', script]);
    expect(statSync(stale).isSocket()).toBe(true);
    await serving({ path: stale });
    expect((await connected(stale)).destroy()).toBeTruthy();

    const live = newPath();
    await serving({ path: live });
    const again = () => opened({ path: live, server: true, wait: false });
    await expectRefusal(again, 'socket-path-taken', "'c0'", live);
    const file = newPath();
    writeFileSync(file, 'precious');
    await expectRefusal(() => opened({ path: file, server: true, wait: false }), 'socket-path-taken', file);
    await expectRefusal(
      () => opened({ path: '/nowhere/x', server: true, wait: false }),
      'socket-not-opened',
      '/nowhere/x',
    );
  });
});

describe('a TCP socket', () => {
  it('listens on this host alone, at a port that the system chooses for port 0', async () => {
    const [transport, host] = await serving({ port: 0 });
    const port = Number(/127\.0\.0\.1:(\d+)/.exec(transport.describe())?.[1]);
    const client = connect(port, '127.0.0.1');
    client.end('over TCP');
    await host.until(() => host.text === 'over TCP');
    await expectRefusal(() => opened({ port, server: true, wait: false }), 'socket-not-opened', String(port));
  });

  it('goes beyond loopback only when both the host and a word ask for it', async () => {
    for (const host of ['0.0.0.0', '::', 'example.com', '10.0.0.1'])
      expectRefusal(
        () => socket({ id: 'c0', host, port: 0, server: true }),
        'socket-beyond-loopback',
        host,
        'allow-remote',
      );
    await serving({ host: '0.0.0.0', port: 0, allowRemote: true });
    await serving({ host: 'localhost', port: 0 });
  });

  it.each([
    [{}, 'path='],
    [{ path: 'x', port: 1 }, 'host='],
    [{ path: '' }, '1 to'],
    [{ path: 'x'.repeat(200) }, '200 bytes'],
    [{ port: 1, server: true, reconnect: 1 }, 'reconnect='],
    [{ port: 1, wait: true }, 'wait='],
  ] as const)('refuses %j', (settings, named) => {
    expectRefusal(() => socket({ id: 'c0', ...settings }), 'bad-socket-settings', "'c0'", named);
  });
});

describe('a socket that connects', () => {
  let server: Server | undefined;
  afterEach(() => server?.close());
  const listening = (path: string, onClient: (client: Socket) => void): Promise<void> => {
    server = createServer(onClient);
    return new Promise((resolve) => server?.listen(path, resolve));
  };

  it('talks to a server, and reports the end of it', async () => {
    const path = newPath();
    await listening(path, (client) => {
      client.on('data', (data) => client.end(`${data}!`));
    });
    const transport = await opened({ path });
    const host = new FakeHost();
    transport.start(host);
    transport.write(bytes('hello'));
    await host.until(() => host.text === 'hello!' && host.events.length === 2);
    expect(host.events).toEqual(['open', 'close']);
    expect(transport.describe()).toBe(`unix:${path}, client, not connected`);
    transport.write(bytes('to no one'));
  });

  it('is refused where no server is, unless it tries again', async () => {
    const path = newPath();
    await expectRefusal(() => opened({ path }), 'socket-not-opened', path, 'reconnect=1');
    const transport = await opened({ path, reconnect: 0.02 });
    const host = new FakeHost();
    transport.start(host);
    await listening(path, (client) => client.end('at last'));
    await host.until(() => host.text.startsWith('at lastat last') && host.events.length >= 4);
    expect(host.events.slice(0, 4)).toEqual(['open', 'close', 'open', 'close']);
  });
});
