import { device } from 'backplane';
import { I2cBus, I2cRegisterDevice, i2cRegisters, SmbusHost } from 'backplane/i2c';
import { metadataOf, registerDocument, saveDevice } from 'backplane/runtime';
import { testBench } from 'backplane/testing';
import { describe, expect, it } from 'vitest';
import { Thermometer } from './sensor.ts';

function setUp() {
  const bus = new I2cBus();
  const bench = testBench(Thermometer);
  bus.attach(bench.device, 0x48);
  const write = (...bytes: number[]) => bus.transfer(0x48, bytes, 0);
  const read = (pointer: number, count: number) => bus.transfer(0x48, [pointer], count);
  return { bus, bench, sensor: bench.device, write, read };
}

describe('registers behind a pointer', () => {
  it('are written and read from the pointer on, which counts up', () => {
    const { write, read, sensor } = setUp();
    write(0x10, 0x12, 0x34, 0x56, 0x78);
    expect([...sensor.limits]).toEqual([0x1234, 0x5678]);
    expect(read(0x11, 3)).toEqual([0x34, 0x56, 0x78]);
  });

  it('have the pointer go round behind the last byte, and keep it over a stop', () => {
    const { bus, write, read } = setUp();
    write(0x13, 0xaa, 0x01);
    expect(read(0x13, 2)).toEqual([0xaa, 0x01]);
    expect(bus.transfer(0x48, [], 2)).toEqual([0, 0x12]);
  });

  it('call their hooks, and clear what a read clears', () => {
    const { write, read } = setUp();
    write(0x00, 0x01);
    expect(read(0x02, 2)).toEqual([0x12, 0x50]);
    write(0x00, 0x01);
    expect([read(0x00, 1), read(0x00, 1)]).toEqual([[0x81], [0x01]]);
  });

  it('report what the guest does wrong by the name of the register', () => {
    const { write, bench } = setUp();
    write(0x00, 0x40);
    write(0x08, 0x00);
    expect(bench.guestErrors.map(({ message }) => message).join('\n')).toMatch(/control[\s\S]*thermometer/);
  });

  it('are in the reference of the device', () => {
    const text = registerDocument(metadataOf(Thermometer));
    for (const part of ['thermometer', 'control', 'rate', 'Fast', 'overrun', 'in 1/16 K', 'limits'])
      expect(text).toContain(part);
  });

  it('are state, and so is the pointer', () => {
    const { write, sensor } = setUp();
    write(0x10, 0x12);
    expect(saveDevice(sensor).fields).toMatchObject({ limits: [0x1200, 0], pointer: 0x11, addressed: false });
  });
});

const words = i2cRegisters({ name: 'power', size: 12, pointer: { unit: 2, increments: false } });
const calibration = words.register(5 * 2, { width: 16 });

/** Registers of 16 bits, numbered one by one, as power monitors have them. */
@device({ type: 'power', description: 'Registers of 16 bits' })
class PowerMonitor extends I2cRegisterDevice {
  readonly writes: number[] = [];
  @words.register(0, { width: 16, reset: 0x399f }) configuration = 0x399f;
  @calibration calibration = 0;

  @calibration.onWrite()
  calibrate(value: number): void {
    this.writes.push(value);
  }
}

describe('registers of 16 bits that the pointer numbers one by one', () => {
  it('are read and written as a whole, the high byte first', () => {
    const bus = new I2cBus();
    const { device: monitor } = testBench(PowerMonitor);
    bus.attach(monitor, 0x40);
    expect(bus.transfer(0x40, [0], 4)).toEqual([0x39, 0x9f, 0x39, 0x9f]);
    bus.transfer(0x40, [5, 0x12, 0x34], 0);
    bus.transfer(0x40, [5, 0x56], 0);
    expect([monitor.writes, monitor.calibration]).toEqual([[0x1234], 0x1234]);
    expect(new SmbusHost(bus).readWord(0x40, 5)).toBe(0x3412);
  });
});
