import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Edu } from '../../devices/edu.ts';
import type { Backend } from '../../sdk/backend.ts';
import { device, inject, MILLISECOND, type Timer, use, VirtualClock } from '../../sdk/index.ts';
import { MemTxResult } from '../../sdk/memory/index.ts';
import { msi, PciDevice, pci } from '../../sdk/pci.ts';
import { serve } from '../../sdk/serve/node/serve.ts';
import type { Served, ServeOptions } from '../../sdk/serve/node/served.ts';
import { times } from '../depth.ts';
import { needs, whyNoKoffi } from '../needs.ts';
import { ActingCard } from './cards.ts';
import * as client from './client.ts';
import type { CutMemory } from './cut-memory.ts';
import type { ManyClients } from './many-clients.ts';
import { bytesOf, clientLibc, fdOf, SocketClient } from './native-client.ts';

let folder: string;
let path: string;
let notes: string[];
const open: Served[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'backplane-serve-'));
  path = join(folder, 'edu.sock');
  notes = [];
});

afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
  rmSync(folder, { recursive: true, force: true });
});

async function served(options: Partial<ServeOptions> = {}): Promise<Served> {
  const made = await serve(use(Edu), { socket: path, onNote: (sentence) => notes.push(sentence), ...options });
  open.push(made);
  return made;
}

async function attach(): Promise<SocketClient> {
  const one = await SocketClient.connect(path);
  await one.ask(client.version());
  return one;
}

const withoutKoffi = whyNoKoffi();

const ways = [
  ['with koffi', 'always', needs('koffi', withoutKoffi)],
  ['without koffi', 'never', needs('koffi', undefined)],
] as const;

for (const [name, native, needed] of ways)
  describe(`a socket of a served device, ${name}`, needed, () => {
    it('is its owner’s alone, and goes when the service ends', async () => {
      const one = await served({ native });
      expect(statSync(path).mode & 0o777).toBe(0o600);
      await one.close();
      expect(existsSync(path)).toBe(false);
    });

    it('serves several clients one after the other, and turns the second of two away', async () => {
      const one = await served({ native });
      const first = await attach();
      expect(one.attached).toBe(true);
      await first.ask(client.write(0, 4, 5, 4));
      const second = await SocketClient.connect(path);
      await second.closed();
      expect(notes).toEqual(['edu: a second client was turned away: the device has one at a time.']);
      first.close();
      await one.whenDetached();
      const third = await attach();
      expect((await third.ask(client.read(0, 4, 4))).value).toBe(0xffff_fffan);
      expect(one.counts.clients).toBe(2);
      third.close();
    });

    it('takes messages in pieces, and many at once', async () => {
      await served({ native });
      const one = await attach();
      const bytes = bytesOf(client.read(0, 0, 4));
      for (const byte of bytes) {
        one.socket.write(Uint8Array.of(byte));
        await new Promise((done) => setImmediate(done));
      }
      expect((await one.next()).value).toBe(0x0100_00edn);
      const many = 3000;
      one.socket.write(Buffer.concat(Array.from({ length: many }, () => bytes)));
      for (let index = 0; index < many; index++) expect((await one.next()).errno).toBe(0);
      one.close();
    });

    it('answers each of many accesses with its own data, also where the answers have to wait', async () => {
      await served({ native });
      const one = await attach();
      const many = 3000;
      const asked = Array.from({ length: many }, (_, index) => client.read(7, index % 64, 1 + (index % 2)));
      const config = (await one.ask(client.read(7, 0, 256))).view;
      one.socket.pause();
      one.socket.write(Buffer.concat(asked.map(bytesOf)));
      for (let turns = 0; turns < 20; turns++) await new Promise((done) => setImmediate(done));
      one.socket.resume();
      for (const [index, request] of asked.entries()) {
        const { header, value } = await one.next();
        const at = 32 + (index % 64);
        const expected = index % 2 === 0 ? config.getUint8(at) : config.getUint16(at, true);
        expect([header.id, value]).toEqual([request.getUint16(0, true), BigInt(expected)]);
      }
      one.close();
    });

    it('closes on a message that is too long or too short, and the next client finds the device', async () => {
      const one = await served({ native });
      for (const size of [15, 0, 0x7fff_ffff]) {
        const wrong = await attach();
        const view = client.read(0, 0, 4);
        view.setUint32(4, size, true);
        wrong.send(view);
        await wrong.closed();
        await one.whenDetached();
      }
      expect(notes).toHaveLength(3);
      expect(notes[0]).toContain('a message of 15 bytes');
      const next = await attach();
      expect((await next.ask(client.read(0, 0, 4))).value).toBe(0x0100_00edn);
      next.close();
    });

    it('closes on a client that does not read its answers', async () => {
      const one = await served({ native });
      const deaf = await attach();
      deaf.socket.pause();
      const all = Buffer.concat(Array.from({ length: 2000 }, () => bytesOf(client.read(7, 0, 256))));
      for (let times = 0; times < 60 && one.attached; times++) {
        deaf.socket.write(all);
        await new Promise((done) => setTimeout(done, 1));
      }
      // It is not read any more, or it was closed: nothing grows.
      deaf.close();
      await one.whenDetached();
      expect(one.attached).toBe(false);
    });

    it('counts no program that has only tried the socket, and tells who waits for a client when it is closed', async () => {
      const one = await served({ native });
      let settled = false;
      const attached = one.whenAttached().then(() => {
        settled = true;
      });
      const probe = await SocketClient.connect(path);
      await new Promise((done) => setTimeout(done, 20));
      probe.close();
      await one.whenDetached();
      expect([settled, one.attached, one.counts.clients]).toEqual([false, false, 0]);
      await one.close();
      await attached;
      expect(settled).toBe(true);
    });

    it('ends a client that dies in the middle of a message', async () => {
      const one = await served({ native });
      const dying = await attach();
      dying.socket.end(bytesOf(client.read(0, 0, 4)).subarray(0, 20));
      await one.whenDetached();
      const next = await attach();
      expect((await next.ask(client.read(0, 0, 4))).value).toBe(0x0100_00edn);
      next.close();
    });

    it('takes the place of a dead server’s file, and of nothing else', async () => {
      const dead = createServer();
      await new Promise<void>((done) => dead.listen(`${path}.old`, done));
      // A file that is left behind by a process that was killed.
      renameSync(`${path}.old`, path);
      await new Promise<void>((done) => dead.close(() => done()));
      const one = await served({ native });
      await expect(served({ native })).rejects.toMatchObject({ code: 'socket-path-taken' });
      await one.close();
      writeFileSync(path, 'a file');
      await expect(served({ native })).rejects.toMatchObject({ code: 'socket-path-taken' });
    });

    it('refuses a folder in which others may write', async () => {
      chmodSync(folder, 0o777);
      await expect(served({ native })).rejects.toMatchObject({ code: 'socket-folder-open' });
      chmodSync(folder, 0o1777);
      await served({ native });
    });
  });

const openFiles = (): string[] =>
  readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return []; // That of the folder itself.
    }
  });

/** Counts the milliseconds of its life. */
@device({ type: 'ticking-card', description: 'a card of tests' })
@pci({ vendorId: 0x1234, deviceId: 0x11ea, classCode: 0xff00 })
@msi({ vectors: 1 })
class TickingCard extends PciDevice {
  static ticks = 0;
  private readonly tick: Timer;

  constructor(@inject(VirtualClock) clock: VirtualClock) {
    super();
    this.tick = clock.timer('tick', () => {
      TickingCard.ticks++;
      this.tick.arm(clock.now + MILLISECOND);
    });
    this.tick.arm(clock.now + MILLISECOND);
  }
}

describe('guest time of a service', () => {
  it('stands still in a handler that wakes the machine, and goes on behind it', async () => {
    let now = 0;
    const one = await serve(use(ActingCard), { socket: path, native: 'never', hostTime: () => now });
    open.push(one);
    let expired = 0;
    const timer = one.machine.clock.timer('of the test', () => expired++);
    ActingCard.act = ({ clock }) => {
      const before = clock.now;
      timer.arm(before + MILLISECOND);
      now += 5 * MILLISECOND;
      one.machine.pause();
      return clock.now - before + expired;
    };
    const guest = await attach();
    expect((await guest.ask(client.read(0, 0, 4))).value).toBe(0n);
    expect([expired, one.machine.clock.now]).toEqual([1, 5 * MILLISECOND]);
    guest.close();
  });
});

describe('a reset of the machine', () => {
  it('for which a served device asks is refused in one sentence', async () => {
    const options = { socket: path, native: 'never', onNote: (sentence: string) => notes.push(sentence) } as const;
    const one = await serve(use(ActingCard), options);
    open.push(one);
    ActingCard.act = () => {
      one.machine.reset();
      return 7;
    };
    const guest = await attach();
    for (let times = 0; times < 2; times++) expect((await guest.ask(client.read(0, 0, 4))).value).toBe(7n);
    expect(notes).toHaveLength(1);
    expect(notes[0]).toContain('acting-card: a reset of the machine was asked for, and nothing is reset');
    guest.close();
  });
});

describe('a service that cannot begin', () => {
  it('leaves no timer, no file and no back end open', async () => {
    const ram = join(folder, 'ram');
    writeFileSync(ram, new Uint8Array(0x1000));
    await served({ native: 'never' });
    let closed = 0;
    const transport = { start() {}, write() {}, close: () => void closed++, describe: () => 'of the test' };
    const backend: Backend = { id: 'c0', type: 'char', kind: 'of the test', open: () => transport };
    const options = { socket: path, native: 'never', ram, backends: [backend] } as const;
    await expect(serve(use(TickingCard), options)).rejects.toMatchObject({ code: 'socket-path-taken' });
    expect([closed, openFiles().includes(ram)]).toEqual([1, false]);
    const { ticks } = TickingCard;
    await new Promise((done) => setTimeout(done, 20));
    expect(TickingCard.ticks).toBe(ticks);
    const running = await serve(use(TickingCard), { socket: `${path}2`, native: 'never' });
    open.push(running);
    while (TickingCard.ticks === ticks) await new Promise((done) => setTimeout(done, 1));
  });
});

describe('a served device without koffi', () => {
  it('reaches guest memory by its file, and only what is in it', async () => {
    const ram = join(folder, 'ram');
    writeFileSync(ram, new Uint8Array(0x4000));
    const one = await served({ native: 'never', ram });
    const guest = await attach();
    expect((await guest.ask(client.map(0n, 0x2000n))).errno).toBe(0);
    expect((await guest.ask(client.map(0x10_0000n, 0x2000n, 0x2000n))).errno).toBe(0);
    expect((await guest.ask(client.map(0x20_0000n, 0x2000n, 0x3000n))).errno).toBe(22);
    // What is no file of the client's is said with the offset 0.
    expect((await guest.ask(client.map(0xfffc_0000n, 0x1000n, 0n, 1))).errno).toBe(0);
    const { busMaster } = one.device;
    expect(busMaster.write(0x10_0008, Uint8Array.of(9))).not.toBe(0);
    await guest.ask(client.write(7, 4, 6, 2));
    expect(busMaster.write(0x10_0008, Uint8Array.of(9))).toBe(0);
    expect(readFileSync(ram)[0x2008]).toBe(9);
    const target = new Uint8Array(2);
    expect(busMaster.read(0x10_0008, target)).toBe(0);
    expect([...target]).toEqual([9, 0]);
    expect(busMaster.storeIndex(0x10_0010, 0x1234)).toBe(0);
    expect([...readFileSync(ram).subarray(0x2010, 0x2012)]).toEqual([0x34, 0x12]);
    expect(busMaster.loadIndex(0x10_0010)).toBe(0x1234);
    expect(busMaster.loadIndex(0x10_1fff)).toBe(-1);
    expect(busMaster.read(0xfffc_0000, target)).not.toBe(0);
    expect(busMaster.write(0x10_1fff, Uint8Array.of(1, 2))).not.toBe(0);
    guest.close();
  });

  it('says so in a sentence where the file is missing', async () => {
    await expect(served({ native: 'never', ram: join(folder, 'none') })).rejects.toMatchObject({ code: 'ram-file' });
  });
});

describe('descriptors of a client', needs('koffi', withoutKoffi), () => {
  const libc = withoutKoffi === undefined ? clientLibc() : (undefined as never);

  async function ask(one: SocketClient, message: DataView, fds: readonly number[]) {
    libc.send(fdOf(one.socket), bytesOf(message), fds);
    return one.next();
  }

  it('are its memory: the device’s transfers are in the file, and no longer after UNMAP', async () => {
    const one = await served();
    const guest = await attach();
    const fd = libc.sealedMemfd('ram', 0x4000);
    expect((await ask(guest, client.map(0x1000n, 0x2000n, 0x1000n), [fd])).errno).toBe(0);
    expect((await ask(guest, client.map(0x10_0000n, 0x2000n, 0x3000n), [fd])).errno).toBe(22);
    await guest.ask(client.write(7, 4, 6, 2));
    const { busMaster } = one.device;
    expect(busMaster.write(0x1004, Uint8Array.of(1, 2, 3))).toBe(0);
    const seen = Buffer.alloc(3);
    readSync(fd, seen, 0, 3, 0x1004);
    expect([...seen]).toEqual([1, 2, 3]);
    writeSync(fd, Buffer.of(8), 0, 1, 0x1004);
    const target = new Uint8Array(1);
    busMaster.read(0x1004, target);
    expect(target[0]).toBe(8);
    // A view that somebody has kept reads zeros, and the guest's file stays as it is.
    const block = one.machine.topology.addressSpaces
      .flatMap(({ flatView }) => flatView.ranges.map(({ region }) => region.ram))
      .find((ram) => ram?.bytes.length === 0x2000);
    const stale = block?.bytes as Uint8Array;
    expect(stale[4]).toBe(8);
    expect((await guest.ask(client.unmap(0x1000n, 0x2000n))).errno).toBe(0);
    expect(stale[4]).toBe(0);
    stale[4] = 77;
    expect(busMaster.write(0x1004, Uint8Array.of(1))).not.toBe(0);
    readSync(fd, seen, 0, 1, 0x1004);
    expect(seen[0]).toBe(8);
    closeSync(fd);
    guest.close();
  });

  it('that the client may cut are read and written as files, and never end this process', () => {
    const args = ['--import', 'tsx', 'test/serve/cut-memory.ts'];
    const results = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as CutMemory[];
    const before = { write: 0, read: 0, byte: 0x5a };
    const whole = { before, isCut: false, read: 0, index: 0x5a, identity: 0x0100_00ed };
    const cut = { before, isCut: true, read: MemTxResult.DecodeError, index: -1, identity: 0x0100_00ed };
    expect(results).toEqual([
      { kind: 'sealed memfd', ...whole },
      { kind: 'memfd', ...cut },
      { kind: 'file', ...cut },
      { kind: 'file that is appended to', ...cut },
    ]);
  });

  it('that the client may cut are as many as QEMU needs, and as the client may use itself', async () => {
    const one = await served();
    const guest = await attach();
    const file = join(folder, 'ram');
    writeFileSync(file, new Uint8Array(0x4000));
    const [readOnly, both] = [openSync(file, 'r'), openSync(file, 'r+')];
    expect((await ask(guest, client.map(0n, 0x1000n), [readOnly])).errno).toBe(22);
    expect((await ask(guest, client.map(0n, 0x1000n, 0n, 1), [readOnly])).errno).toBe(0);
    await guest.ask(client.write(7, 4, 6, 2));
    expect(one.device.busMaster.read(0, new Uint8Array(1))).toBe(0);
    expect(one.device.busMaster.write(0, new Uint8Array(1))).not.toBe(0);
    for (let index = 1n; index < 256n; index++)
      expect((await ask(guest, client.map(index * 0x1000n, 0x1000n), [both])).errno).toBe(0);
    expect((await ask(guest, client.map(0x10_0000n, 0x1000n), [both])).errno).toBe(28);
    expect((await guest.ask(client.unmap(0x1000n, 0x1000n))).errno).toBe(0);
    expect((await ask(guest, client.map(0x10_0000n, 0x1000n), [both])).errno).toBe(0);
    for (const descriptor of [readOnly, both]) closeSync(descriptor);
    guest.close();
  });

  it('of memory that cannot be mapped are answered with what mmap says', async () => {
    const one = await served();
    const guest = await attach();
    const fd = libc.sealedMemfd('ram', 0x4000);
    const readable = openSync(`/proc/self/fd/${fd}`, 'r');
    expect((await ask(guest, client.map(0n, 0x1000n), [readable])).errno).toBe(constants.errno.EACCES);
    expect(one.counts.maps).toBe(0);
    expect((await ask(guest, client.map(0n, 0x1000n, 0n, 1), [readable])).errno).toBe(0);
    closeSync(fd);
    closeSync(readable);
    guest.close();
  });

  it('are its interrupts', async () => {
    await served();
    const guest = await attach();
    const fd = libc.eventfd();
    expect((await ask(guest, client.setIrqs(0x24, 0, 0, 1), [fd])).errno).toBe(0);
    await guest.ask(client.write(0, 0x60, 1, 4));
    const counter = Buffer.alloc(8);
    readSync(fd, counter);
    expect(counter.readBigUInt64LE()).toBe(1n);
    // An eventfd by which the client unmasks.
    const unmask = libc.eventfd();
    expect((await ask(guest, client.setIrqs(0x14, 0, 0, 1), [unmask])).errno).toBe(0);
    writeSync(unmask, Buffer.from(BigUint64Array.of(1n).buffer));
    for (let tries = 0; tries < 1000; tries++) {
      await new Promise((done) => setTimeout(done, 1));
      try {
        readSync(fd, counter);
        break;
      } catch {
        // Not yet.
      }
      counter.fill(0);
    }
    expect(counter.readBigUInt64LE()).toBe(1n);
    const file = libc.memfd('no eventfd');
    expect((await ask(guest, client.setIrqs(0x24, 0, 0, 1), [file])).errno).toBe(22);
    for (const one of [fd, unmask, file]) closeSync(one);
    guest.close();
  });

  it('that are too many end the session', async () => {
    const one = await served();
    const guest = await attach();
    const fd = libc.eventfd();
    libc.send(fdOf(guest.socket), bytesOf(client.setIrqs(0x24, 0, 0, 1)), new Array(40).fill(fd));
    await guest.closed();
    await one.whenDetached();
    expect(notes[0]).toContain('more descriptors with a message than were agreed on');
    closeSync(fd);
  });

  it('and maps and memory are given back by hundreds of clients', () => {
    // V8's young generation does not grow: each of its pages is a map.
    const args = ['--max-semi-space-size=1', '--import', 'tsx', 'test/serve/many-clients.ts', `${times(100, 1000)}`];
    // Nor is each large piece of memory a map, as glibc has it in the processes of the tests.
    const env = { ...process.env, MALLOC_MMAP_THRESHOLD_: undefined };
    const output = execFileSync(process.execPath, args, { encoding: 'utf8', timeout: 150_000, env });
    const { before, after, most } = JSON.parse(output) as ManyClients;
    expect(most).toBe(1);
    expect(after.mapsOfClients).toBe(0);
    expect(after.descriptors).toBe(before.descriptors);
    expect(after.maps).toBeLessThanOrEqual(before.maps + 8);
    expect(after.resident - before.resident).toBeLessThanOrEqual(16 * 2 ** 20);
  });
});
