import { device } from 'backplane';
import { NoCommand, SpiBus, SpiCommandDevice, SpiDevice, type SpiMode } from 'backplane/spi';
import { testBench } from 'backplane/testing';
import { describe, expect, it } from 'vitest';
import { expectRefusal } from '../../refusal.ts';

/** Answers each word with the one before. */
@device({ type: 'echo', description: 'A shift register' })
class Echo extends SpiDevice {
  held = 0x5a;
  bits: number | undefined = 8;
  works: readonly SpiMode[] = [0, 3];
  order: 'msb-first' | 'lsb-first' = 'msb-first';
  readonly seen: string[] = [];

  override get wordBits(): number | undefined {
    return this.bits;
  }
  override get modes(): readonly SpiMode[] {
    return this.works;
  }
  override get bitOrder(): 'msb-first' | 'lsb-first' {
    return this.order;
  }
  override onSelect(): void {
    this.seen.push('select');
  }
  override onTransfer(word: number, bits: number): number {
    this.seen.push(`${bits}:${word.toString(16)}`);
    const { held } = this;
    this.held = word;
    return held;
  }
  override onDeselect(): void {
    this.seen.push('deselect');
  }
}

function setUp(selects = 2) {
  const bus = new SpiBus({ selects });
  const bench = testBench(Echo);
  return { bus, chip: bench.device, bench, unplug: bus.attach(bench.device, 1) };
}

describe('words on SPI', () => {
  it('go both ways at once while the chip is selected, as many as the controller likes', () => {
    const { bus, chip } = setUp();
    bus.select(1);
    expect([bus.exchange(0x11), bus.exchange(0x22)]).toEqual([0x5a, 0x11]);
    bus.deselect(1);
    expect(chip.seen).toEqual(['select', '8:11', '8:22', 'deselect']);
  });

  it('reach no chip that is not selected: the line reads as ones', () => {
    const { bus, chip } = setUp();
    bus.select(0);
    expect(bus.exchange(0x11)).toBe(0xff);
    bus.wordBits = 32;
    expect(bus.exchange(0x11)).toBe(0xffff_ffff);
    expect(chip.seen).toEqual([]);
  });

  it('have the width that the controller sets: wider ones are cut into those of the chip', () => {
    const { bus, chip } = setUp();
    bus.select(1);
    bus.wordBits = 16;
    expect(bus.exchange(0x1234)).toBe(0x5a12);
    bus.wordBits = 32;
    expect(bus.exchange(0xa1b2_c3d4)).toBe(0x34a1_b2c3);
    expect(chip.seen.slice(1)).toEqual(['8:12', '8:34', '8:a1', '8:b2', '8:c3', '8:d4']);
  });

  it('of another width than the chip takes are a mistake of the guest, and read as ones', () => {
    const { bus, bench } = setUp();
    bus.select(1);
    bus.wordBits = 12;
    expect(bus.exchange(0x123)).toBe(0xfff);
    expect(bench.guestErrors.map(({ message }) => message)).toEqual([
      'a word of 12 bits, and the chip takes words of 8',
    ]);
  });

  it('come as they are to a chip that takes any', () => {
    const { bus, chip } = setUp();
    chip.bits = undefined;
    bus.select(1);
    for (const bits of [4, 5, 13, 16, 32]) {
      bus.wordBits = bits;
      bus.exchange(0xffff_ffff);
    }
    expect(chip.seen.slice(1)).toEqual(['4:f', '5:1f', '13:1fff', '16:ffff', '32:ffffffff']);
  });

  it('are turned round where controller and chip disagree which bit is first', () => {
    const { bus, chip } = setUp();
    bus.bitOrder = 'lsb-first';
    bus.select(1);
    expect(bus.exchange(0b1100_0001)).toBe(0b0101_1010);
    expect([chip.held, bus.exchange(0)]).toEqual([0b1000_0011, 0b1100_0001]);
    chip.order = 'lsb-first';
    bus.wordBits = 16;
    bus.exchange(0x1234);
    expect(chip.seen.slice(-2)).toEqual(['8:34', '8:12']);
  });

  it('in a mode in which the chip does not work are a mistake of the guest', () => {
    const { bus, bench, chip } = setUp();
    bus.mode = 1;
    bus.select(1);
    expect([bus.exchange(0), chip.seen]).toEqual([0xff, ['select']]);
    expect(bench.guestErrors[0]?.message).toContain('mode 1');
    bus.mode = 3;
    expect(bus.exchange(0)).toBe(0x5a);
  });

  it('go to all chips that are selected, and a zero of any is read', () => {
    const { bus, chip } = setUp();
    const other = testBench(Echo).device;
    other.held = 0x0f;
    bus.attach(other, 0);
    bus.select(0);
    bus.select(1);
    expect([bus.exchange(0x77), chip.held, other.held]).toEqual([0x0a, 0x77, 0x77]);
  });

  it('reach no chip that was removed in mid-transfer', () => {
    const { bus, unplug, chip } = setUp();
    bus.select(1);
    unplug();
    expect([bus.exchange(1), chip.seen]).toEqual([0xff, ['select']]);
    bus.deselect(1);
  });

  it('can be a transfer at once', () => {
    const { bus, chip } = setUp();
    expect(bus.transfer(1, [0x9f], 2)).toEqual([0x9f, 0]);
    expect(chip.seen.at(-1)).toBe('deselect');
  });

  it('end with a reset of the controller, which deselects', () => {
    const { bus, chip } = setUp();
    bus.wordBits = 16;
    bus.select(1);
    bus.reset();
    expect([chip.seen, bus.wordBits]).toEqual([['select', 'deselect'], 8]);
  });

  it('are put into words for an observer', () => {
    const { bus } = setUp();
    const words: string[] = [];
    bus.observer = (line) => words.push(line);
    bus.transfer(1, [0x9f, 1], 1);
    bus.exchange(7);
    expect(words).toEqual(['spi 1 9f>5a 01>9f 00>01']);
  });
});

describe('a chip select', () => {
  it('is one that the bus has, and of one chip', () => {
    const { bus } = setUp(4);
    const another = testBench(Echo).device;
    expectRefusal(() => bus.attach(another, 1), 'spi-select-taken', "'echo'", '1');
    expectRefusal(() => bus.attach(another, 4), 'invalid-spi-select', 'from 0 to 3');
    expectRefusal(() => new SpiBus({ selects: 0 }), 'invalid-spi-selects', '0');
    expect(['0', '3', '4', '-1', 'x', ''].map((text) => bus.parse(text))).toEqual([0, 3, ...Array(4).fill(undefined)]);
    expect([bus.assign(another.metadata, [0, 1]), bus.assign(another.metadata, [0, 1, 2, 3])]).toEqual([2, undefined]);
  });
});

/** Command 0x0b takes an address of two bytes; the rest none. */
@device({ type: 'commanded', description: 'Begins with a command byte' })
class Commanded extends SpiCommandDevice {
  readonly seen: string[] = [];

  protected onCommand(command: number): number {
    return command === 0x0b ? 2 : 0;
  }

  protected onData(byte: number): number {
    this.seen.push(`${this.command.toString(16)} ${this.address.toString(16)} ${byte.toString(16)}`);
    return this.address++ & 0xff;
  }

  get waits(): boolean {
    return this.command === NoCommand;
  }
}

describe('a chip with a command byte', () => {
  it('gets the command, the address and each byte after them', () => {
    const bus = new SpiBus();
    const chip = testBench(Commanded).device;
    bus.attach(chip, 0);
    expect(bus.transfer(0, [0x0b, 0x12, 0x34], 2)).toEqual([0x34, 0x35]);
    expect(bus.transfer(0, [0x05], 1)).toEqual([0]);
    expect(chip.seen).toEqual(['b 1234 0', 'b 1235 0', '5 0 0']);
    bus.select(0);
    expect(chip.waits).toBe(true);
  });
});
