import { describe, expect, it } from 'vitest';
import { Pl011, pl011Registers } from '../../devices/index.ts';
import { BoardMap, BoardSource, board } from '../../machines/index.ts';
import { ringBuffer } from '../../sdk/backend.ts';
import { Machine } from '../../sdk/runtime.ts';
import { testBench } from '../../sdk/testing/index.ts';

const Register = {
  ...{ Data: 0x000, ReceiveStatus: 0x004, Flags: 0x018, IntegerBaud: 0x024, FractionalBaud: 0x028, LineControl: 0x02c },
  ...{ Control: 0x030, FifoLevel: 0x034, Mask: 0x038, RawStatus: 0x03c, MaskedStatus: 0x040, Clear: 0x044 },
} as const;
const Interrupt = {
  Cts: 0x002,
  Receive: 0x010,
  Transmit: 0x020,
  Timeout: 0x040,
  Break: 0x200,
  Overrun: 0x400,
} as const;
/** Nanoseconds of a bit at 115200 baud: the divisor 13 1/64 of 24 MHz. */
const Bit = Math.ceil((16 * (13 + 1 / 64) * 1e9) / 24_000_000);

/** As Linux's driver leaves it. */
function open(control = 0x301, line = 0x70) {
  const bench = testBench(Pl011);
  const at = bench.at(pl011Registers);
  const set = (register: number, value: number) => at.write32(register, value);
  const get = (register: number) => at.read32(register);
  set(Register.IntegerBaud, 13);
  set(Register.FractionalBaud, 1);
  set(Register.LineControl, line);
  set(Register.Control, control);
  return { bench, set, get, line: bench.backend('chardev'), pass: (bits: number) => bench.clock.advance(bits * Bit) };
}

/** @see Arm DDI 0183, 2.8 "Interrupts" and 3.3 "Register descriptions" */
describe('a PL011', () => {
  it('sends a frame of ten bits by its baud rate, and says that it is busy', () => {
    const { set, get, line, pass, bench } = open();
    set(Register.Data, 0x41);
    expect(get(Register.Flags)).toBe(0x98);
    pass(10);
    expect([line.text, get(Register.Flags), bench.guestErrors]).toEqual(['A', 0x90, []]);
  });

  it('sends nothing while it is not enabled, and tells the author of the guest', () => {
    const { set, get, line, pass, bench } = open(0x300);
    set(Register.Data, 0x41);
    pass(1000);
    expect([line.text, get(Register.Flags) & 0x88]).toEqual(['', 0x08]);
    expect(bench.guestErrors[0]?.message).toBe(
      'a character waits: the UART is not enabled, or has no baud rate divisor',
    );
    set(Register.Control, 0x301);
    pass(10);
    expect(line.text).toBe('A');
  });

  it('sends five bits of a character as after a reset, and tells the author of the guest', () => {
    const { set, line, pass, bench } = open(0x301, 0x10);
    set(Register.Data, 0x61);
    pass(10);
    expect(line.bytes[0]).toBe(0x01);
    expect(bench.guestErrors[0]?.message).toMatch(/^a character loses its upper bits/);
  });

  it('interrupts when its transmit FIFO falls to its level, and not before', () => {
    const { set, get, pass } = open();
    set(Register.FifoLevel, 0);
    for (let at = 0; at < 4; at++) set(Register.Data, at);
    expect(get(Register.RawStatus)).toBe(0);
    pass(10);
    expect(get(Register.RawStatus)).toBe(Interrupt.Transmit);
    set(Register.Data, 9);
    set(Register.Data, 9);
    expect(get(Register.RawStatus)).toBe(0);
  });

  it('interrupts at the level of its receive FIFO, and for fewer after 32 bits of silence', () => {
    const { set, get, line, pass, bench } = open();
    set(Register.Mask, Interrupt.Receive | Interrupt.Timeout);
    line.type('abc');
    pass(30);
    expect([get(Register.RawStatus), get(Register.Flags) & 0x10]).toEqual([0, 0]);
    pass(32);
    expect([get(Register.MaskedStatus), bench.interrupts.irq.level]).toEqual([Interrupt.Timeout, true]);
    for (const byte of Buffer.from('abc')) expect(get(Register.Data)).toBe(byte);
    expect([get(Register.RawStatus), bench.interrupts.irq.level]).toEqual([0, false]);
    line.type('12345678');
    pass(80);
    expect(get(Register.MaskedStatus)).toBe(Interrupt.Receive);
    get(Register.Data);
    expect(get(Register.MaskedStatus)).toBe(0);
  });

  it('keeps the host waiting while it is full: nothing is lost', () => {
    const { get, line, pass } = open();
    line.type('abcdefghijklmnopqrstuvwxyz');
    pass(1000);
    expect(get(Register.Flags) & 0x40).toBe(0x40);
    let text = '';
    for (let at = 0; at < 26; at++, pass(10)) text += String.fromCharCode(get(Register.Data));
    expect([text, get(Register.ReceiveStatus)]).toEqual(['abcdefghijklmnopqrstuvwxyz', 0]);
  });

  it('takes what the host has waiting when a change of the FIFOs empties them', () => {
    const { set, get, line, pass } = open();
    line.type('abcdefghijklmnopqrstuvwxyz');
    pass(1000);
    set(Register.LineControl, 0x60);
    pass(10);
    expect([get(Register.Flags) & 0x10, String.fromCharCode(get(Register.Data))]).toEqual([0, 'q']);
  });

  it('overruns in loop-back, and shows a break with its character', () => {
    const { set, get, line, pass } = open(0x381, 0x60);
    set(Register.Data, 1);
    pass(10);
    set(Register.Data, 2);
    pass(10);
    expect([get(Register.RawStatus) & Interrupt.Overrun, get(Register.ReceiveStatus), get(Register.Data)]).toEqual([
      0x400, 8, 1,
    ]);
    set(Register.ReceiveStatus, 0);
    set(Register.Control, 0x301);
    line.break();
    expect([get(Register.RawStatus) & Interrupt.Break, get(Register.Data), get(Register.ReceiveStatus)]).toEqual([
      0x200, 0x400, 4,
    ]);
  });

  it('sends only while CTS is asserted, if it is told so, and reports the change', () => {
    const { set, get, line, pass, bench } = open(0x8301);
    set(Register.Data, 0x41);
    pass(20);
    expect(line.text).toBe('');
    bench.setPin('cts', true);
    pass(10);
    expect([line.text, get(Register.RawStatus) & Interrupt.Cts, get(Register.Flags) & 1]).toEqual(['A', 2, 1]);
  });
});

it('the UART of the board interrupts through the PLIC', () => {
  const console = ringBuffer({ id: 'serial0' });
  const machine = Machine.create(board, { backends: [console] });
  const set = (register: number, value: number) => machine.memory.write(BoardMap.Serial + register, value, 4);
  set(Register.IntegerBaud, 13);
  set(Register.LineControl, 0x60);
  set(Register.Mask, Interrupt.Receive);
  set(Register.Control, 0x301);
  console.send('x');
  while (machine.inbox.deliver(0));
  machine.clock.advanceTo(machine.clock.now + 11 * Bit);
  expect(machine.memory.read(BoardMap.Plic + 0x1000, 4)).toBe(1 << BoardSource.Serial);
  expect(machine.memory.read(BoardMap.Serial, 4)).toBe(0x78);
});
