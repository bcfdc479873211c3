import type { Backend, CharHost, CharTransport } from 'backplane/backend';
import { ringBuffer } from 'backplane/backend';
import { describe, expect, it } from 'vitest';
import { afterHostTime, hostNanoseconds } from '../../sdk/clock/index.ts';
import { defineMachine, isaIrq, MILLISECOND, MiB, SECOND, use } from '../../sdk/index.ts';
import { type GuestBody, guestProgram, Machine, pump } from '../../sdk/runtime.ts';
import { Line } from '../backend/uart.ts';
import { expectRefusal } from '../refusal.ts';
import { isapc } from '../small-machines.ts';

const board = defineMachine({
  ...isapc,
  name: 'lines',
  devices: [...isapc.devices, use(Line, { id: 'line', options: { chardev: 'c0' }, interrupts: { irq: isaIrq(10) } })],
});

/** The other side of a line, in the hands of the test. */
class Peer implements CharTransport, Backend {
  readonly id = 'c0';
  readonly type = 'char';
  readonly kind = 'peer';
  mayReceive = true;
  readonly written: number[] = [];
  readonly wanted: boolean[] = [];
  isReading = true;
  host!: CharHost;

  open(): CharTransport {
    return this;
  }
  start(host: CharHost): void {
    this.host = host;
  }
  write(bytes: Uint8Array): void {
    this.written.push(...bytes);
    if (this.isReading) afterHostTime(0, () => this.host.sent(bytes.length));
  }
  setReceiving(wanted: boolean): void {
    this.wanted.push(wanted);
  }
  close(): void {}
  describe(): string {
    return 'a test';
  }
  get text(): string {
    return String.fromCharCode(...this.written);
  }
}

const built = (peer: Backend) => Machine.create(board, { ram: 1 * MiB, defaults: false, backends: [peer] });
const later = (milliseconds: number, work: () => void) => afterHostTime(milliseconds, work);

const setup: readonly (readonly [port: number, value: number])[] = [
  ...[0x20, 0xa0].flatMap((base) => [
    [base, 0x11] as const,
    [base + 1, base === 0x20 ? 0x20 : 0x28] as const,
    [base + 1, base === 0x20 ? 4 : 2] as const,
    [base + 1, 1] as const,
  ]),
  [0x21, 0xfb],
  [0xa1, 0xfb],
];

/** Sends back what it gets, and ends at a `!`. Asleep in between. */
const echo: GuestBody = function* (guest) {
  for (const [port, value] of setup) yield* guest.out8(port, value);
  let last = 0;
  guest.onInterrupt(0x2a, function* () {
    // The line stays high while bytes come, and the controller looks at edges.
    while (((yield* guest.in8(0x3f9)) & 1) !== 0) {
      last = yield* guest.in8(0x3f8);
      yield* guest.out8(0x3f8, last);
    }
    yield* guest.out8(0xa0, 0x20);
    yield* guest.out8(0x20, 0x20);
  });
  while (last !== 0x21) {
    yield* guest.sti();
    yield* guest.hlt();
  }
};

const busy: GuestBody = function* (guest) {
  for (;;) yield* guest.in8(0x80);
};

describe('pump', () => {
  it('wakes a guest that sleeps with what arrives, and gives the other side what it answers', async () => {
    const peer = new Peer();
    const machine = built(peer);
    later(20, () => peer.host.received(new TextEncoder().encode('hello')));
    later(40, () => peer.host.received(new TextEncoder().encode('!')));
    const begin = process.cpuUsage();
    const outcome = await pump(machine, guestProgram('echo', echo));
    expect(outcome.reason).toBe('finished');
    expect(peer.text).toBe('hello!');
    expect(process.cpuUsage(begin).user).toBeLessThan(2_000_000);
    machine.dispose();
  });

  it('takes the time of the host for a sleep that only the other side ends, however far away timers are', async () => {
    const peer = new Peer();
    const machine = built(peer);
    const hourly = machine.clock.timer('hourly', () => hourly.arm(machine.clock.now + 3600 * SECOND));
    hourly.arm(3600 * SECOND);
    later(20, () => peer.host.received(new TextEncoder().encode('!')));
    expect(await pump(machine, guestProgram('echo', echo))).toMatchObject({ reason: 'finished' });
    expect(machine.clock.now).toBeLessThan(3600 * SECOND);
    hourly.cancel();
    machine.dispose();
  });

  it('ends a run whose guest sleeps for ever as soon as nothing can arrive any more', async () => {
    const peer = new Peer();
    const machine = built(peer);
    later(20, () => {
      peer.mayReceive = false;
    });
    const outcome = await pump(machine, guestProgram('echo', echo));
    expect(outcome).toMatchObject({ reason: 'halted' });
    expect(outcome.message).toContain('nothing can wake it');
    machine.dispose();
  });

  it('ends at once where nothing comes from outside, with the counts of run()', async () => {
    const [pumped, plain] = [built(ringBuffer({ id: 'c0' })), built(ringBuffer({ id: 'c0' }))];
    const body: GuestBody = function* (guest) {
      for (let value = 0; value < 30_000; value++) yield* guest.out8(0x70, value & 0x7f);
      yield* guest.in8(0x71);
    };
    const outcome = await pump(pumped, guestProgram('guest', body));
    expect(outcome).toEqual(plain.run(guestProgram('guest', body)));
    expect(pumped.accelerator.statistics.summary()).toEqual(plain.accelerator.statistics.summary());
    expect(pumped.clock.now).toBe(plain.clock.now);
    expect(await pump(pumped, guestProgram('echo', echo))).toMatchObject({ reason: 'halted' });
  });

  it('leaves the host its turn while a guest is busy, and is ended by a signal between two instructions', async () => {
    const machine = built(ringBuffer({ id: 'c0' }));
    const abort = new AbortController();
    let ticks = 0;
    const tick = (): void => {
      ticks++;
      if (ticks < 10) later(5, tick);
      else abort.abort();
    };
    tick();
    const outcome = await pump(machine, guestProgram('busy', busy), { signal: abort.signal });
    expect(outcome.reason).toBe('paused');
    expect(outcome.operations).toBeGreaterThan(100);
    expect(machine.resume({ operationLimit: 10 })).toMatchObject({ reason: 'operation-limit', operations: 10 });
    machine.dispose();
  });

  it('executes nothing when its signal was given before', async () => {
    const machine = built(ringBuffer({ id: 'c0' }));
    const outcome = await pump(machine, guestProgram('busy', busy), { signal: AbortSignal.abort() });
    expect(outcome).toMatchObject({ reason: 'paused', operations: 0 });
  });

  it('wakes for a signal and for pause() while its guest sleeps', async () => {
    for (const end of ['signal', 'pause', 'reset'] as const) {
      const machine = built(new Peer());
      const abort = new AbortController();
      later(20, () => {
        if (end === 'signal') abort.abort();
        else machine[end]();
      });
      const begin = hostNanoseconds();
      const outcome = await pump(machine, guestProgram('echo', echo), { signal: abort.signal });
      expect(outcome.reason).toBe(end === 'reset' ? 'reset' : 'paused');
      expect(hostNanoseconds() - begin).toBeLessThan(30 * SECOND);
      machine.dispose();
    }
  });

  it('goes on with the guests of the last run without a guest', async () => {
    const machine = built(ringBuffer({ id: 'c0' }));
    const body: GuestBody = function* (guest) {
      for (let value = 0; value < 10; value++) yield* guest.out8(0x80, value);
    };
    await pump(machine, guestProgram('guest', body), { operationLimit: 4 });
    expect(await pump(machine, undefined)).toMatchObject({ reason: 'finished', operations: 6 });
  });

  it('keeps guest time behind that of the host if it is asked to', async () => {
    const machine = built(ringBuffer({ id: 'c0' }));
    const ahead: number[] = [];
    const begin = hostNanoseconds();
    const body: GuestBody = function* (guest) {
      for (let part = 0; part < 20; part++) {
        yield* guest.pause(5 * MILLISECOND);
        yield* guest.in8(0x80);
        ahead.push(machine.clock.now - (hostNanoseconds() - begin));
      }
    };
    await pump(machine, guestProgram('slow', body), { clock: 'host' });
    expect(machine.clock.now).toBeGreaterThanOrEqual(100 * MILLISECOND);
    // An operation may end a little later than it began.
    expect(Math.max(...ahead)).toBeLessThan(0.1 * MILLISECOND);
  });

  it('gives what arrives the guest time at which it arrived', async () => {
    const peer = new Peer();
    const machine = built(peer);
    const begin = hostNanoseconds();
    let arrivedAt = 0;
    later(60, () => {
      arrivedAt = hostNanoseconds() - begin;
      peer.host.received(new TextEncoder().encode('!'));
    });
    const pumped = pump(machine, guestProgram('echo', echo), { clock: 'host' });
    const latestStart = hostNanoseconds() - begin;
    await pumped;
    expect(peer.text).toBe('!');
    // Guest time began with the pump. Between the arrival and the end of the run a busy host may do other things.
    expect(machine.clock.now).toBeGreaterThan(arrivedAt - latestStart - 5 * MILLISECOND);
    expect(machine.clock.now).toBeLessThan(hostNanoseconds() - begin);
    machine.dispose();
  });

  it('stops nothing but the line of a client that never reads, and tells it when there is room', async () => {
    const peer = new Peer();
    peer.isReading = false;
    const machine = built(peer);
    let refused = -1;
    const flood: GuestBody = function* (guest) {
      for (let byte = 0; byte < 70_000; byte++) {
        yield* guest.out8(0x3f8, byte & 0xff);
        if (((yield* guest.in8(0x3f9)) & 2) !== 0) continue;
        refused = byte;
        break;
      }
      while (((yield* guest.in8(0x3f9)) & 2) === 0) yield* guest.pause(MILLISECOND);
    };
    const readOnceFull = (): void => {
      if (peer.written.length < 65_536) return void later(20, readOnceFull);
      peer.isReading = true;
      peer.host.sent(peer.written.length);
    };
    later(20, readOnceFull);
    const outcome = await pump(machine, guestProgram('flood', flood));
    expect(outcome.reason).toBe('finished');
    expect(refused).toBe(65_536);
    expect(peer.written).toHaveLength(65_537);
    machine.dispose();
  });

  it('stops a transport while its device takes nothing', async () => {
    const peer = new Peer();
    const machine = built(peer);
    const abort = new AbortController();
    later(10, () => peer.host.received(new Uint8Array(20_000)));
    later(40, () => abort.abort());
    await pump(machine, guestProgram('busy', busy), { signal: abort.signal });
    expect(peer.wanted).toEqual([false]);
    machine.dispose();
  });

  it('calls between() between two instructions, where the machine can be saved', async () => {
    const machine = built(ringBuffer({ id: 'c0' }));
    const abort = new AbortController();
    let saved = 0;
    const between = async (): Promise<void> => {
      machine.save();
      if (++saved === 2) abort.abort();
    };
    const outcome = await pump(machine, guestProgram('busy', busy), { signal: abort.signal, between, savable: true });
    expect(outcome.reason).toBe('paused');
    expect(saved).toBe(2);
  });

  it('ends the run when between() throws, and the machine can be run again', async () => {
    const machine = built(ringBuffer({ id: 'c0' }));
    const between = () => Promise.reject(new Error('no'));
    await expect(pump(machine, guestProgram('busy', busy), { between })).rejects.toThrow('no');
    expect(machine.resume({ operationLimit: 5 })).toMatchObject({ operations: 5 });
  });

  it('refuses a second run meanwhile', async () => {
    const machine = built(ringBuffer({ id: 'c0' }));
    const abort = new AbortController();
    const first = pump(machine, guestProgram('busy', busy), { signal: abort.signal });
    await expectRefusal(() => pump(machine, undefined), 'machine-running', 'in slices');
    abort.abort();
    expect(await first).toMatchObject({ reason: 'paused' });
  });
});
