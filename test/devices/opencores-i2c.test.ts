import { device, inject, MICROSECOND, VirtualClock } from 'backplane';
import { type Acknowledge, I2cDevice, type I2cDirection } from 'backplane/i2c';
import { type TestBench, testBench } from 'backplane/testing';
import { describe, expect, it } from 'vitest';
import { Ds1307, OpencoresI2c } from '../../devices/index.ts';
import { opencoresI2cRegisters } from '../../devices/opencores-i2c.ts';
import { Recorder } from '../bus/i2c/toys.ts';

const Register = { PrescaleLow: 0, PrescaleHigh: 1, Control: 2, Data: 3, Command: 4, Status: 4 } as const;
const Command = { Start: 0x91, Stop: 0x41, Write: 0x11, ReadAck: 0x21, ReadNack: 0x29, Acknowledge: 0x01 } as const;
const Status = { Interrupt: 0x01, Transferring: 0x02, Busy: 0x40, Nack: 0x80 } as const;
/** 50 MHz divided by five and 100: 100 kHz. */
const Prescale = 99;
const Bit = 10 * MICROSECOND;

interface Message {
  readonly address: number;
  /** Bytes to write, or how many to read. */
  readonly write?: readonly number[];
  readonly read?: number;
}

/**
 * Does to the registers what Linux's driver does, in its order, and notes what it writes.
 *
 * @see Linux, drivers/i2c/busses/i2c-ocores.c, ocores_init, ocores_xfer_core and ocores_process
 */
class Driver {
  readonly written: string[] = [];
  readonly received: number[] = [];

  constructor(private readonly bench: TestBench<OpencoresI2c>) {}

  write(register: number, value: number): void {
    this.written.push(`${register}=${value.toString(16).padStart(2, '0')}`);
    this.bench.at(opencoresI2cRegisters).write8(register, value);
  }

  read(register: number): number {
    return this.bench.at(opencoresI2cRegisters).read8(register);
  }

  init(): void {
    this.write(Register.Control, this.read(Register.Control) & ~0xc0);
    this.write(Register.PrescaleLow, Prescale & 0xff);
    this.write(Register.PrescaleHigh, Prescale >> 8);
    this.write(Register.Control, (this.read(Register.Control) & ~0xc0) | 0x80);
  }

  /** Answers whether all messages were acknowledged. */
  transfer(...messages: readonly Message[]): boolean {
    this.write(Register.Control, this.read(Register.Control) | 0x40);
    this.start(messages[0] as Message);
    let [current, at] = [0, 0];
    let phase: 'address' | 'data' | 'done' | 'error' = 'address';
    for (let interrupts = 0; interrupts < 100; interrupts++) {
      const status = this.interrupt();
      const message = messages[current] as Message;
      if (phase === 'done' || phase === 'error') {
        this.write(Register.Command, Command.Acknowledge);
        return phase === 'done';
      }
      if ((phase === 'address' || message.read === undefined) && status & Status.Nack) {
        phase = 'error';
        this.write(Register.Command, Command.Stop);
        continue;
      }
      if (phase === 'data' && message.read !== undefined) {
        this.received.push(this.read(Register.Data));
        at++;
      }
      phase = 'data';
      if (at < (message.read ?? message.write?.length ?? 0)) {
        if (message.read !== undefined) {
          this.write(Register.Command, at === message.read - 1 ? Command.ReadNack : Command.ReadAck);
          continue;
        }
        this.write(Register.Data, message.write?.[at++] as number);
        this.write(Register.Command, Command.Write);
        continue;
      }
      [current, at] = [current + 1, 0];
      if (current < messages.length) {
        phase = 'address';
        this.start(messages[current] as Message);
      } else {
        phase = 'done';
        this.write(Register.Command, Command.Stop);
      }
    }
    throw new Error('the driver waits for ever');
  }

  private start({ address, read }: Message): void {
    this.write(Register.Data, (address << 1) | (read === undefined ? 0 : 1));
    this.write(Register.Command, Command.Start);
  }

  private interrupt(): number {
    this.bench.clock.advance(1000 * MICROSECOND);
    expect(this.bench.interrupts.irq.level).toBe(true);
    return this.read(Register.Status);
  }
}

function setUp() {
  const bench = testBench(OpencoresI2c);
  return { bench, driver: new Driver(bench), at: bench.at(opencoresI2cRegisters) };
}

describe("Linux's driver", () => {
  it('reads a clock, and writes these registers in this order', () => {
    const { bench, driver } = setUp();
    bench.device.i2c.attach(testBench(Ds1307).device, 0x68);
    driver.init();
    expect(driver.transfer({ address: 0x68, write: [0x04] }, { address: 0x68, read: 3 })).toBe(true);
    expect(driver.received).toEqual([0x01, 0x01, 0x26]);
    expect(driver.written).toEqual([
      ...['2=00', '0=63', '1=00', '2=80'],
      ...['2=c0', '3=d0', '4=91', '3=04', '4=11'],
      ...['3=d1', '4=91', '4=21', '4=21', '4=29', '4=41', '4=01'],
    ]);
    expect([bench.interrupts.irq.level, bench.device.i2c.isBusy]).toEqual([false, false]);
  });

  it('writes to a target, which gets start, bytes and stop', () => {
    const { bench, driver } = setUp();
    const target = testBench(Recorder).device;
    bench.device.i2c.attach(target, 0x50);
    driver.init();
    expect(driver.transfer({ address: 0x50, write: [0x12, 0x34] })).toBe(true);
    expect(target.seen).toEqual(['write 0x50', '12', '34', 'stop']);
  });

  it('finds no target where none is: it sends a stop, and the bus is idle', () => {
    const { bench, driver } = setUp();
    driver.init();
    expect(driver.transfer({ address: 0x20, write: [] })).toBe(false);
    expect(driver.written.slice(-3)).toEqual(['4=91', '4=41', '4=01']);
    expect(bench.device.i2c.isBusy).toBe(false);
  });
});

describe('a byte', () => {
  it('takes nine bits and one for the start, and TIP shows it', () => {
    const { bench, driver, at } = setUp();
    driver.init();
    driver.write(Register.Data, 0xa0);
    driver.write(Register.Command, Command.Start);
    expect(at.read8(Register.Status)).toBe(Status.Transferring | Status.Busy);
    bench.clock.advance(10 * Bit - 1);
    expect(at.read8(Register.Status)).toBe(Status.Transferring | Status.Busy);
    bench.clock.advance(1);
    expect(at.read8(Register.Status)).toBe(Status.Nack | Status.Busy | Status.Interrupt);
  });

  it('interrupts only with the enable bit', () => {
    const { bench, driver, at } = setUp();
    driver.init();
    at.write8(Register.Command, Command.Stop);
    bench.clock.advance(Bit);
    expect([at.read8(Register.Status), bench.interrupts.irq.level]).toEqual([Status.Interrupt, false]);
    at.write8(Register.Control, 0xc0);
    expect(bench.interrupts.irq.level).toBe(true);
    at.write8(Register.Command, Command.Acknowledge);
    expect([at.read8(Register.Status), bench.interrupts.irq.level]).toEqual([0, false]);
  });

  it('is not transferred while the core is disabled, nor by a command during another', () => {
    const { bench, driver, at } = setUp();
    const target = testBench(Recorder).device;
    bench.device.i2c.attach(target, 0x50);
    at.write8(Register.Data, 0xa0);
    at.write8(Register.Command, Command.Start);
    bench.clock.advance(10 * Bit);
    expect(at.read8(Register.Status)).toBe(0);
    driver.init();
    at.write8(Register.Command, Command.Start);
    at.write8(Register.Command, Command.Stop);
    bench.clock.advance(20 * Bit);
    expect(target.seen).toEqual(['write 0x50']);
    expect(bench.guestErrors).toHaveLength(1);
  });

  it('is cut short where the core is disabled, and the bus stays busy', () => {
    const { bench, driver, at } = setUp();
    driver.init();
    at.write8(Register.Command, Command.Start);
    at.write8(Register.Control, 0);
    bench.clock.advance(20 * Bit);
    expect(at.read8(Register.Status)).toBe(Status.Busy);
  });
});

/** Holds the clock for 100 us after each byte. */
@device({ type: 'slow', description: 'Holds the clock' })
class Slow extends I2cDevice {
  constructor(@inject(VirtualClock) private readonly clock: VirtualClock) {
    super();
  }

  override onStart(_direction: I2cDirection): Acknowledge {
    this.holdClock(this.clock.now + 100 * MICROSECOND);
  }
}

describe('a target that holds the clock', () => {
  it('keeps the controller busy, and the controller says so', () => {
    const { bench, driver, at } = setUp();
    const held = testBench(Slow);
    bench.device.i2c.attach(held.device, 0x50);
    driver.init();
    driver.write(Register.Data, 0xa0);
    driver.write(Register.Command, Command.Start);
    held.clock.advance(10 * Bit);
    bench.clock.advance(10 * Bit);
    expect(at.read8(Register.Status)).toBe(Status.Transferring | Status.Busy);
    bench.clock.advance(100 * MICROSECOND - 1);
    expect(at.read8(Register.Status)).toBe(Status.Transferring | Status.Busy);
    bench.clock.advance(1);
    expect(at.read8(Register.Status)).toBe(Status.Busy | Status.Interrupt);
  });
});
