import { describe, expect, it } from 'vitest';
import { testBench } from '../../sdk/testing/index.ts';
import { expectRefusal } from '../refusal.ts';
import { Disk, DiskPort, Line, Port } from './uart.ts';

const data = 0x3f8 + Port.Data;
const status = 0x3f8 + Port.Status;
const events = 0x3f8 + Port.Events;

describe('the other side of a character back end on a bench', () => {
  it('types, and the guest reads; the guest writes, and it sees the text', () => {
    const bench = testBench(Line);
    const line = bench.backend('chardev');
    line.type('hi');
    expect(bench.interrupts.irq.level).toBe(true);
    expect([bench.in8(data), bench.in8(data)]).toEqual([...Buffer.from('hi')]);
    expect(bench.in8(status)).toBe(6);
    for (const byte of Buffer.from('hello')) bench.out8(data, byte);
    expect(line.text).toBe('hello');
  });

  it('is found by the id that the option gives, and by no other', () => {
    expect(testBench(Line).backend('serial0').id).toBe('serial0');
    const bench = testBench(Line, { options: { chardev: 'c7' } });
    bench.backend('c7').type('x');
    expect(bench.in8(data)).toBe(0x78);
    expectRefusal(() => bench.backend('chardve'), 'no-such-backend', "Did you mean 'chardev'?");
  });

  it('keeps what the device has no room for, in order', () => {
    const bench = testBench(Line);
    const sent = Uint8Array.from({ length: 10_000 }, (_, at) => (at * 7) & 0xff);
    bench.backend('chardev').send(sent);
    const got = Array.from(sent, () => bench.in8(data));
    expect(got).toEqual([...sent]);
    expect(bench.in8(status) & 1).toBe(0);
  });

  it('stops reading: the device keeps its byte, and sends it when the other side goes on', () => {
    const bench = testBench(Line);
    const line = bench.backend('chardev');
    line.stop(2);
    for (const byte of Buffer.from('abc')) bench.out8(data, byte);
    expect([line.text, bench.in8(status) & 2]).toEqual(['ab', 0]);
    line.go();
    expect([line.text, bench.in8(status) & 2]).toEqual(['abc', 2]);
  });

  it('comes, goes and holds the line at break', () => {
    const bench = testBench(Line);
    const line = bench.backend('chardev');
    line.close();
    expect([bench.in8(events), bench.in8(status) & 4]).toEqual([2, 0]);
    bench.out8(data, 0x41);
    expect([line.text, bench.in8(status) & 2]).toEqual(['', 2]);
    line.open();
    line.break();
    expect(bench.in8(events)).toBe(5);
  });

  it('that has stopped and goes away, frees the device: what was on its way is lost', () => {
    const bench = testBench(Line);
    const line = bench.backend('chardev');
    line.stop();
    bench.out8(data, 0);
    expect(bench.in8(status) & 2).toBe(0);
    line.close();
    expect(bench.in8(status) & 2).toBe(2);
  });
});

describe('the other side that goes away before the device has taken all', () => {
  it('holds up nothing: the device goes on writing, and its bytes are lost', () => {
    const bench = testBench(Line);
    const line = bench.backend('chardev');
    line.stop();
    line.send(new Uint8Array(9000));
    bench.out8(data, 0x41);
    expect(bench.in8(status) & 2).toBe(0);
    line.close();
    expect([line.text, bench.in8(status) & 2]).toEqual(['', 2]);
  });
});

describe('an image on a bench', () => {
  it('is what the test gives, and fails when the test says so', () => {
    const bench = testBench(Disk, { images: { drive: Uint8Array.of(1, 2, 3) } });
    const drive = bench.backend('drive');
    const access = (work: () => void) => {
      work();
      return bench.in8(0x170 + DiskPort.Result);
    };
    bench.out8(0x170 + DiskPort.Place, 1);
    expect(bench.in8(0x170 + DiskPort.Data)).toBe(2);
    expect(access(() => bench.out8(0x170 + DiskPort.Data, 9))).toBe(0);
    expect(drive.bytes[1]).toBe(9);
    drive.failNext('no-space');
    expect(access(() => bench.out8(0x170 + DiskPort.Data, 8))).toBe(4);
    drive.failNext('input-output');
    expect(access(() => bench.out8(0x170 + DiskPort.Result, 0))).toBe(3);
    expect(access(() => bench.out8(0x170 + DiskPort.Result, 0))).toBe(0);
    expect([drive.flushed, drive.bytes[1]]).toEqual([1, 9]);
  });

  it('may be read-only, and is as long as the test says', () => {
    const bench = testBench(Disk, { images: { drive: { bytes: 2, isReadOnly: true } } });
    bench.out8(0x170 + DiskPort.Data, 1);
    expect(bench.in8(0x170 + DiskPort.Result)).toBe(2);
    bench.out8(0x170 + DiskPort.Place, 2);
    bench.in8(0x170 + DiskPort.Data);
    expect(bench.in8(0x170 + DiskPort.Result)).toBe(1);
    expectRefusal(() => testBench(Disk, { images: { drvie: 5 } }), 'no-such-backend', 'drvie', 'drive');
  });
});
