import { beforeEach, describe, expect, it } from 'vitest';
import { VirtioConsole } from '../../devices/virtio-console.ts';
import { KiB, MiB } from '../../sdk/index.ts';
import { testBench } from '../../sdk/testing/index.ts';
import { BenchDriver, Flag } from '../bus/virtio/driver.ts';

const Receive = 0;
const Transmit = 1;
const Buffer0 = 0x4_0000;
const Buffer1 = 0x5_0000;

const makeBench = (options: { columns?: number; rows?: number } = {}) =>
  testBench(VirtioConsole, { ram: 1 * MiB, options });
let bench: ReturnType<typeof makeBench>;
let driver: BenchDriver;

const text = (address: number, length: number): string => String.fromCharCode(...driver.load(address, length));

beforeEach(() => {
  bench = makeBench();
  driver = new BenchDriver(bench);
});

describe('a console', () => {
  it('sends what the driver transmits, over several buffers', () => {
    driver.start(2);
    driver.store(Buffer0, new TextEncoder().encode('hello '));
    driver.store(Buffer1, new TextEncoder().encode('world'));
    driver.offer(Transmit, [
      { address: Buffer0, length: 6 },
      { address: Buffer1, length: 5 },
    ]);
    driver.notify(Transmit);
    expect(bench.backend('chardev').text).toBe('hello world');
    expect([driver.answered(Transmit), driver.answer(Transmit, 0)]).toEqual([1, [0, 0]]);
    expect([driver.takeInterrupts(), driver.takeInterrupts()]).toEqual([1, 0]);
  });

  it('puts what arrives into a buffer, and gives it back though it is not full', () => {
    driver.start(2);
    driver.offer(Receive, [{ address: Buffer0, length: 64, flags: Flag.Write }]);
    driver.notify(Receive);
    expect(driver.answered(Receive)).toBe(0);
    bench.backend('chardev').type('login');
    expect([driver.answer(Receive, 0), text(Buffer0, 5), driver.takeInterrupts()]).toEqual([[0, 5], 'login', 1]);
  });

  it('lets bytes wait until the driver is ready and offers buffers', () => {
    bench.backend('chardev').type('early bird');
    driver.start(2);
    expect(driver.answered(Receive)).toBe(0);
    driver.offer(Receive, [{ address: Buffer0, length: 5, flags: Flag.Write }]);
    driver.offer(Receive, [{ address: Buffer1, length: 64, flags: Flag.Write }], 1);
    driver.notify(Receive);
    expect([driver.answered(Receive), text(Buffer0, 5), text(Buffer1, 5)]).toEqual([2, 'early', ' bird']);
  });

  it('keeps a request while the other side takes no more, and goes on at the next byte', () => {
    driver.start(2);
    bench.backend('chardev').stop(3);
    driver.store(Buffer0, new TextEncoder().encode('abcdef'));
    driver.offer(Transmit, [{ address: Buffer0, length: 6 }]);
    driver.notify(Transmit);
    expect([bench.backend('chardev').text, driver.answered(Transmit)]).toEqual(['abc', 0]);
    bench.backend('chardev').go();
    expect([bench.backend('chardev').text, driver.answered(Transmit)]).toEqual(['abcdef', 1]);
  });

  it('offers its size only where it is known', () => {
    expect([driver.offered() & 1n, driver.config(0, 4)]).toEqual([0n, 0]);
    bench = makeBench({ columns: 80, rows: 25 });
    driver = new BenchDriver(bench);
    expect([driver.offered() & 1n, driver.config(0, 2), driver.config(2, 2)]).toEqual([1n, 80, 25]);
    expect(driver.config(4, 4)).toBe(1);
  });

  it('is not stopped by a driver that sends more than one turn moves', () => {
    driver.start(2);
    for (let at = 0; at < 100 * KiB; at += 4) bench.store32(0x6_0000 + at, 0x6161_6161);
    driver.offer(Transmit, [{ address: 0x6_0000, length: 100 * KiB }]);
    driver.notify(Transmit);
    expect(driver.answered(Transmit)).toBe(0);
    bench.clock.advance(1e6);
    expect([driver.answered(Transmit), bench.backend('chardev').bytes.length]).toEqual([1, 100 * KiB]);
  });
});
