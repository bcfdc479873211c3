import { describe, expect, it } from 'vitest';
import { Pl061, pl061Registers } from '../../devices/index.ts';
import { testBench } from '../../sdk/testing/index.ts';

const Direction = 0x400;
const Sense = 0x404;
const BothEdges = 0x408;
const Event = 0x40c;
const Mask = 0x410;
const RawStatus = 0x414;
const MaskedStatus = 0x418;
const Clear = 0x41c;
const Identification = 0xfe0;

function gpio() {
  const bench = testBench(Pl061);
  const window = bench.at(pl061Registers);
  return {
    bench,
    get: (register: number) => window.read32(register),
    set: (register: number, value: number) => window.write32(register, value),
    /** The address of the data register that has the mask in its bits 9 to 2. */
    data: (mask: number) => mask << 2,
    pin: (pin: number, level: boolean) => bench.setPin(`line[${pin}]`, level),
    get irq() {
      return bench.interrupts.irq.level;
    },
    get out() {
      return bench.device.out.map(({ level }) => Number(level)).join('');
    },
  };
}

/** @see Arm DDI 0190, 3.3 "Register descriptions" */
describe('PL061', () => {
  it('reads and writes only the pins of the mask in the address (3.3.1)', () => {
    const { get, set, data } = gpio();
    set(Direction, 0xff);
    set(data(0xff), 0xa5);
    set(data(0x0f), 0x00);
    expect(get(data(0xff))).toBe(0xa0);
    expect(get(data(0x20))).toBe(0x20);
    set(data(0x00), 0xff);
    expect(get(data(0xff))).toBe(0xa0);
  });

  it('drives outputs, reads inputs from their pins, and gives a pin its level only once it is an output', () => {
    const chip = gpio();
    chip.set(chip.data(0xff), 0xff);
    chip.pin(7, true);
    expect(chip.get(chip.data(0xff))).toBe(0x80);
    chip.set(Direction, 0x03);
    expect(chip.out).toBe('00000000');
    chip.set(chip.data(0xff), 0xfe);
    expect(chip.out).toBe('01000000');
    expect(chip.get(chip.data(0xff))).toBe(0x82);
    chip.set(Direction, 0);
    expect(chip.out).toBe('00000000');
  });

  it.each([
    ['a rising edge', { event: 1, both: 0 }, [true, false], [1, 1]],
    ['a falling edge', { event: 0, both: 0 }, [true, false], [0, 1]],
    ['both edges', { event: 0, both: 1 }, [true, false], [1, 1]],
  ])(
    'latches %s until it is cleared, and interrupts while it is unmasked (3.3.5)',
    (_, { event, both }, levels, raws) => {
      const chip = gpio();
      chip.set(Event, event);
      chip.set(BothEdges, both);
      const seen = levels.map((level) => {
        chip.pin(0, level);
        return chip.get(RawStatus);
      });
      expect(seen).toEqual(raws);
      expect([chip.get(MaskedStatus), chip.irq]).toEqual([0, false]);
      chip.set(Mask, 1);
      expect([chip.get(MaskedStatus), chip.irq]).toEqual([1, true]);
      chip.set(Clear, 1);
      expect([chip.get(RawStatus), chip.irq]).toEqual([0, false]);
    },
  );

  it('latches no edges of a pin while it is an output, and those of an input beside it', () => {
    const chip = gpio();
    chip.set(BothEdges, 0x03);
    chip.set(Mask, 0x03);
    chip.set(Direction, 0x01);
    for (const level of [true, false, true]) chip.pin(0, level);
    expect([chip.get(RawStatus), chip.irq]).toEqual([0, false]);
    chip.set(Direction, 0);
    expect([chip.get(RawStatus), chip.irq]).toEqual([0, false]);
    chip.set(Direction, 0x01);
    chip.pin(1, true);
    expect([chip.get(MaskedStatus), chip.irq]).toEqual([0x02, true]);
  });

  it('interrupts by level as long as the pin has it, and no clear takes it away (3.3.9)', () => {
    const chip = gpio();
    chip.set(Sense, 0x10);
    chip.set(Event, 0x10);
    chip.set(Mask, 0x10);
    chip.pin(4, true);
    chip.set(Clear, 0x10);
    expect([chip.get(MaskedStatus), chip.irq]).toEqual([0x10, true]);
    chip.pin(4, false);
    expect([chip.get(RawStatus), chip.irq]).toEqual([0, false]);
  });

  it('keeps the levels of its pins over a reset, and nothing else', () => {
    const chip = gpio();
    chip.set(Mask, 0xff);
    chip.set(Event, 0xff);
    chip.pin(2, true);
    expect(chip.irq).toBe(true);
    chip.bench.reset();
    expect([chip.get(RawStatus), chip.get(Mask), chip.irq]).toEqual([0, 0, false]);
    expect(chip.get(chip.data(0xff))).toBe(0x04);
  });

  it('is a PrimeCell, part 0x061 (3.3.11)', () => {
    const { get } = gpio();
    const bytes = Array.from({ length: 8 }, (_, index) => get(Identification + 4 * index));
    expect(bytes).toEqual([0x61, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1]);
  });
});
