import { describe, expect, it } from 'vitest';
import { IsaParallel } from '../../devices/index.ts';
import { MICROSECOND } from '../../sdk/index.ts';
import { testBench } from '../../sdk/testing/index.ts';

const Port = { Data: 0x378, Status: 0x379, Control: 0x37a } as const;

function printer(enable = 0) {
  const bench = testBench(IsaParallel);
  bench.out8(Port.Control, 0x0c | enable);
  const print = (byte: number) => {
    bench.out8(Port.Data, byte);
    bench.out8(Port.Control, 0x0d | enable);
    bench.out8(Port.Control, 0x0c | enable);
  };
  return { bench, print, paper: bench.backend('chardev'), status: () => bench.in8(Port.Status) };
}

/** @see QEMU 7.2, hw/char/parallel.c, parallel_ioport_write_sw */
describe('a parallel port', () => {
  it('prints a byte at each strobe, is busy until the acknowledge, and reads back its data', () => {
    const { bench, print, paper, status } = printer();
    expect(status()).toBe(0xdf);
    print(0x41);
    expect([paper.text, status(), bench.in8(Port.Data)]).toEqual(['A', 0x1f, 0x41]);
    bench.clock.advance(5 * MICROSECOND);
    expect(status()).toBe(0xdf);
    bench.out8(Port.Data, 0x42);
    bench.out8(Port.Control, 0x0c);
    expect(paper.text).toBe('A');
  });

  it('interrupts with the acknowledge until the status is read', () => {
    const { bench, print, status } = printer(0x10);
    print(0x41);
    expect(bench.interrupts.irq.level).toBe(false);
    bench.clock.advance(5 * MICROSECOND);
    expect(bench.interrupts.irq.level).toBe(true);
    status();
    expect(bench.interrupts.irq.level).toBe(false);
  });

  it('loses a byte that is strobed while the printer is busy, and says so', () => {
    const { bench, print, paper } = printer();
    print(0x41);
    print(0x42);
    expect([paper.text, bench.guestErrors.map(({ message }) => message)]).toEqual([
      'A',
      ['a byte is strobed while the printer is busy, and lost'],
    ]);
  });

  it('stays busy while the host takes nothing, until it does or the printer is reset', () => {
    const { bench, print, paper, status } = printer();
    paper.stop(2);
    for (let byte = 0; byte <= 2; byte++) {
      print(byte & 0xff);
      bench.clock.advance(5 * MICROSECOND);
    }
    expect(status()).toBe(0x5f);
    paper.go();
    bench.clock.advance(5 * MICROSECOND);
    expect([status(), paper.bytes.length]).toEqual([0xdf, 3]);
    print(0x41);
    bench.out8(Port.Control, 0x08);
    expect(status()).toBe(0xdf);
  });
});
