import { device } from 'backplane';
import {
  type Acknowledge,
  I2cBus,
  I2cDevice,
  type I2cDirection,
  packetErrorCode,
  SmbusError,
  SmbusHost,
} from 'backplane/i2c';
import { testBench } from 'backplane/testing';
import { describe, expect, it } from 'vitest';
import { busWith } from './toys.ts';

const { NoAcknowledge, PacketError, BlockCount } = SmbusError;
const codeOf = (...bytes: number[]): number => bytes.reduce(packetErrorCode, 0);

describe('the packet error code', () => {
  it.each([
    ['the check value of CRC-8/SMBUS', [...'123456789'].map((digit) => digit.charCodeAt(0)), 0xf4],
    ["MLX90614 datasheet, figure 9: 'Read Word'", [0xb4, 0x07, 0xb5, 0xd2, 0x3a], 0x30],
    ["MLX90614 datasheet, figure 10: 'Write Word'", [0xb4, 0x22, 0x07, 0xc8], 0x48],
    ['one byte of ones', [0xff], 0xf3],
    ['nothing', [], 0],
  ])('is that of %s', (_source, bytes, code) => {
    expect(codeOf(...bytes)).toBe(code);
  });

  it('of a message with its own code is 0', () => {
    expect(codeOf(0xb4, 0x07, 0xb5, 0xd2, 0x3a, 0x30)).toBe(0);
  });
});

/** Answers fixed bytes at each read, and keeps what was written since the first start. */
@device({ type: 'answering', description: 'Answers fixed bytes' })
class Answering extends I2cDevice {
  answers: readonly number[] = [];
  written: number[] = [];
  private at = 0;

  override onStart(direction: I2cDirection): void {
    if (direction === 'write') this.written = [];
    this.at = 0;
  }

  override onWrite(byte: number): Acknowledge {
    this.written.push(byte);
    return true;
  }

  override onRead(): number {
    return this.answers[this.at++] ?? 0xff;
  }
}

function setUp(answers: readonly number[] = [], usesPacketErrorCode = false) {
  const bus = new I2cBus();
  const target = testBench(Answering).device;
  target.answers = answers;
  bus.attach(target, 0x5a);
  const host = new SmbusHost(bus);
  host.usesPacketErrorCode = usesPacketErrorCode;
  const words: string[] = [];
  bus.observer = (line) => words.push(line);
  return { bus, host, target, words };
}

describe('the protocols of SMBus', () => {
  it('are those of the specification, without a packet error code', () => {
    const { host, words } = setUp([0x02, 0xd2, 0x3a]);
    const block = new Uint8Array(32);
    expect([host.quick(0x5a, 'write'), host.quick(0x5a, 'read')]).toEqual([0, 0]);
    expect([host.sendByte(0x5a, 0x11), host.receiveByte(0x5a)]).toEqual([0, 0x02]);
    expect([host.writeByte(0x5a, 1, 0x22), host.writeWord(0x5a, 2, 0x3344)]).toEqual([0, 0]);
    expect([host.readByte(0x5a, 3), host.readWord(0x5a, 4)]).toEqual([0x02, 0xd202]);
    expect(host.processCall(0x5a, 5, 0x5566)).toBe(0xd202);
    expect([host.writeBlock(0x5a, 6, [7, 8, 9]), host.readBlock(0x5a, 7, block)]).toEqual([0, 2]);
    expect([...block.subarray(0, 3)]).toEqual([0xd2, 0x3a, 0]);
    expect(host.blockProcessCall(0x5a, 8, [1], block)).toBe(2);
    expect(host.readBytes(0x5a, 9, block.subarray(0, 3))).toBe(3);
    expect(words).toEqual([
      'i2c 0x5a write',
      'i2c 0x5a read',
      'i2c 0x5a write 11',
      'i2c 0x5a read 02',
      'i2c 0x5a write 01 22',
      'i2c 0x5a write 02 44 33',
      'i2c 0x5a write 03, read 02',
      'i2c 0x5a write 04, read 02 d2',
      'i2c 0x5a write 05 66 55, read 02 d2',
      'i2c 0x5a write 06 03 07 08 09',
      'i2c 0x5a write 07, read 02 d2 3a',
      'i2c 0x5a write 08 01 01, read 02 d2 3a',
      'i2c 0x5a write 09, read 02 d2 3a',
    ]);
  });

  it('end with a packet error code over all bytes, addresses included', () => {
    const { host, target, words } = setUp([0xd2, 0x3a, 0x30], true);
    expect(host.readWord(0x5a, 0x07)).toBe(0x3ad2);
    expect(host.writeWord(0x5a, 0x22, 0xc807)).toBe(0);
    expect(words).toEqual(['i2c 0x5a write 07, read d2 3a 30', 'i2c 0x5a write 22 07 c8 48']);
    target.answers = [2, 0xaa, 0xbb, codeOf(0xb4, 0x10, 0xb5, 2, 0xaa, 0xbb)];
    expect(host.readBlock(0x5a, 0x10, new Uint8Array(32))).toBe(2);
    target.answers = [0x77, codeOf(0xb5, 0x77)];
    expect(host.receiveByte(0x5a)).toBe(0x77);
    host.writeBlock(0x5a, 0x10, [1, 2]);
    expect(target.written).toEqual([0x10, 2, 1, 2, codeOf(0xb4, 0x10, 2, 1, 2)]);
  });

  it('answer that the packet error code is wrong', () => {
    const { host, bus } = setUp([0xd2, 0x3a, 0x31], true);
    expect([host.readWord(0x5a, 0x07), bus.isBusy]).toEqual([PacketError, false]);
  });

  it('answer that no target acknowledges, and leave the bus idle', () => {
    const { host, bus } = setUp();
    const block = new Uint8Array(4);
    const answers = [
      ...[host.quick(0x20, 'read'), host.sendByte(0x20, 1), host.receiveByte(0x20), host.writeByte(0x20, 1, 1)],
      ...[host.writeWord(0x20, 1, 1), host.readByte(0x20, 1), host.readWord(0x20, 1), host.processCall(0x20, 1, 1)],
      ...[host.writeBlock(0x20, 1, [1]), host.readBlock(0x20, 1, block), host.blockProcessCall(0x20, 1, [1], block)],
      host.readBytes(0x20, 1, block),
    ];
    expect(answers).toEqual(answers.map(() => NoAcknowledge));
    expect(bus.isBusy).toBe(false);
  });

  it('answer that a byte was not acknowledged', () => {
    const { bus, targets } = busWith(0x50);
    targets[0].takes = 1;
    expect(new SmbusHost(bus).writeWord(0x50, 1, 2)).toBe(NoAcknowledge);
    expect([targets[0].seen.at(-1), bus.isBusy]).toEqual(['stop', false]);
  });

  it.each([0, 5, 255])('answer that a block of %d bytes cannot be, and touch nothing', (count) => {
    const { host, bus } = setUp([count, 1, 2, 3, 4, 5]);
    const block = new Uint8Array(4);
    expect([host.readBlock(0x5a, 1, block), bus.isBusy]).toEqual([BlockCount, false]);
    expect([...block]).toEqual([0, 0, 0, 0]);
  });
});
