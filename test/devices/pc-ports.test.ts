import { describe, expect, it } from 'vitest';
import { IsaDebugExit, PostPort, Pvpanic } from '../../devices/index.ts';
import { use } from '../../sdk/index.ts';
import { guestProgram, Machine } from '../../sdk/runtime.ts';
import { testBench } from '../../sdk/testing/index.ts';
import { isapc } from '../small-machines.ts';

const withPorts = { ...isapc, devices: [...isapc.devices, use(IsaDebugExit), use(Pvpanic), use(PostPort)] };

describe('isa-debug-exit', () => {
  it.each([
    [0, 1],
    [1, 3],
    [0x10, 33],
    [0xff, 255],
  ])('makes of %i the exit status %i', (value, status) => {
    const bench = testBench(IsaDebugExit);
    bench.out8(0x501, value);
    expect(bench.requestedPowerOffs.map((one) => one.status)).toEqual([status]);
    expect([bench.in8(0x501), bench.in16(0x501), bench.in8(0x503)]).toEqual([0, 0, 0xff]);
  });

  it('ends the run after the access, and a later run goes on', () => {
    const machine = Machine.create(withPorts);
    const done: string[] = [];
    const guest = guestProgram('exit', function* (guest) {
      yield* guest.out16(0x501, 0x03);
      done.push('after');
      yield* guest.in8(0x80);
    });
    const outcome = machine.run(guest);
    expect(outcome).toMatchObject({ reason: 'powered-off', status: 7 });
    expect(outcome.message).toContain('status 7');
    expect(machine.resume().reason).toBe('finished');
    expect(done).toEqual(['after']);
  });

  it('moves to the port that tests use', () => {
    const bench = testBench(IsaDebugExit, { options: { iobase: 0xf4 } });
    bench.out32(0xf4, 0x21);
    expect(bench.requestedPowerOffs[0]?.status).toBe(0x43);
  });

  it('leaves a machine alone that does not run', () => {
    const machine = Machine.create(withPorts);
    machine.io.write(0x501, 0, 1);
    const program = guestProgram('nothing', function* (guest) {
      yield* guest.in8(0x80);
    });
    expect(machine.run(program)).toMatchObject({ reason: 'finished' });
  });
});

describe('pvpanic', () => {
  it('says which events there are', () => {
    expect(testBench(Pvpanic).in8(0x505)).toBe(3);
    expect(testBench(Pvpanic, { options: { ioport: 0x600, events: 1 } }).in8(0x600)).toBe(1);
  });

  it('ends the run of a guest that has panicked with status 1, also where it has loaded a kernel', () => {
    const machine = Machine.create(withPorts);
    const panic = guestProgram('panic', function* (guest) {
      yield* guest.out8(0x505, 3);
    });
    expect(machine.run(panic)).toMatchObject({ reason: 'powered-off', status: 1, message: 'The guest has panicked.' });
  });

  it('lets a guest go on that saves its memory, and tells the host', () => {
    const bench = testBench(Pvpanic);
    let told = 0;
    bench.device.crashLoaded = () => told++;
    bench.out8(0x505, 2);
    expect([told, bench.requestedPowerOffs, bench.guestErrors]).toEqual([1, [], []]);
  });

  it('notes an event that it does not know', () => {
    const bench = testBench(Pvpanic);
    bench.out8(0x505, 0x84);
    expect(bench.guestErrors[0]?.message).toContain('0x84');
    expect(bench.requestedPowerOffs).toEqual([]);
  });
});

describe('port 0x80', () => {
  it('keeps the last code, over a reset too, and reads back', () => {
    const bench = testBench(PostPort);
    const codes: number[] = [];
    bench.device.output = (code) => codes.push(code);
    for (const code of [0x01, 0xd0, 0xff]) bench.out8(0x80, code);
    bench.reset();
    expect([codes, bench.in8(0x80)]).toEqual([[0x01, 0xd0, 0xff], 0xff]);
    bench.out8(0x80, 0x5a);
    expect(bench.in16(0x80)).toBe(0xff5a);
  });

  it('costs a guest no exit, and a snapshot has the last code', () => {
    const machine = Machine.create(withPorts);
    const delays = guestProgram('delays', function* (guest) {
      for (let code = 0; code < 50; code++) yield* guest.out8(0x80, code);
    });
    machine.run(delays);
    const { userspaceExits, coalescedWrites } = machine.accelerator.statistics.summary();
    expect({ userspaceExits, coalescedWrites }).toEqual({ userspaceExits: 0, coalescedWrites: 50 });
    expect(Machine.restore(withPorts, machine.save()).io.read(0x80, 1)).toBe(49);
  });
});
