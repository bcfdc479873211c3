import { describe, expect, it } from 'vitest';
import { Pl022, pl022Registers } from '../../devices/index.ts';
import { device, MICROSECOND } from '../../sdk/index.ts';
import { SpiDevice, type SpiMode } from '../../sdk/spi.ts';
import { testBench } from '../../sdk/testing/index.ts';

const Control0 = 0x00;
const Control1 = 0x04;
const Data = 0x08;
const Status = 0x0c;
const Prescale = 0x10;
const Mask = 0x14;
const RawStatus = 0x18;
const MaskedStatus = 0x1c;
const Clear = 0x20;
const Enabled = 2;
const LoopBack = 1;
const Overrun = 1;
const Timeout = 2;
const Receive = 4;
const Transmit = 8;

/** SSPCLK of 1 MHz, divided by 2: a frame of eight bits takes 16 us. */
function ssp(frequency = 1_000_000) {
  const bench = testBench(Pl022, { options: { frequency } });
  const window = bench.at(pl022Registers);
  const set = (register: number, value: number) => window.write32(register, value);
  set(Control0, 7);
  set(Prescale, 2);
  return {
    bench,
    set,
    get: (register: number) => window.read32(register),
    send: (...frames: number[]) => {
      for (const frame of frames) set(Data, frame);
    },
    pass: (microseconds: number) => bench.clock.advance(microseconds * MICROSECOND),
    get irq() {
      return bench.interrupts.irq.level;
    },
  };
}

@device({ type: 'echo', description: 'answers the complement' })
class Echo extends SpiDevice {
  readonly modesSeen: SpiMode[] = [];
  override onTransfer(word: number): number {
    return ~word & 0xff;
  }
}

/** @see Arm DDI 0194, 2.3, 3.3 and 3.4 */
describe('PL022', () => {
  it('sends a frame in the time of its bits, and is busy until then', () => {
    const { get, set, send, pass } = ssp();
    set(Control1, Enabled | LoopBack);
    send(0x5a);
    expect(get(Status)).toBe(0x13);
    pass(15);
    expect(get(Status)).toBe(0x13);
    pass(1);
    expect(get(Status)).toBe(0x07);
    expect(get(Data)).toBe(0x5a);
    expect(get(Status)).toBe(0x03);
  });

  it('divides by the prescaler and by SCR, and cuts a frame to its size', () => {
    const { get, set, send, pass } = ssp();
    set(Control0, (3 << 8) | 15);
    set(Control1, Enabled | LoopBack);
    send(0x1_ffff);
    pass(127);
    expect(get(Status) & 0x10).toBe(0x10);
    pass(1);
    expect(get(Data)).toBe(0xffff);
    set(Control0, 3);
    send(0xff);
    pass(8);
    expect(get(Data)).toBe(0x0f);
  });

  it('holds eight frames and one on the line; one more is lost, and reported', () => {
    const { bench, get, set, send, pass } = ssp();
    set(Control1, Enabled | LoopBack);
    send(1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
    expect(bench.guestErrors.map(({ message }) => message)).toEqual(['the transmit FIFO is full: a frame is lost']);
    pass(16 * 8);
    expect(Array.from({ length: 8 }, () => get(Data))).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    pass(16);
    expect([get(Data), get(Data)]).toEqual([9, 0]);
  });

  it('interrupts while the transmit FIFO is half empty, also when it is disabled, and while the receive FIFO is half full', () => {
    const chip = ssp();
    chip.set(Mask, Transmit);
    expect(chip.irq).toBe(true);
    chip.send(1, 2, 3, 4, 5);
    expect([chip.get(RawStatus), chip.irq]).toEqual([0, false]);
    chip.set(Mask, Receive);
    chip.set(Control1, Enabled | LoopBack);
    chip.pass(16 * 3);
    expect(chip.get(RawStatus) & Receive).toBe(0);
    chip.pass(16);
    expect([chip.get(MaskedStatus), chip.irq]).toEqual([Receive, true]);
    chip.get(Data);
    expect(chip.irq).toBe(false);
  });

  it('reports an overrun and keeps the eight frames before it; a write to the clear register takes it back', () => {
    const chip = ssp();
    chip.set(Mask, Overrun);
    chip.set(Control1, Enabled | LoopBack);
    chip.send(1, 2, 3, 4, 5, 6, 7, 8, 9);
    chip.pass(16 * 9);
    expect(chip.irq).toBe(true);
    chip.set(Clear, Overrun);
    expect([chip.irq, chip.get(Data)]).toEqual([false, 1]);
  });

  it('reports what lies in the receive FIFO for 32 bit periods, until it is read', () => {
    const chip = ssp();
    chip.set(Mask, Timeout);
    chip.set(Control1, Enabled | LoopBack);
    chip.send(1);
    chip.pass(16 + 63);
    expect(chip.irq).toBe(false);
    chip.pass(1);
    expect(chip.irq).toBe(true);
    chip.get(Data);
    expect(chip.irq).toBe(false);
  });

  it('does not move without a prescaler, and starts when it is written', () => {
    const { get, set, send, pass } = ssp();
    set(Prescale, 0);
    set(Control1, Enabled | LoopBack);
    send(7);
    pass(1000);
    expect(get(Status)).toBe(0x12);
    set(Prescale, 3);
    expect(get(Prescale)).toBe(2);
    pass(16);
    expect(get(Data)).toBe(7);
  });

  it('exchanges frames with the chip whose select is low, in the mode of the control register', () => {
    const { bench, get, set, send } = ssp(0);
    const echo = testBench(Echo).device;
    bench.device.spi.attach(echo, 2);
    set(Control0, 7 | 0x80);
    set(Control1, Enabled);
    send(0x12);
    expect(get(Data)).toBe(0xff);
    bench.setPin('select[2]', false);
    send(0x12);
    expect([get(Data), bench.device.spi.mode]).toEqual([0xed, 1]);
  });

  it('resets to the values of the manual, with empty FIFOs', () => {
    const { bench, get, set, send, pass } = ssp();
    set(Control1, Enabled | LoopBack);
    send(1, 2);
    bench.reset();
    pass(1000);
    const registers = [Control0, Control1, Status, Prescale, Mask, RawStatus, MaskedStatus];
    expect(registers.map(get)).toEqual([0, 0, 0x03, 0, 0, Transmit, 0]);
  });
});
