import { describe, expect, it } from 'vitest';
import { Edu, VirtioRng } from '../../devices/index.ts';
import { defineMachine, device, GiB, KiB, MILLISECOND, MiB, mmioRegion, SystemDevice, use } from '../../sdk/index.ts';
import { Machine } from '../../sdk/runtime.ts';
import { pcI440fx } from '../small-machines.ts';

/** Transfers of bus masters may end in handlers, byte by byte: the slowest place that there is. */
const slow = mmioRegion({ name: 'slow', base: 3 * GiB, size: 4 * MiB, accessSizes: [1] });

@device({ type: 'slow', description: 'counts the bytes that it is written' })
class Slow extends SystemDevice {
  bytes = 0;

  @slow.write()
  count(): void {
    this.bytes++;
  }

  @slow.read()
  nothing(): number {
    this.bytes++;
    return 0;
  }
}

/** At most this many calls of handlers in one instruction, or one firing of a timer: some milliseconds of the host. */
const Most = 4 * KiB;
const [RngPorts, EduBar, Queue] = [0xc000, 0xe000_0000, 0x4000] as const;
const machineOf = () => {
  const devices = [
    ...pcI440fx.devices,
    use(VirtioRng, { addr: '04.0' }),
    use(Edu, { addr: '05.0', options: { dmaMask: 2n ** 64n - 1n } }),
    use(Slow),
  ];
  const machine = Machine.create(defineMachine({ ...pcI440fx, devices }), { ram: 1 * MiB });
  const config = (slot: number, register: number, value: number) => {
    machine.io.write(0xcf8, 0x8000_0000 + (slot << 11) + register, 4);
    machine.io.write(0xcfc, value, 4);
  };
  config(4, 0x10, RngPorts);
  config(5, 0x10, EduBar);
  for (const slot of [4, 5]) config(slot, 4, 7);
  const counter = machine.device(Slow);
  /** Calls of handlers that this costs. */
  const cost = (access: () => void): number => {
    const before = counter.bytes;
    access();
    return counter.bytes - before;
  };
  /** The dearest of all firings of timers in this time. */
  const dearestTurn = (time: number): number => {
    const end = machine.clock.now + time;
    let dearest = 0;
    for (let next = machine.clock.nextDeadline(); next <= end; next = machine.clock.nextDeadline()) {
      dearest = Math.max(
        dearest,
        cost(() => machine.clock.advanceTo(next)),
      );
    }
    return dearest;
  };
  return { ...machine, machine, memory: machine.memory, io: machine.io, counter, cost, dearestTurn };
};

describe('one instruction of a hostile guest costs no more than some milliseconds', () => {
  it('when it notifies virtio-rng of eight buffers of 64 KiB in a region of handlers', () => {
    const { memory, io, counter, cost, dearestTurn } = machineOf();
    for (let index = 0; index < 8; index++) {
      memory.write64(Queue + 16 * index, BigInt(slow.base as number));
      memory.write(Queue + 16 * index + 8, 64 * KiB, 4);
      memory.write(Queue + 16 * index + 12, 2, 2);
      memory.write(Queue + 128 + 4 + 2 * index, index, 2);
    }
    memory.write(Queue + 128 + 2, 8, 2);
    io.write(RngPorts + 8, Queue >>> 12, 4);
    expect(cost(() => io.write(RngPorts + 0x12, 7, 1))).toBe(Most);
    expect(cost(() => io.write(RngPorts + 0x10, 0, 2))).toBe(Most);
    expect(dearestTurn(10 * MILLISECOND)).toBe(Most);
    expect([counter.bytes, memory.read(Queue + 0x1002, 2)]).toEqual([512 * KiB, 8]);
  });

  it('when the rings of a queue and its descriptors lie in a region of handlers', () => {
    const { io, cost, dearestTurn } = machineOf();
    io.write(RngPorts + 8, (slow.base as number) / 4096, 4);
    expect(cost(() => io.write(RngPorts + 0x12, 7, 1))).toBeLessThan(Most);
    expect(dearestTurn(10 * MILLISECOND)).toBeLessThan(Most);
  });

  it.each([0b01, 0b11])('when edu moves its whole buffer there, by the command %i', (command) => {
    const { memory, cost, dearestTurn } = machineOf();
    const [from, to] = command === 0b11 ? [0x4_0000, slow.base as number] : [slow.base as number, 0x4_0000];
    memory.write(EduBar + 0x80, from, 4);
    memory.write(EduBar + 0x88, to, 4);
    memory.write(EduBar + 0x90, 4 * KiB, 4);
    expect(cost(() => memory.write(EduBar + 0x98, command, 4))).toBe(0);
    expect(dearestTurn(200 * MILLISECOND)).toBe(Most);
  });
});
