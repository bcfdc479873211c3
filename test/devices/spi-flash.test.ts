import { describe, expect, it } from 'vitest';
import { SpiFlash } from '../../devices/index.ts';
import { board } from '../../machines/index.ts';
import { memoryImage } from '../../sdk/backend.ts';
import { MICROSECOND, MILLISECOND, SECOND } from '../../sdk/index.ts';
import { Machine } from '../../sdk/runtime.ts';
import { testBench } from '../../sdk/testing/index.ts';
import { expectRefusal } from '../refusal.ts';

const WriteStatus = 0x01;
const PageProgram = 0x02;
const Read = 0x03;
const WriteDisable = 0x04;
const ReadStatus = 0x05;
const WriteEnable = 0x06;
const FastRead = 0x0b;
const SectorErase = 0x20;
const HalfBlockErase = 0x52;
const ReadId = 0x9f;
const ChipErase = 0xc7;
const BlockErase = 0xd8;

function flash(part: 'w25q20' | 'w25q80' = 'w25q80') {
  const bench = testBench(SpiFlash, { options: { part } });
  const send = (...bytes: number[]) => bench.transfer(bytes, 0);
  const address = (at: number) => [at >> 16, (at >> 8) & 0xff, at & 0xff];
  return {
    bench,
    send,
    address,
    pass: (nanoseconds: number) => bench.clock.advance(nanoseconds),
    status: () => bench.transfer([ReadStatus], 1)[0],
    read: (at: number, count: number) => bench.transfer([Read, ...address(at)], count),
    program(at: number, ...bytes: number[]) {
      send(WriteEnable);
      send(PageProgram, ...address(at), ...bytes);
      bench.clock.advance(MILLISECOND);
    },
    change(...bytes: number[]) {
      send(WriteEnable);
      send(...bytes);
    },
    errors: () => bench.guestErrors.map(({ message }) => message),
  };
}

/** @see Winbond W25Q80DV datasheet, 6 "Instructions", 7.1 "Status Registers" and 8.6 "AC Electrical Characteristics" */
describe('a 25-series flash', () => {
  it('says who it is: manufacturer, type and the power of two of its bytes', () => {
    expect(flash().bench.transfer([ReadId], 3)).toEqual([0xef, 0x40, 0x14]);
    expect(flash('w25q20').bench.transfer([ReadId], 3)).toEqual([0xef, 0x40, 0x12]);
  });

  it('reads from an address on, over its end to its beginning, and so does the fast read after a byte without meaning', () => {
    const { read, program, bench, address } = flash();
    program(0xf_ffff, 1);
    program(0, 2, 3);
    expect(read(0xf_ffff, 3)).toEqual([1, 2, 3]);
    expect(bench.transfer([FastRead, ...address(0xf_ffff), 0x55], 3)).toEqual([1, 2, 3]);
  });

  it('programs zeros only, wraps in its page, and needs a write enable each time', () => {
    const { read, program, send, address, errors, status } = flash();
    program(0x1fe, 0xf0, 0x11, 0x22);
    expect([read(0x1fe, 2), read(0x100, 1)]).toEqual([[0xf0, 0x11], [0x22]]);
    program(0x1fe, 0x3c);
    expect(read(0x1fe, 1)).toEqual([0x30]);
    send(PageProgram, ...address(0x1fe), 0);
    expect([read(0x1fe, 1), status()]).toEqual([[0x30], 0]);
    expect(errors()).toEqual(['command 0x2 without a write enable before it']);
  });

  it('is busy for the time of the datasheet, and answers its status only', () => {
    const { pass, status, change, read, address, errors } = flash();
    change(PageProgram, ...address(0), 0);
    expect([status(), read(0, 1)]).toEqual([0x03, [0xff]]);
    expect(errors()).toEqual(['command 0x3 while busy: only the status can be read']);
    pass(699 * MICROSECOND);
    expect(status()).toBe(0x03);
    pass(1 * MICROSECOND);
    expect([status(), read(0, 1)]).toEqual([0, [0]]);
  });

  it.each([
    ['a sector', SectorErase, 4 * 1024, 45 * MILLISECOND],
    ['half a block', HalfBlockErase, 32 * 1024, 120 * MILLISECOND],
    ['a block', BlockErase, 64 * 1024, 150 * MILLISECOND],
  ])('erases %s around its address', (_, command, size, time) => {
    const { read, program, change, pass, status, address } = flash();
    const start = 0x2_0000;
    for (const at of [start - 1, start, start + size - 1, start + size]) program(at, 0);
    change(command, ...address(start + size - 5));
    pass(time - 1);
    expect(status()).toBe(0x03);
    pass(1);
    const at = [start - 1, start, start + size - 1, start + size].map((place) => read(place, 1)[0]);
    expect(at).toEqual([0, 0xff, 0xff, 0]);
  });

  it('erases everything in two seconds', () => {
    const { read, program, change, pass, status } = flash();
    program(0x8_0000, 0);
    change(ChipErase);
    pass(2 * SECOND - 1);
    expect(status()).toBe(0x03);
    pass(1);
    expect([status(), read(0x8_0000, 1)]).toEqual([0, [0xff]]);
  });

  it('protects blocks from its end on, over power, and carries out no command that is too long or too short', () => {
    const { bench, read, program, change, pass, status, send, errors } = flash();
    change(WriteStatus, 0x04);
    pass(10 * MILLISECOND);
    bench.reset();
    expect(status()).toBe(0x04);
    program(0xf_0000, 0);
    program(0xe_ffff, 0);
    expect([read(0xf_0000, 1), read(0xe_ffff, 1)]).toEqual([[0xff], [0]]);
    change(SectorErase, 0, 0);
    send(WriteDisable);
    send(WriteEnable, 0);
    expect(status()).toBe(0x04);
    expect(errors()).toEqual(['command 0x2 in a protected block', 'command 0x20 with 3 bytes in all: it does nothing']);
  });

  it('writes its status with one byte or two, of which the second is ignored, and with no other number', () => {
    const { change, pass, status, errors } = flash();
    const held = [[0x04], [0x08, 0x14], [0x0c, 0, 0], []].map((bytes) => {
      change(WriteStatus, ...bytes);
      pass(10 * MILLISECOND);
      return status();
    });
    expect(held).toEqual([0x04, 0x08, 0x0a, 0x0a]);
    expect(errors()).toEqual(['command 0x1 with 4 bytes in all: it does nothing']);
  });
});

describe('a 25-series flash with an image', () => {
  const at = (address: number) => [address >> 16, (address >> 8) & 0xff, address & 0xff];
  function withImage(image: Uint8Array | { readonly bytes: Uint8Array; readonly isReadOnly: boolean }) {
    const bench = testBench(SpiFlash, { images: { drive: image } });
    const change = (...bytes: number[]) => {
      bench.transfer([WriteEnable], 0);
      bench.transfer(bytes, 0);
    };
    return { bench, change, drive: bench.backend('drive'), status: () => bench.transfer([ReadStatus], 1)[0] };
  }
  const image = () => new Uint8Array(256 * 1024).fill(0xff);

  it('reads what is in it, programs and erases it, and has flushed it before it is busy no more', () => {
    const bytes = image();
    bytes[0x1234] = 0x3f;
    const { bench, change, drive, status } = withImage(bytes);
    expect(bench.transfer([Read, ...at(0x1234)], 1)).toEqual([0x3f]);
    change(PageProgram, ...at(0x1234), 0xf0);
    expect([status(), drive.bytes[0x1234], drive.flushed]).toEqual([0x03, 0x30, 1]);
    bench.clock.advance(MILLISECOND);
    change(SectorErase, ...at(0x1234));
    expect([drive.bytes[0x1234], drive.flushed]).toEqual([0xff, 2]);
  });

  it.each(['no-space', 'input-output'] as const)(
    'does nothing where the host fails (%s): the write enable latch stays set',
    (why) => {
      const { bench, change, drive, status } = withImage(image());
      drive.failNext(why);
      change(PageProgram, ...at(0), 0x12);
      expect([status(), bench.transfer([Read, ...at(0)], 1)]).toEqual([0x02, [0xff]]);
      expect(bench.guestErrors).toEqual([]);
      bench.transfer([PageProgram, ...at(0), 0x12], 0);
      bench.clock.advance(MILLISECOND);
      expect([status(), drive.bytes[0]]).toEqual([0, 0x12]);
    },
  );

  it('refuses to change a read-only image', () => {
    const { bench, change, drive, status } = withImage({ bytes: image(), isReadOnly: true });
    change(ChipErase);
    change(PageProgram, ...at(0), 0);
    expect([status(), drive.bytes[0]]).toEqual([0x02, 0xff]);
    expect(bench.guestErrors.map(({ message, count }) => [message, count])).toEqual([
      ['command 0xc7 on a read-only image', 2],
    ]);
  });

  it('refuses an image of another size, and a snapshot whose image has changed since', () => {
    expectRefusal(
      () => testBench(SpiFlash, { images: { drive: 1000 } }),
      'image-of-wrong-size',
      'drive',
      '1000',
      '262144',
    );
    const definition = {
      ...board,
      devices: board.devices.map((used) => (used.id === 'flash' ? { ...used, options: { drive: 'd0' } } : used)),
    };
    const bytes = image();
    const request = () => ({ backends: [memoryImage({ id: 'd0', bytes })] });
    const saved = Machine.create(definition, request()).save();
    expect(Machine.restore(definition, saved, request()).device(SpiFlash).memory[5]).toBe(0xff);
    bytes[5] = 0;
    expectRefusal(() => Machine.restore(definition, saved, request()), 'state-refused', 'flash', 'd0');
  });
});
