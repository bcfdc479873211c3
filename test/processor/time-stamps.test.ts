import { describe, expect, it } from 'vitest';
import { pcI440fx } from '../../machines/index.ts';
import { FlatBinary } from '../../sdk/accelerator/guest/flat-binary.ts';
import { EpochMovesAt } from '../../sdk/clock/time.ts';
import { MILLISECOND, MiB } from '../../sdk/index.ts';
import { Machine, simulatedAccelerator } from '../../sdk/runtime.ts';
import { needs, whyNoX86 } from '../needs.ts';
import { code, x86 } from './bare-processor.ts';

/** rdtsc; mov [0x2000], eax; mov [0x2004], edx; again: four instructions of 10 ns. */
const clock = new FlatBinary({
  name: 'clock',
  bytes: code('0f 31 66 a3 00 20 66 89 16 04 20 eb f3'),
  address: 0x1000,
});

/** Runs the guest for two half milliseconds: how far its time stamp counter goes, and guest time within the epoch. */
async function secondHalf(startAt: number): Promise<{ stamps: number; within: number }> {
  const machine = Machine.create(pcI440fx, {
    ram: 16 * MiB,
    startAt,
    accelerator: simulatedAccelerator({ machineCode: await x86() }),
  });
  const stamp = () => machine.memory.read(0x2000, 4) + 2 ** 32 * machine.memory.read(0x2004, 4);
  const within = machine.clock.now;
  machine.run(clock, { operationLimit: 50_000 });
  const before = stamp();
  machine.resume({ operationLimit: 50_000 });
  return { stamps: stamp() - before, within: machine.clock.now - within };
}

describe('the time stamp counter of machine code', needs('host', whyNoX86()), () => {
  it('counts nanoseconds of guest time, also where the epoch of that moves on', async () => {
    expect(await secondHalf(0)).toEqual({ stamps: MILLISECOND / 2, within: MILLISECOND });
    const { stamps, within } = await secondHalf(EpochMovesAt - (3 * MILLISECOND) / 4);
    expect(within).toBeLessThan(0);
    expect(stamps).toBe(MILLISECOND / 2);
  });
});
