import { beforeEach, describe, expect, it } from 'vitest';
import { type Eeprom, Ich9Smbus } from '../../devices/index.ts';
import { I2cDevice } from '../../sdk/i2c.ts';
import { defineMachine, device, inject, MICROSECOND, MiB, use, VirtualClock } from '../../sdk/index.ts';
import { Machine, type ManualClock } from '../../sdk/runtime.ts';
import { q35 } from '../small-machines.ts';

const Ports = 0xb000;
const Port = {
  Status: 0,
  Control: 2,
  Command: 3,
  Address: 4,
  Data0: 5,
  Data1: 6,
  Block: 7,
  AuxStatus: 0x0c,
  AuxControl: 0x0d,
};
const Status = { Busy: 0x01, Done: 0x02, DeviceError: 0x04, Failed: 0x10, ByteDone: 0x80 };
const Start = 0x40;
const ByteData = 2 << 2;
const Block = 5 << 2;
const I2cRead = 6 << 2;

let machine: Machine;
const out = (port: number, value: number) => machine.io.write(Ports + port, value, 1);
const look = (port: number) => machine.io.read(Ports + port, 1);
const config = (offset: number, value: number, size: number) =>
  machine.device(Ich9Smbus).writeConfig(offset, value, size);

/** As firmware does. */
function open(): void {
  config(0x20, Ports + 1, 4);
  config(0x04, 1, 2);
  config(0x40, 1, 1);
}

function start(protocol: number, target: number, reads: boolean, interrupts = 0): number {
  out(Port.Status, 0xfe);
  out(Port.Address, (target << 1) | (reads ? 1 : 0));
  out(Port.Control, protocol | interrupts | Start);
  look(Port.Status);
  return look(Port.Status);
}

beforeEach(() => {
  machine = Machine.create(q35, { ram: 16 * MiB });
  open();
});

describe("ICH9's SMBus", () => {
  it('answers at its ports while the command register and the host configuration say so', () => {
    out(Port.Command, 0x5a);
    expect(look(Port.Command)).toBe(0x5a);
    config(0x40, 0, 1);
    expect(look(Port.Command)).toBe(0xff);
    config(0x40, 1, 1);
    config(0x04, 0, 2);
    expect(look(Port.Command)).toBe(0xff);
  });

  it('shows that it is busy at the first look, and then the result', () => {
    out(Port.Address, 0xa1);
    out(Port.Control, ByteData | Start);
    expect([look(Port.Status), look(Port.Status), look(Port.Data0)]).toEqual([Status.Busy, Status.Done, 0x00]);
  });

  it('writes and reads a memory module, and says what is not there', () => {
    out(Port.Command, 0x10);
    out(Port.Data0, 0xa5);
    expect(start(ByteData, 0x53, false)).toBe(Status.Done);
    // Its write cycle is not over.
    expect(start(ByteData, 0x53, true)).toBe(Status.DeviceError);
    const eeprom = machine.devices.find(({ id }) => id === 'spd3')?.device as Eeprom;
    expect(eeprom.memory[0x10]).toBe(0xa5);
    expect(start(ByteData, 0x30, true)).toBe(Status.DeviceError);
  });

  it('raises its interrupt once a transfer has ended, and lowers it when the status is cleared', () => {
    const { interrupt } = machine.device(Ich9Smbus);
    start(ByteData, 0x50, true, 1);
    expect([interrupt.level, look(Port.Status)]).toEqual([true, Status.Done]);
    out(Port.Status, Status.Done);
    expect(interrupt.level).toBe(false);
  });

  it('gives a block byte by byte, as Linux takes it', () => {
    const eeprom = machine.devices.find(({ id }) => id === 'spd0')?.device as Eeprom;
    eeprom.memory.set([3, 0x11, 0x22, 0x33], 0x20);
    out(Port.Command, 0x20);
    expect(start(Block, 0x50, true)).toBe(Status.Busy | Status.ByteDone);
    const bytes = [];
    const length = look(Port.Data0);
    for (let taken = 1; taken <= length; taken++) {
      if (taken === length - 1) out(Port.Control, Block | 0x20);
      bytes.push(look(Port.Block));
      out(Port.Status, Status.ByteDone);
    }
    expect([bytes, look(Port.Status)]).toEqual([[0x11, 0x22, 0x33], Status.Done]);
  });

  it('takes a block through its buffer', () => {
    out(Port.AuxControl, 2);
    look(Port.Control);
    out(Port.Command, 0x40);
    out(Port.Data0, 2);
    for (const byte of [0x77, 0x88]) out(Port.Block, byte);
    expect(start(Block, 0x51, false)).toBe(Status.Done);
    const eeprom = machine.devices.find(({ id }) => id === 'spd1')?.device as Eeprom;
    expect([...eeprom.memory.subarray(0x40, 0x43)]).toEqual([2, 0x77, 0x88]);
    out(Port.Data0, 33);
    expect(start(Block, 0x52, false)).toBe(Status.DeviceError);
  });

  it('is killed in the middle of a block', () => {
    out(Port.Data0, 5);
    start(Block, 0x50, false);
    out(Port.Control, 0x02);
    expect(look(Port.Status)).toBe(Status.ByteDone | Status.Failed);
    out(Port.Status, 0xfe);
    expect(look(Port.Status)).toBe(0);
  });

  it('goes on in a restored machine where it was, in the middle of an I2C read', () => {
    const eeprom = machine.devices.find(({ id }) => id === 'spd0')?.device as Eeprom;
    eeprom.memory.set([0xc1, 0xc2, 0xc3], 0x08);
    out(Port.Data1, 0x08);
    expect(start(6 << 2, 0x50, false)).toBe(Status.Busy | Status.ByteDone);
    machine = Machine.restore(q35, machine.save(), { ram: 16 * MiB });
    const bytes = [look(Port.Block)];
    out(Port.Status, Status.ByteDone);
    bytes.push(look(Port.Block));
    out(Port.Control, (6 << 2) | 0x20);
    out(Port.Status, Status.ByteDone);
    expect([...bytes, look(Port.Block)]).toEqual([0xc1, 0xc2, 0xc3]);
    // The last byte waits as the others do, also in a machine that is restored then, and whatever the buffer is used for.
    machine = Machine.restore(q35, machine.save(), { ram: 16 * MiB });
    out(Port.AuxControl, 2);
    expect([look(Port.Status), look(Port.Block)]).toEqual([Status.Busy | Status.ByteDone, 0xc3]);
    out(Port.Status, Status.ByteDone);
    expect(look(Port.Status)).toBe(Status.Done);
  });

  it('reads a single byte, which is the last one from the start', () => {
    const eeprom = machine.devices.find(({ id }) => id === 'spd0')?.device as Eeprom;
    eeprom.memory.set([0xc1, 0xc2], 0x08);
    out(Port.Data1, 0x08);
    const { interrupt } = machine.device(Ich9Smbus);
    start(I2cRead | 0x20, 0x50, false, 1);
    expect([look(Port.Status), look(Port.Block)]).toEqual([Status.Busy | Status.ByteDone, 0xc1]);
    out(Port.Status, Status.ByteDone);
    expect([interrupt.level, look(Port.Status), look(Port.Block)]).toEqual([true, Status.Done, 0xc1]);
  });

  it('is told by the packet error code that a byte was damaged', () => {
    out(Port.AuxControl, 1);
    out(Port.Command, 0x00);
    // The module knows no code: it answers with its next byte.
    expect(start(ByteData | 0x80, 0x50, true)).toBe(Status.DeviceError);
    expect(look(Port.AuxStatus)).toBe(1);
  });

  it('is busy until a target lets the clock go', () => {
    @device({ type: 'slow', description: 'A target that holds the clock' })
    class Slow extends I2cDevice {
      override onWrite(): undefined {
        this.holdClock(100 * MICROSECOND);
      }
    }
    const board = defineMachine({
      ...q35,
      devices: [...q35.devices, use(Slow, { id: 'slow', bus: 'smbus', addr: '0x2c' })],
    });
    machine = Machine.create(board, { ram: 16 * MiB });
    open();
    expect(start(1 << 2, 0x2c, false)).toBe(Status.Busy);
    (machine.service(VirtualClock) as ManualClock).advance(100 * MICROSECOND);
    expect(look(Port.Status)).toBe(Status.Done);
  });

  it('lowers its interrupt while a target holds the clock before the next byte', () => {
    @device({ type: 'slow-reads', description: 'A target that holds the clock for each byte that is read' })
    class SlowReads extends I2cDevice {
      override onWrite(): undefined {}
      override onRead(): number {
        this.holdClock(this.clock.now + 100 * MICROSECOND);
        return 0x5a;
      }
      constructor(@inject(VirtualClock) private readonly clock: VirtualClock) {
        super();
      }
    }
    const board = defineMachine({
      ...q35,
      devices: [...q35.devices, use(SlowReads, { id: 'slow', bus: 'smbus', addr: '0x2c' })],
    });
    machine = Machine.create(board, { ram: 16 * MiB });
    open();
    const { interrupt } = machine.device(Ich9Smbus);
    const pass = () => (machine.service(VirtualClock) as ManualClock).advance(100 * MICROSECOND);
    start(I2cRead, 0x2c, true, 1);
    expect([interrupt.level, look(Port.Status)]).toEqual([false, Status.Busy]);
    pass();
    expect([interrupt.level, look(Port.Status)]).toEqual([true, Status.Busy | Status.ByteDone]);
    out(Port.Status, Status.ByteDone);
    expect([interrupt.level, look(Port.Status)]).toEqual([false, Status.Busy]);
    pass();
    expect([interrupt.level, look(Port.Status), look(Port.Block)]).toEqual([true, Status.Busy | Status.ByteDone, 0x5a]);
  });
});
