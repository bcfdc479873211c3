import { describe, expect, it } from 'vitest';
import { metadataOf, registerAt, saveDevice } from '../../../sdk/device/index.ts';
import { bit, bits, device, IsaDevice, mmioRegion, reserved, SystemDevice } from '../../../sdk/index.ts';
import { registerDocument } from '../../../sdk/monitor/reference.ts';
import { bankOf, registerBank } from '../../../sdk/runtime.ts';
import { testBench } from '../../../sdk/testing/index.ts';
import { expectRefusal } from '../../refusal.ts';

const chip = registerBank({ name: 'sensor registers', size: 8 });
const control = chip.register(1, {
  width: 8,
  reset: 0x10,
  fields: { go: bit(0), rate: bits(4, 5), rest: reserved([1, 3], [6, 7]) },
});
const limits = chip.register(4, { width: 16, count: 2 });

/** A device whose registers no region has: whatever carries the accesses brings them. */
@device({ type: 'sensor', description: 'Registers in a bank of their own' })
class Sensor extends SystemDevice {
  @control control = 0x10;
  @limits limits = new Uint16Array(2);
  @chip.register(2, { width: 8, access: 'read-only' }) level = 0;
  started = 0;

  @control.onWrite('go')
  start(value: number): void {
    if (value === 1) this.started++;
  }
}

describe('a bank of registers that is no region', () => {
  it('builds no memory region', () => {
    expect(metadataOf(Sensor).regions).toEqual([]);
    expect(metadataOf(Sensor).registers.map(({ name }) => name)).toEqual(['control', 'level', 'limits']);
  });

  it('gives its carrier what the registers show, and calls their hooks', () => {
    const { device } = testBench(Sensor);
    const registers = bankOf(device, chip);
    registers.write(1, 0x31, 1);
    expect(registers.read(1, 1)).toBe(0x31);
    expect(device.started).toBe(1);
    registers.write(4, 0x1122_3344, 4);
    expect([...device.limits]).toEqual([0x3344, 0x1122]);
    expect(registers.read(5, 2)).toBe(0x2233);
    expect(registers.read64(0)).toBe(0x1122_3344_0000_3100n);
  });

  it('tells its carrier where a register is, and asks it for bytes that have none', () => {
    const bench = testBench(Sensor);
    const { device } = bench;
    const written: number[][] = [];
    const registers = bankOf(device, chip, {
      read: (offset, size) => (size === 1 ? 0xa0 + offset : 0),
      write: (offset, value, size) => written.push([offset, value, size]),
    });
    expect([0, 1, 2, 3, 4, 7].map((offset) => registers.has(offset))).toEqual([false, true, true, false, true, true]);
    expect(registers.read(0, 4)).toBe(0xa300_10a0);
    registers.write(0, 0x4433_2211, 4);
    expect(written).toEqual([
      [0, 0x11, 1],
      [3, 0x44, 1],
    ]);
    expect(device.control).toBe(0x20);
    expect(bench.guestErrors.map(({ message }) => message)).toEqual([
      "wrote 0x2 to reserved bits 1 to 3 of register 'control': must stay 0x0",
      "write to the read-only register 'level'",
    ]);
  });

  it('is looked at without consequences', () => {
    const { device } = testBench(Sensor);
    const registers = bankOf(device, chip);
    device.control = 0xff;
    expect(registers.peek(0, 4)).toBe(0x3100);
    expect(registers.peek(1, 1)).toBe(0x31);
    expect(device.started).toBe(0);
  });

  it('belongs to the state, the reset and the reference of the device', () => {
    const bench = testBench(Sensor);
    bench.register('control').write(0x21);
    bench.at(chip).write16(6, 0xbeef);
    const saved = saveDevice(bench.device);
    expect(JSON.stringify(saved)).toContain('"control":33');
    bench.device.reset();
    expect([bench.device.control, ...bench.device.limits]).toEqual([0x10, 0, 0]);
    expect(registerAt(metadataOf(Sensor).registers, chip, 7)).toMatchObject({ index: 1 });
    const reference = registerDocument(metadataOf(Sensor));
    expect(reference).toContain('## Registers of `sensor registers`');
    expect(reference).toContain('`limits[2]`');
  });

  it('ends where it says, for the register and for the access', () => {
    const registers = bankOf(testBench(Sensor).device, chip);
    expectRefusal(() => registers.read(6, 4), 'range-outside-region', 'sensor registers');
    const misplaced = () => {
      @device({ type: 'misplaced', description: 'A register past the end of its bank' })
      class Misplaced extends SystemDevice {
        @chip.register(7, { width: 16 }) value = 0;
      }
      return Misplaced;
    };
    expectRefusal(misplaced, 'range-outside-region', "'value'");
    expectRefusal(() => registerBank({ name: '', size: 1 }), 'region-without-name');
    expectRefusal(() => registerBank({ name: 'a', size: 1, base: 3 } as never), 'unknown-word', "'a'");
  });

  it('repeats its registers if it is mirrored', () => {
    const small = registerBank({ name: 'clock', size: 2, accessSizes: [1], mirrored: true });
    @device({ type: 'clock', description: 'Two registers over and over' })
    class Clock extends SystemDevice {
      @small.register(0, { width: 8 }) low = 0;
      @small.register(1, { width: 8 }) high = 0;
    }
    const registers = bankOf(testBench(Clock).device, small);
    registers.write(5, 7, 1);
    expect(registers.read(1, 1)).toBe(7);
    expect(registers.read(1, 2)).toBe(7);
  });

  it('stands beside regions in one class', () => {
    const window = mmioRegion({ name: 'window', base: 0x1000, size: 4 });
    @device({ type: 'both', description: 'A region and a bank' })
    class Both extends IsaDevice {
      @window.register(0, { width: 32 }) shown = 5;
      @chip.register(0, { width: 8 }) hidden = 0;
    }
    expect(metadataOf(Both).regions.map(({ template }) => template.name)).toEqual(['window']);
  });
});
