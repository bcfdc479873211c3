import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Debugcon } from '../../devices/index.ts';
import { pcFirmware, pcI440fx } from '../../machines/index.ts';
import { ringBuffer } from '../../sdk/backend.ts';
import { type MachineDefinition, MiB, use } from '../../sdk/index.ts';
import { Machine, type RunOutcome, simulatedAccelerator } from '../../sdk/runtime.ts';
import { needs, whyNoX86 } from '../needs.ts';
import { x86 } from './bare-processor.ts';

const pc = { ...pcI440fx, devices: [...pcI440fx.devices, use(Debugcon, { id: 'console' })] } as MachineDefinition;
const guest = { name: 'the firmware', pieces: [], start: 'reset' } as const;
const Whole = 150_000;

const request = async () => ({
  firmware: pcFirmware(),
  ram: 16 * MiB,
  accelerator: simulatedAccelerator({ machineCode: await x86() }),
  backends: [ringBuffer({ id: 'serial0' })],
});

/** Everything of a machine: registers, RAM, devices, time, queued writes. */
const digest = (machine: Machine): string => createHash('sha256').update(JSON.stringify(machine.save())).digest('hex');

const run = async (operations: number): Promise<{ machine: Machine; outcome: RunOutcome }> => {
  const machine = Machine.create(pc, await request());
  return { machine, outcome: machine.run(guest, { operationLimit: operations }) };
};

describe('a machine that executes its firmware', needs('host', whyNoX86()), () => {
  it('is the same at the end of each run', async () => {
    const digests = [await run(Whole), await run(Whole)].map(({ machine }) => digest(machine));
    expect(digests[1]).toBe(digests[0]);
    expect(digests[1]).not.toBe(digest((await run(Whole - 1000)).machine));
  });

  it.each([1, 1234, 45_678])('goes on the same in another process after %i instructions', async (operations) => {
    const { machine, outcome } = await run(operations);
    const saved: unknown = JSON.parse(JSON.stringify(machine.save()));
    expect(outcome.operations).toBe(operations);
    const left = { operationLimit: Whole - operations };
    const other = Machine.restore(pc, saved, { ...(await request()), guests: guest });
    machine.resume(left);
    other.resume(left);
    expect(digest(other)).toBe(digest(machine));
    expect(digest(other)).toBe(digest((await run(Whole)).machine));
  });
});
