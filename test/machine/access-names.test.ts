import { beforeEach, describe, expect, it } from 'vitest';
import { Edu } from '../../devices/index.ts';
import { defineMachine, device, IsaDevice, indexedRegisters, portRegion, use } from '../../sdk/index.ts';
import { describeAccess, Machine } from '../../sdk/runtime.ts';
import { pcI440fx } from '../small-machines.ts';

const ports = portRegion({ name: 'drawers', base: 0x300, size: 8, accessSizes: [1, 2] });
const index = ports.register(0, { width: 8 });
const drawers = indexedRegisters({ index, data: 1 });

@device({ type: 'cupboard', description: 'Drawers behind an index, a row of labels, and a lamp without a register' })
class Cupboard extends IsaDevice {
  @index index = 0;
  @drawers.register(4, { width: 8, count: 2 }) readonly drawers = new Uint8Array(2);
  @ports.register(2, { width: 16, count: 2 }) readonly labels = new Uint16Array(2);
  lamp = 0;

  @ports.write(7)
  switch(value: number): void {
    this.lamp = value;
  }
}

describe('an access is told in the words of the device', () => {
  let machine: Machine;
  beforeEach(() => {
    const devices = [...pcI440fx.devices, use(Cupboard), use(Edu, { addr: '05.0' })];
    machine = Machine.create(defineMachine({ ...pcI440fx, devices }));
    machine.io.write(0xcf8, 0x8000_2810, 4);
    machine.io.write(0xcfc, 0xe000_0000, 4);
    machine.io.write(0xcf8, 0x8000_2804, 4);
    machine.io.write(0xcfc, 2, 2);
  });
  const port = (address: number, size = 1) => describeAccess(machine, { isPort: true, address, size });
  const memory = (address: number, size: number, value?: number) =>
    describeAccess(machine, { isPort: false, address, size, ...(value === undefined ? {} : { value }) });

  it('a register by its name and fields, and a part of it by where it begins', () => {
    expect(memory(0xe000_0020, 4, 0x81)).toBe('edu: status computing=1 interruptWhenDone=1');
    expect(memory(0xe000_0020, 4)).toBe('edu: status');
    expect(memory(0xe000_0008, 4, 5)).toBe('edu: factorial');
    expect(memory(0xe000_0022, 2, 0)).toBe('edu: status, from byte 2');
  });

  it('one of an array by its number', () => {
    expect([port(0x302, 2), port(0x304, 2), port(0x305)]).toEqual([
      'cupboard: labels[0]',
      'cupboard: labels[1]',
      'cupboard: labels[1], from byte 1',
    ]);
  });

  it('a register behind a data port by what the index register holds', () => {
    const seen = [4, 5, 6].map((chosen) => {
      machine.io.write(0x300, chosen, 1);
      return port(0x301);
    });
    expect(seen).toEqual(['cupboard: drawers[0]', 'cupboard: drawers[1]', 'cupboard: drawers+0x1']);
  });

  it('what is no register by region and offset, and neither RAM nor an empty place at all', () => {
    expect([port(0x307), port(0x21), port(0x5000), memory(0x1000, 4), memory(0xd000_0000, 4)]).toEqual([
      'cupboard: drawers+0x7',
      expect.stringMatching(/^pic: .*\+0x1$/),
      undefined,
      undefined,
      undefined,
    ]);
  });
});
