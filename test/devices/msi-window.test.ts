import { beforeEach, describe, expect, it } from 'vitest';
import { MsiWindow } from '../../devices/msi-window.ts';
import { defineMachine, MiB, use } from '../../sdk/index.ts';
import { PciBus } from '../../sdk/pci.ts';
import { Machine } from '../../sdk/runtime.ts';
import { type TestBench, testBench } from '../../sdk/testing/index.ts';
import { expectRefusal } from '../refusal.ts';
import { empty, pcI440fx } from '../small-machines.ts';

let bench: TestBench<MsiWindow>;
const send = (data: number, address = 0xfee0_0000) => bench.store32(address, data);

beforeEach(() => {
  bench = testBench(MsiWindow);
});

describe('the window of messages', () => {
  it('asks for the vector in the low byte, whatever the processor that is named', () => {
    expect(bench.device.pending).toBe(false);
    send(0x4041, 0xfeeff00c);
    expect([bench.device.pending, bench.device.acknowledge(), bench.device.pending]).toEqual([true, 0x41, false]);
  });

  it('gives the highest vector first, and each once', () => {
    for (const vector of [0x30, 0xff, 0x31, 0x30, 0x10]) send(vector);
    expect([1, 2, 3, 4].map(() => bench.device.acknowledge())).toEqual([0xff, 0x31, 0x30, 0x10]);
    expect(bench.device.pending).toBe(false);
  });

  it('takes the lowest-priority mode for the fixed one: there is one processor', () => {
    send(0x0150);
    expect(bench.device.acknowledge()).toBe(0x50);
  });

  it.each([
    [0x0250, 'delivery mode 2'],
    [0x0450, 'delivery mode 4'],
    [0x000f, 'vector 15'],
  ])('refuses %x', (data, named) => {
    send(data);
    expect(bench.device.pending).toBe(false);
    expect(bench.guestErrors[0]?.message).toContain(named);
  });

  it('takes 32-bit writes only, reads as 0, and is cleared by a reset', () => {
    bench.store16(0xfee0_0000, 0x41);
    expect([bench.device.pending, bench.load32(0xfee0_0000)]).toEqual([false, 0]);
    send(0x41);
    bench.reset();
    expect(bench.device.pending).toBe(false);
  });

  it('on a PC is seen by bus masters and not by the processor', () => {
    const machine = Machine.create(pcI440fx, { ram: 1 * MiB });
    machine.memory.write(0xfee0_0000, 0x41, 4);
    expect([machine.device(MsiWindow).pending, machine.memory.result]).toEqual([false, 2]);
    expect(machine.service(PciBus)?.busMasterMemory?.children[0]?.name).toBe('msi-window');
    machine.unplug('vga');
    expect(() => machine.unplug('msi')).toThrow("'msi'");
  });

  it('needs a PCI bus with an address space of bus masters', () => {
    const bare = defineMachine({ ...empty, devices: [use(MsiWindow)] });
    expect(Machine.create(bare, { ram: 1 * MiB }).device(MsiWindow).pending).toBe(false);
    const services = [[PciBus, new PciBus({ io: bench.io.root, memory: bench.memory.root })]] as const;
    expectRefusal(() => testBench(MsiWindow, { services }), 'missing-bus-master-memory', "'msi-window'");
  });
});
