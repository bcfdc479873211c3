import { describe, expect, it } from 'vitest';
import { IsaSerial, SerialMm, serialMemory } from '../../devices/index.ts';
import { ringBuffer } from '../../sdk/backend.ts';
import { Machine } from '../../sdk/runtime.ts';
import { testBench } from '../../sdk/testing/index.ts';
import { Random } from '../../sdk/testing/random.ts';
import { isapc } from '../small-machines.ts';

const Base = 0x3f8;
const Port = {
  Data: 0,
  InterruptEnable: 1,
  Fifo: 2,
  Line: 3,
  Modem: 4,
  LineStatus: 5,
  ModemStatus: 6,
  Scratch: 7,
} as const;
/** With interrupts, loop-back. */
const [Out2, Loop] = [0x08, 0x10];
/** Ten bits at 9600 baud: the divisor 12, 16 clocks of 1.8432 MHz for each bit. */
const Character = Math.ceil((10 * 16 * 12 * 1e9) / 1_843_200);

const BitsLost =
  'a character loses its upper bits: the line control register sets a shorter word. After a reset it has 5 bits';

const newBench = (options: object) => testBench(IsaSerial, { options });
type Bench = ReturnType<typeof newBench>;
const out = (bench: Bench, port: number, value: number) => bench.out8(Base + port, value);
const read = (bench: Bench, port: number) => bench.in8(Base + port);

/** As a driver leaves it: eight bits, FIFOs with a trigger, interrupts to the bus. */
function open(fifo = 0xc7, enable = 0x0f, options: object = {}): Bench {
  const bench = newBench(options);
  out(bench, Port.Line, 0x03);
  if (fifo !== 0) out(bench, Port.Fifo, fifo);
  out(bench, Port.Modem, 0x03 | Out2);
  out(bench, Port.InterruptEnable, enable);
  read(bench, Port.Fifo);
  read(bench, Port.ModemStatus);
  return bench;
}

describe('a 16550A sends', () => {
  it('a character in the time of its ten bits, and says when the holding register and when the line is empty', () => {
    const bench = open(0, 0x02);
    out(bench, Port.Data, 0x41);
    expect(read(bench, Port.LineStatus)).toBe(0x20);
    out(bench, Port.Data, 0x42);
    expect(read(bench, Port.LineStatus)).toBe(0x00);
    bench.clock.advance(Character - 1);
    expect(bench.backend('chardev').text).toBe('');
    bench.clock.advance(1);
    expect([bench.backend('chardev').text, read(bench, Port.LineStatus)]).toEqual(['A', 0x20]);
    bench.clock.advance(Character);
    expect([bench.backend('chardev').text, read(bench, Port.LineStatus)]).toEqual(['AB', 0x60]);
  });

  it.each([
    ['five bits, one and a half stop bits', 0x04, 7.5],
    ['eight bits, parity, two stop bits', 0x0f, 12],
    ['seven bits, even parity', 0x1a, 10],
  ])('frames of %s in their time', (_, line, bits) => {
    const bench = open(0);
    out(bench, Port.Line, 0x80 | line);
    out(bench, 0, 1);
    out(bench, 1, 0);
    out(bench, Port.Line, line);
    out(bench, Port.Data, 0x41);
    const time = Math.ceil((bits * 16 * 1e9) / 1_843_200);
    bench.clock.advance(time - 1);
    expect(read(bench, Port.LineStatus) & 0x40).toBe(0);
    bench.clock.advance(1);
    expect(read(bench, Port.LineStatus) & 0x40).toBe(0x40);
  });

  it('interrupts when the transmitter gets empty, until the identification is read or a character written', () => {
    const bench = open(0, 0x02);
    expect(bench.interrupts.irq.level).toBe(false);
    out(bench, Port.Data, 0x41);
    expect([bench.interrupts.irq.level, read(bench, Port.Fifo)]).toEqual([true, 0x02]);
    expect([bench.interrupts.irq.level, read(bench, Port.Fifo)]).toEqual([false, 0x01]);
    out(bench, Port.Data, 0x42);
    bench.clock.advance(Character);
    expect(bench.interrupts.irq.level).toBe(true);
    out(bench, Port.InterruptEnable, 0);
    out(bench, Port.InterruptEnable, 2);
    expect(bench.interrupts.irq.level).toBe(true);
  });

  it('sixteen characters from its FIFO, and a further one is lost', () => {
    const bench = open();
    for (let at = 0; at < 18; at++) out(bench, Port.Data, 0x61 + at);
    expect(bench.guestErrors.map(({ message }) => message)).toEqual([
      'a character is written to a full transmitter, and one is lost',
    ]);
    bench.clock.advance(17 * Character);
    expect(bench.backend('chardev').text).toBe('abcdefghijklmnopq');
  });

  it('five bits of a character as after a reset, and tells the author of the guest, in both directions', () => {
    const bench = newBench({ instant: true });
    out(bench, Port.Data, 0x61);
    bench.backend('chardev').type('b');
    expect([bench.backend('chardev').bytes[0], read(bench, Port.Data)]).toEqual([0x01, 0x02]);
    expect(bench.guestErrors).toMatchObject([{ message: BitsLost, count: 2 }]);
  });

  it('nothing while the host does not read: it stays full, and goes on when the host does', () => {
    const bench = open(0xc7, 0, { instant: true });
    const line = bench.backend('chardev');
    line.stop(3);
    for (let at = 0; at < 3 + 17; at++) out(bench, Port.Data, at & 0xff);
    expect(bench.guestErrors).toEqual([]);
    expect(read(bench, Port.LineStatus)).toBe(0x00);
    line.go();
    expect(read(bench, Port.LineStatus)).toBe(0x60);
    expect([...line.bytes]).toEqual(Array.from({ length: 20 }, (_, at) => at));
  });
});

describe('a 16550A receives', () => {
  it('characters at the rate of the line, and reports the trigger level', () => {
    const bench = open(0x47, 0x01);
    bench.backend('chardev').type('abcd');
    expect(read(bench, Port.LineStatus)).toBe(0x60);
    bench.clock.advance(3 * Character);
    expect([read(bench, Port.LineStatus), bench.interrupts.irq.level]).toEqual([0x61, false]);
    bench.clock.advance(Character);
    expect([read(bench, Port.Fifo), bench.interrupts.irq.level]).toEqual([0xc4, true]);
    expect(read(bench, Port.Data)).toBe(0x61);
    expect(bench.interrupts.irq.level).toBe(false);
  });

  it('fewer than the trigger level, and reports them four characters later', () => {
    const bench = open(0xc7, 0x01);
    bench.backend('chardev').type('ab');
    bench.clock.advance(2 * Character);
    bench.clock.advance(4 * Character - 1);
    expect(bench.interrupts.irq.level).toBe(false);
    bench.clock.advance(1);
    expect([bench.interrupts.irq.level, read(bench, Port.Fifo)]).toEqual([true, 0xcc]);
    expect(read(bench, Port.Data)).toBe(0x61);
    expect([bench.interrupts.irq.level, read(bench, Port.Fifo)]).toEqual([false, 0xc1]);
    bench.clock.advance(4 * Character);
    expect(read(bench, Port.Fifo)).toBe(0xcc);
    read(bench, Port.Data);
    bench.clock.advance(100 * Character);
    expect(bench.interrupts.irq.level).toBe(false);
  });

  it('no more than it has room for: the host waits, and nothing is lost', () => {
    const bench = open();
    const sent = Array.from({ length: 1000 }, (_, at) => (at * 7) & 0xff);
    bench.backend('chardev').send(sent);
    bench.clock.advance(500 * Character);
    const got: number[] = [];
    while (got.length < sent.length) {
      if (read(bench, Port.LineStatus) & 1) got.push(read(bench, Port.Data));
      else bench.clock.advance(Character);
    }
    expect(got).toEqual(sent);
    expect(read(bench, Port.LineStatus)).toBe(0x60);
  });

  it('a break, which is reported when it is the next character', () => {
    const bench = open(0xc7, 0x04, { instant: true });
    const line = bench.backend('chardev');
    line.type('a');
    line.break();
    expect([read(bench, Port.LineStatus), bench.interrupts.irq.level]).toEqual([0xe1, false]);
    read(bench, Port.Data);
    expect([bench.interrupts.irq.level, read(bench, Port.Fifo)]).toEqual([true, 0xc6]);
    expect(read(bench, Port.LineStatus)).toBe(0xf1);
    expect([read(bench, Port.LineStatus), bench.interrupts.irq.level]).toEqual([0x61, false]);
    expect(read(bench, Port.Data)).toBe(0);
  });
});

describe('a 16550A in loop-back', () => {
  it('receives what it sends, reports an overrun, and keeps the host waiting', () => {
    const bench = open(0, 0, { instant: true });
    out(bench, Port.Modem, Loop);
    out(bench, Port.Data, 0x41);
    out(bench, Port.Data, 0x42);
    bench.backend('chardev').type('x');
    expect(read(bench, Port.LineStatus)).toBe(0x63);
    expect(read(bench, Port.LineStatus)).toBe(0x61);
    expect([read(bench, Port.Data), read(bench, Port.LineStatus)]).toEqual([0x42, 0x60]);
    out(bench, Port.Modem, 0);
    expect([read(bench, Port.Data), bench.backend('chardev').text]).toEqual([0x78, '']);
  });

  it('shows its outputs as inputs, drops its pins, and keeps the interrupt from the bus', () => {
    const bench = open(0, 0x08);
    expect(bench.interrupts.rts.level).toBe(true);
    out(bench, Port.Modem, Loop | 0x0f);
    expect(bench.interrupts.rts.level).toBe(false);
    expect(read(bench, Port.ModemStatus) & 0xf0).toBe(0xf0);
    out(bench, Port.Modem, Loop | 0x0b);
    expect([bench.interrupts.irq.level, read(bench, Port.Fifo), read(bench, Port.ModemStatus)]).toEqual([
      false,
      0x00,
      0xb4,
    ]);
  });
});

it('a 16550A reports a change of each modem line once, and of RI only its end', () => {
  const bench = open(0, 0x08);
  expect(read(bench, Port.ModemStatus)).toBe(0xb0);
  bench.setPin('cts', false);
  bench.setPin('ri', true);
  expect([read(bench, Port.Fifo), read(bench, Port.ModemStatus)]).toEqual([0x00, 0xe1]);
  bench.setPin('ri', false);
  expect([bench.interrupts.irq.level, read(bench, Port.ModemStatus)]).toEqual([true, 0xa4]);
  expect([bench.interrupts.irq.level, read(bench, Port.ModemStatus)]).toEqual([false, 0xa0]);
});

it('a 16550A interrupts the bus only while OUT2 is on', () => {
  const bench = open(0, 0x02);
  out(bench, Port.Data, 0x41);
  expect(bench.interrupts.irq.level).toBe(true);
  out(bench, Port.Modem, 0);
  expect(bench.interrupts.irq.level).toBe(false);
});

it('serial-mm has its registers in cells of four bytes, and takes accesses of any width there', () => {
  const bench = testBench(SerialMm, { options: { regshift: 2, instant: true } });
  const base = bench.addressOf(serialMemory);
  bench.store32(base + 4 * Port.Line, 0x1234_5603);
  expect([bench.load32(base + 4 * Port.Line), bench.load8(base + 4 * Port.Line)]).toEqual([3, 3]);
  bench.store8(base, 0x41);
  expect([bench.backend('chardev').text, bench.load32(base + 4 * Port.LineStatus)]).toEqual(['A', 0x60]);
});

it('a restored port goes on in the middle of a character, with what waits in both directions', () => {
  const build = (id: string) => ({ backends: [ringBuffer({ id })] });
  const before = build('serial0');
  const machine = Machine.create(isapc, before);
  before.backends[0]?.send('hello');
  machine.io.write(Base + Port.Line, 0x03, 1);
  machine.io.write(Base + Port.Fifo, 0x07, 1);
  for (const byte of Buffer.from('AB')) machine.io.write(Base + Port.Data, byte, 1);
  machine.clock.advanceTo(machine.clock.now + 1.5 * Character);
  machine.backends.flush();
  const after = build('serial0');
  const again = Machine.restore(isapc, JSON.parse(JSON.stringify(machine.save())), after);
  again.clock.advanceTo(again.clock.now + 0.5 * Character);
  again.backends.flush();
  expect(`${before.backends[0]?.text}${after.backends[0]?.text}`).toBe('AB');
});

it.each([1, 2, 3])('every character arrives once and in order, both ways, however a guest polls (seed %i)', (seed) => {
  const random = new Random(seed);
  const bench = open([0, 0x07, 0x87, 0xc7][random.below(4)] ?? 0, 0);
  const line = bench.backend('chardev');
  const sent: number[] = [];
  const got: number[] = [];
  const typed: number[] = [];
  for (let step = 0; step < 3000; step++) {
    const status = read(bench, Port.LineStatus);
    if (random.oneIn(3) && typed.length < 2000) {
      const bytes = Array.from({ length: random.below(20) }, () => random.byte());
      typed.push(...bytes);
      line.send(bytes);
    } else if (status & 0x20 && random.oneIn(2)) {
      const byte = random.byte();
      sent.push(byte);
      out(bench, Port.Data, byte);
    } else if (status & 0x01) got.push(read(bench, Port.Data));
    else bench.clock.advance(random.below(3 * Character));
    expect(status & 0x9e).toBe(0);
  }
  bench.clock.advance(20 * Character);
  expect([...line.bytes]).toEqual(sent);
  expect(got).toEqual(typed.slice(0, got.length));
  expect(got.length).toBeGreaterThan(100);
});

it('a PC has COM1 by default, and COM2 with a second back end, also without defaults', () => {
  const ids = (request: object) =>
    Machine.create(isapc, request)
      .devices.map(({ id }) => id)
      .filter((id) => /^com|^lpt/.test(id));
  expect(ids({})).toEqual(['com1', 'lpt1']);
  expect(ids({ defaults: false })).toEqual([]);
  expect(ids({ defaults: false, backends: [ringBuffer({ id: 'serial1' })] })).toEqual(['com2']);
});
