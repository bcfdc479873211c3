import { describe, expect, it } from 'vitest';
import { Port92 } from '../../devices/index.ts';
import { isapc } from '../../machines/index.ts';
import { use } from '../../sdk/index.ts';
import { Machine } from '../../sdk/runtime.ts';
import { testBench } from '../../sdk/testing/index.ts';

const Port = 0x92;

describe('port 0x92', () => {
  it('keeps the bit A20, and the bits beside it', () => {
    const bench = testBench(Port92);
    expect(bench.in8(Port)).toBe(0);
    bench.out8(Port, 0x02);
    expect(bench.in8(Port)).toBe(0x02);
    bench.out8(Port, 0xfc);
    expect([bench.in8(Port), bench.requestedResets]).toEqual([0xfc, []]);
  });

  it('says that a closed A20 gate masks no address, and nothing when it is opened', () => {
    const bench = testBench(Port92);
    bench.out8(Port, 0x02);
    expect(bench.guestErrors).toEqual([]);
    bench.out8(Port, 0x00);
    expect(bench.guestErrors).toEqual([expect.objectContaining({ message: expect.stringContaining('A20') })]);
  });

  it('resets the machine when bit 0 rises, and not while it stays', () => {
    const bench = testBench(Port92);
    for (const value of [0x01, 0x03, 0x02, 0x01]) bench.out8(Port, value);
    expect(bench.requestedResets).toEqual(['fast reset by port 0x92', 'fast reset by port 0x92']);
  });

  it('is clear after the reset that it has asked for, and resets once more', () => {
    const machine = Machine.create({ ...isapc, devices: [...isapc.devices, use(Port92)] });
    for (let turn = 0; turn < 2; turn++) {
      machine.io.write(Port, 0x03, 1);
      expect(machine.io.read(Port, 1)).toBe(0x03);
      machine.settle();
      expect(machine.io.read(Port, 1)).toBe(0);
    }
  });

  it('keeps its bits in a snapshot', () => {
    const definition = { ...isapc, devices: [...isapc.devices, use(Port92)] };
    const machine = Machine.create(definition);
    machine.io.write(Port, 0x02, 1);
    const restored = Machine.restore(definition, machine.save());
    expect(restored.io.read(Port, 1)).toBe(0x02);
  });
});
