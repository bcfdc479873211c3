import { beforeEach, expect, it } from 'vitest';
import { Sbcon } from '../../../devices/index.ts';
import { board } from '../../../machines/index.ts';
import { I2cBus, I2cDevice } from '../../../sdk/i2c.ts';
import { device, MiB, use } from '../../../sdk/index.ts';
import { Machine } from '../../../sdk/runtime.ts';

@device({ type: 'mover', description: 'Answers where the last byte says' })
class Mover extends I2cDevice {
  override onWrite(byte: number): boolean {
    this.busAddress = byte;
    return true;
  }

  override onRead(): number {
    return this.pluggedAt;
  }
}

let machine: Machine;
const transfer = (at: number, bytes: readonly number[], count: number) =>
  machine.device(Sbcon).i2c.transfer(at, bytes, count);

beforeEach(() => {
  const movers = ['0x20', '0x21'].map((addr) => use(Mover, { id: `at-${addr}`, bus: 'sbcon', addr }));
  machine = Machine.create({ ...board, devices: [...board.devices, ...movers] }, { ram: 1 * MiB });
});

it('a guest that moves a target to the address of another one cannot keep either from being swapped', () => {
  transfer(0x20, [0x21], 0);
  machine.swap('at-0x21', Mover);
  expect(transfer(0x21, [], 1)).toEqual([0x20 & 0x21]);
  machine.unplug('at-0x20');
  expect(transfer(0x21, [], 1)).toEqual([0x21]);
});

it('a target that has moved answers there after its controller was swapped, in a transfer too', () => {
  transfer(0x20, [0x21], 0);
  transfer(0x21, [0x33], 0);
  const { i2c } = machine.device(Sbcon);
  expect([i2c instanceof I2cBus, i2c.start(0x33, 'read')]).toEqual([true, true]);
  machine.swap('sbcon', Sbcon);
  expect(machine.device(Sbcon).i2c.read()).toBe(0x20 & 0x21);
  expect([transfer(0x33, [], 1), transfer(0x20, [], 1)]).toEqual([[0x20], []]);
  machine.reset();
  expect([transfer(0x33, [], 1), transfer(0x20, [], 1), transfer(0x21, [], 1)]).toEqual([[], [0x20], [0x21]]);
});
