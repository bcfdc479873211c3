import { describe, expect, it } from 'vitest';
import {
  bit,
  bits,
  device,
  IsaDevice,
  indexedRegisters,
  inject,
  MICROSECOND,
  mmioRegion,
  portRegion,
  reserved,
  VirtualClock,
} from '../../../sdk/index.ts';
import { RegisterMismatch, testBench } from '../../../sdk/testing/index.ts';
import { expectRefusal } from '../../refusal.ts';

const ports = portRegion({ name: 'oven', base: 0x300, size: 4, accessSizes: [1] });
const memory = mmioRegion({ name: 'oven-memory', base: 0xd_0000, size: 0x100, accessSizes: [4, 8] });
const status = ports.register(0, {
  width: 8,
  reset: 0x10,
  fields: {
    baking: bit(0),
    heat: bits(4, 5, 'read-write', { values: { Off: 0, Low: 1, High: 2 } }),
    rest: reserved([1, 3], [6, 7]),
  },
});
const index = ports.register(1, { width: 8 });
const settings = indexedRegisters({ index, data: 2 });

@device({ type: 'oven', description: 'An oven to test benches with' })
class Oven extends IsaDevice {
  @status status = 0x10;
  @index index = 0;
  @settings.register(7, { width: 8, reset: 0x21 }) timer = 0x21;
  @memory.register(0x20, { width: 64, reset: 0x1122_3344_5566_7788n }) serial = 0x1122_3344_5566_7788n;
  @memory.register(0x40, { width: 32, count: 4 }) readonly zones = new Uint32Array(4);

  constructor(@inject(VirtualClock) readonly clock: VirtualClock) {
    super();
  }
}

describe('registers by name on a bench', () => {
  it('are read and written as the guest does, by the field of the class or by what declared them', () => {
    const bench = testBench(Oven);
    expect(bench.register('status').read()).toBe(0x10);
    bench.register(status).write(0x21);
    expect(bench.in8(0x300)).toBe(0x21);
    expect(bench.device.status).toBe(0x21);
  });

  it('have 64 bits as a bigint, and elements by number', () => {
    const bench = testBench(Oven);
    expect(bench.register('serial').read()).toBe(0x1122_3344_5566_7788n);
    bench.register('serial').write(5n);
    expect(bench.device.serial).toBe(5n);
    bench.register('zones', 2).write(0xfeed);
    expect([...bench.device.zones]).toEqual([0, 0, 0xfeed, 0]);
    expect(bench.load32(0xd_0048)).toBe(0xfeed);
  });

  it('behind an index are selected first', () => {
    const bench = testBench(Oven);
    expect(bench.register('timer').read()).toBe(0x21);
    expect(bench.device.index).toBe(7);
  });

  it('have fields by number and by the name of a value; writing one leaves the others', () => {
    const bench = testBench(Oven);
    const heat = bench.register(status).field('heat');
    expect(heat.read()).toBe(1);
    bench.register(status).field('baking').write(1);
    heat.write('High');
    expect(bench.in8(0x300)).toBe(0x21);
    heat.expect('High');
    heat.expect(2);
  });

  it('say which register, which field, what was expected, what came, and when', () => {
    const bench = testBench(Oven);
    bench.clock.advance(1500 * MICROSECOND);
    const mismatch = (action: () => unknown, ...named: string[]) =>
      expectRefusal(action, 'register-mismatch', ...named);
    const whole = mismatch(() => bench.register('status').expect(0x21), "'status'", '0x0', "'oven'", '1.5 ms');
    expect(whole).toMatchObject({ expected: '0x21', actual: '0x10' });
    expect(whole.message).toMatch(/'baking' 0x1.*0x0.*'heat' 0x2.*0x1/);
    const heat = mismatch(() => bench.register('status').field('heat').expect('High'), "'status'", "'heat'", '1.5 ms');
    expect(heat).toMatchObject({ expected: '0x2 (High)', actual: '0x1 (Low)' });
    mismatch(() => bench.register('zones', 3).expect(1), "'zones[3]'", '0x4c', "'oven-memory'", '0x00000001');
    try {
      bench.register('status').expect(0);
    } catch (error) {
      expect(error).toBeInstanceOf(RegisterMismatch);
      expect(error).toMatchObject({ expected: '0x00', actual: '0x10' });
    }
    bench.register('status').expect(0x10);
  });

  it('that are not there are refused, with the name that was meant', () => {
    const bench = testBench(Oven);
    // @ts-expect-error: no such field of the class
    expectRefusal(() => bench.register('statsu'), 'no-such-register', 'Oven', "'statsu'", "'status'");
    // @ts-expect-error: no such field of the register
    expectRefusal(() => bench.register(status).field('haet'), 'no-such-field', "'haet'", "'heat'");
    const medium = () => bench.register('status').field('heat').write('Medium');
    expectRefusal(medium, 'no-such-field-value', "'heat'", "'Medium'", 'Off, Low, High');
  });

  it('are given what fits into them: an element or a value that does not is a mistake of the test', () => {
    const bench = testBench(Oven);
    const zone = bench.register('zones', 3);
    expectRefusal(() => bench.register('zones', 4), 'no-such-element', "'zones'", '0 to 3', '[4]');
    expectRefusal(() => bench.register('status', 1), 'no-such-element', "'status'", '[1]');
    expectRefusal(() => zone.write(2 ** 32), 'value-too-wide', '0x100000000', "'zones[3]'", "'oven-memory'", '32 bits');
    expectRefusal(() => zone.write(-1), 'value-too-wide', '-1');
    const two = () => bench.register('status').field('baking').write(2);
    expectRefusal(two, 'value-too-wide', '0x2', "'baking'", "'status'", '1 bit');
  });
});
