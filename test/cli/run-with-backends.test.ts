import { existsSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Random } from '../../sdk/testing/random.ts';
import { testFolder } from '../backend/node/fake-host.ts';
import { times } from '../depth.ts';
import { echoRun } from './echo-run.ts';
import { backplane, expectRefused } from './fake-terminal.ts';

const folder = testFolder('run');
const run = echoRun(folder);
const at = (name: string) => join(folder, name);
const listening = (path: string) => `socket,id=c0,path=${path},server=on,wait=off`;

/** Connects as soon as the run listens. */
async function connected(path: string): Promise<Socket> {
  while (!existsSync(path)) await new Promise((resolve) => setTimeout(resolve, 5));
  return new Promise((resolve, reject) => {
    const client = connect({ path }, () => resolve(client));
    client.on('error', reject);
  });
}

/** Reads until so many bytes have arrived, or the other side ends. */
function received(client: Socket, count: number): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    client.on('data', (data) => {
      text += data.toString('latin1');
      if (text.length >= count) resolve(text);
    });
    client.on('close', () => resolve(text));
  });
}

describe('a run with a UART on a socket', () => {
  it('echoes to clients that come and go, and ends with its guest', async () => {
    const path = at('echo');
    const running = backplane(...run, '-chardev', listening(path));
    for (let index = 0; index < 50; index++) {
      const client = await connected(path);
      client.write(`client ${index};`);
      expect(await received(client, `client ${index};`.length)).toBe(`client ${index};`);
      client.destroy();
    }
    (await connected(path)).write('q');
    const { status, noted, printed } = await running;
    expect({ status, noted }).toEqual({ status: 0, noted: '' });
    expect(printed).toContain('0x2f8:POUT');
    expect(existsSync(path)).toBe(false);
  });

  it('is saved where a signal ends it, and goes on: no byte is lost or doubled', async () => {
    const text = Array.from({ length: 3000 }, (_, index) => `${index},`).join('');
    const random = new Random(1);
    // Behind so many echoed bytes.
    for (let point = 0; point < times(1, 20); point++) {
      const behind = random.below(8000);
      const [path, saved] = [at(`saved-${point}`), at(`saved-${point}.json`)];
      let echoed = '';
      const first = backplane(...run, '-chardev', listening(path), '-save', saved);
      const client = await connected(path);
      client.on('data', (data) => {
        echoed += data.toString('latin1');
      });
      client.write(text.slice(0, 9000));
      while (echoed.length < behind) await new Promise((resolve) => setTimeout(resolve, 1));
      process.emit('SIGTERM', 'SIGTERM');
      const ended = new Promise((resolve) => client.once('close', resolve));
      const { status, noted, printed } = await first;
      expect({ status, noted }).toEqual({ status: 0, noted: expect.stringContaining('SIGTERM') });
      expect(printed).toContain('The run was ended by SIGTERM.');
      await ended;
      // What was read, and not echoed, is in the snapshot; the rest has not left the client.
      const second = backplane(...run, '-chardev', `socket,id=c0,path=${path},server=on`, '-loadvm', saved);
      const next = await connected(path);
      const rest = received(next, 1e9);
      next.write(text.slice(9000));
      next.write('q');
      expect((await second).status).toBe(0);
      echoed += await rest;
      expect([behind, echoed.length]).toEqual([behind, text.length]);
      expect(echoed === text).toBe(true);
    }
  });

  it('waits for its first client', async () => {
    const path = at('waits');
    const running = backplane(...run, '-chardev', `socket,id=c0,path=${path},server=on`);
    (await connected(path)).write('q');
    expect((await running).status).toBe(0);
  });

  it('writes what the guest says into a file', async () => {
    const [path, log] = [at('one'), at('log')];
    const words = [...run.slice(0, -1), 'my-uart,chardev=out', '-chardev', `file,id=out,path=${log}`];
    const { status } = await backplane(...words, '-limit', '100');
    expect(status).toBe(0);
    expect(readFileSync(log, 'latin1')).toBe('');
    expect(existsSync(path)).toBe(false);
  });

  it('is refused with back ends that are wrong, and leaves nothing behind', async () => {
    const path = at('refused');
    const twice = [...run, '-device', 'my-uart,id=two,chardev=c0', '-chardev', listening(path)];
    expectRefused(await backplane(...twice), 'wiring-mistakes', 'c0');
    expect(existsSync(path)).toBe(false);
    expectRefused(await backplane(...run), undefined, 'c0');
    expectRefused(
      await backplane(...run, '-chardev', 'socket,id=c0,path=/nowhere/s,server=on'),
      'socket-not-opened',
      'folder',
    );
    const two = [...run, '-chardev', listening(path), '-chardev', 'file,id=c1,path=/nowhere/log'];
    expectRefused(await backplane(...two), 'backend-file-unusable', '/nowhere/log');
    expect(existsSync(path)).toBe(false);
    for (const more of [
      ['-timer-limit', 'x'],
      ['-clock', 'x'],
      ['-loadvm', at('none.json')],
      ['-loadvm', at('echo.ts')],
    ]) {
      expectRefused(await backplane(...run, '-chardev', listening(path), ...more), undefined);
      expect(existsSync(path)).toBe(false);
    }
  });

  it('warns of a back end that no device uses', async () => {
    const ports = Array.from({ length: 5 }, () => ['-serial', 'null']).flat();
    const words = ['run', at('echo.ts'), '-machine', 'isapc', ...ports, '-chardev', 'null,id=spare', '-limit', '10'];
    const { status, noted } = await backplane(...words);
    expect(status).toBe(0);
    expect(noted.match(/^warning: .*$/gm)).toEqual([
      expect.stringContaining("Back end 'spare' (null): no device uses it."),
      expect.stringContaining("Back end 'serial4' (null): machine 'isapc' has no serial port 4"),
    ]);
  });
});
