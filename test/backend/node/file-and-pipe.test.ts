import { spawnSync } from 'node:child_process';
import { createReadStream, createWriteStream, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { file } from '../../../sdk/backend/node/file.ts';
import { pipe } from '../../../sdk/backend/node/pipe.ts';
import type { Backend, CharTransport } from '../../../sdk/backend/transport.ts';
import { needs } from '../../needs.ts';
import { expectRefusal } from '../../refusal.ts';
import { bytes, FakeHost, testFolder } from './fake-host.ts';

const folder = testFolder('file');
const whyNoFullDisk = existsSync('/dev/full') ? undefined : 'there is no /dev/full.';
const at = (name: string) => join(folder, name);
const mkfifo = (...names: string[]) => expect(spawnSync('mkfifo', names.map(at)).status).toBe(0);

function started(backend: Backend): [CharTransport, FakeHost] {
  const transport = backend.open() as CharTransport;
  const host = new FakeHost();
  transport.start(host);
  return [transport, host];
}

describe('a file behind a line', () => {
  it('gets all that the guest writes, and begins empty', async () => {
    writeFileSync(at('log'), 'old');
    const [transport] = started(file({ id: 'c0', path: at('log') }));
    transport.write(bytes('hello '));
    transport.write(bytes('world'));
    await new Promise(setImmediate);
    expect(readFileSync(at('log'), 'latin1')).toBe('hello world');
    transport.write(bytes('!'));
    await transport.close();
    await transport.close();
    expect(readFileSync(at('log'), 'latin1')).toBe('hello world!');
    expect(transport.describe()).toBe(at('log'));
  });

  it('keeps what it has with append=on', async () => {
    writeFileSync(at('kept'), 'old ');
    const [transport] = started(file({ id: 'c0', path: at('kept'), append: true }));
    transport.write(bytes('new'));
    await transport.close();
    expect(readFileSync(at('kept'), 'latin1')).toBe('old new');
  });

  it('keeps no more than a little in memory while the guest writes on', async () => {
    const [transport] = started(file({ id: 'c0', path: at('large') }));
    for (let chunk = 0; chunk < 100; chunk++) transport.write(new Uint8Array(4096));
    expect(readFileSync(at('large')).length).toBeGreaterThan(300_000);
    await transport.close();
    expect(readFileSync(at('large'))).toHaveLength(409_600);
  });

  it('says so when the disk is full, and goes on', needs('host', whyNoFullDisk), async () => {
    const [transport, host] = started(file({ id: 'c0', path: '/dev/full' }));
    transport.write(bytes('hello'));
    await transport.close();
    expect(host.failures).toEqual([expect.stringMatching(/'\/dev\/full'.*the disk is full.*5 bytes/)]);
  });

  it('is refused where it is a folder, a pipe, or in no folder', () => {
    mkdirSync(at('folder'));
    mkfifo('fifo');
    const refused = (name: string, ...named: string[]) =>
      expectRefusal(
        () => file({ id: 'c0', path: at(name) }).open(),
        'backend-file-unusable',
        "'c0'",
        at(name),
        ...named,
      );
    refused('folder', 'is a folder');
    refused('fifo', '-chardev pipe');
    refused('none/x', 'no such');
  });
});

describe('named pipes behind a line', () => {
  it('carry bytes both ways in PATH.in and PATH.out, and their other sides come and go', async () => {
    mkfifo('p.in', 'p.out');
    const [transport, host] = started(pipe({ id: 'c0', path: at('p') }));
    for (const text of ['one ', 'two ']) {
      const writer = createWriteStream(at('p.in'));
      writer.end(text);
      await host.until(() => host.text.endsWith(text));
    }
    expect(host.text).toBe('one two ');
    transport.write(bytes('waits for its reader'));
    const reader = createReadStream(at('p.out'));
    const answer = await new Promise((resolve) => reader.once('data', (data) => resolve(String(data))));
    expect(answer).toBe('waits for its reader');
    reader.destroy();
    expect(host.events).toEqual([]);
    expect(transport.describe()).toBe(`${at('p')}.in, ${at('p')}.out`);
    await transport.close();
  });

  it('fill up while no program reads, and stop nothing else', async () => {
    mkfifo('full.in', 'full.out');
    const [transport, host] = started(pipe({ id: 'c0', path: at('full') }));
    transport.write(new Uint8Array(1 << 20));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(host.sentCount).toBe(0);
    await transport.close();
    expect(host.failures).toEqual([expect.stringMatching(/1048576 bytes for the pipe .* are lost/)]);
  });

  it('may be one pipe for both directions', async () => {
    mkfifo('both');
    const [transport, host] = started(pipe({ id: 'c0', path: at('both') }));
    createWriteStream(at('both')).end('in');
    await host.until(() => host.text === 'in');
    await transport.close();
    expect(transport.describe()).toBe(at('both'));
  });

  it('are refused where there is none, or a file', () => {
    const refused = (name: string, ...named: string[]) =>
      expectRefusal(
        () => pipe({ id: 'c0', path: at(name) }).open(),
        'backend-file-unusable',
        "'c0'",
        at(name),
        ...named,
      );
    refused('missing', 'mkfifo');
    writeFileSync(at('plain'), '');
    refused('plain', 'no named pipe');
    mkfifo('half.in');
    refused('half', 'mkfifo');
  });
});
