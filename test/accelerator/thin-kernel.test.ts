import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { pcI440fx } from '../../machines/index.ts';
import type { Guest, GuestStep } from '../../sdk/accelerator/index.ts';
import { replayTrace } from '../../sdk/analysis/replay.ts';
import { readTrace } from '../../sdk/cli/replay/trace-file.ts';
import { formatExits } from '../../sdk/cli/run-output.ts';
import { MICROSECOND } from '../../sdk/clock/index.ts';
import { indexAndData, plainPort, SmallMachine, type SmallMachineOptions } from './small-machine.ts';
import { thinAccelerator } from './thin-kernel.ts';

function* guestBody(guest: Guest): GuestStep<void> {
  for (let index = 0; index < 400; index++) yield* guest.out8(0x70, index & 0xff);
  yield* guest.in8(0x71);
  yield* guest.store32(0xa0ffe, 0x4433_2211);
  yield* guest.load32(0xa0000);
  yield* guest.out8(0x70, 0x8f);
  yield* guest.pause(20 * MICROSECOND);
  yield* guest.out8(0x80, 1);
  yield* guest.out8(0x70, 0x0b);
  yield* guest.hlt();
}

/** A timer expires while a write is queued; a memory range is coalesced in its first page only. */
function busyMachine(options: SmallMachineOptions = {}): SmallMachine {
  const screen = {
    name: 'screen',
    at: 0xa0000,
    size: 0x2000,
    space: 'memory',
    coalesced: { offset: 0, size: 0x1000 },
  } as const;
  const machine = new SmallMachine([...indexAndData(), plainPort(), screen], options);
  const timer = machine.clock.timer('late', () => machine.seen.push(`timer at ${machine.clock.now}`));
  timer.arm(10 * MICROSECOND);
  const second = machine.clock.timer('later', () => machine.seen.push(`timer at ${machine.clock.now}`));
  second.arm(290 * MICROSECOND);
  machine.run(guestBody);
  return machine;
}

describe('a kernel that has nothing but the interface of KVM', () => {
  it('serves its guest as the simulated one does: the same accesses and timers, in order', () => {
    const simulated = busyMachine();
    const thin = busyMachine({ accelerator: thinAccelerator() });
    expect(thin.seen).toEqual(simulated.seen);
    expect(thin.seen.filter((line) => line.startsWith('timer'))).toHaveLength(2);
    expect(thin.accelerator.zones).toEqual(simulated.accelerator.zones);
  });

  it('counts the same userspace exits, queued writes and drains', () => {
    const counts = ({ accelerator }: SmallMachine) => {
      const { userspaceExits, portUserspaceExits, memoryUserspaceExits, haltExits } = accelerator.statistics.summary();
      const { coalescedWrites, ringFullExits, drainsAtExits, otherDrains } = accelerator.statistics.summary();
      return [
        ...[userspaceExits, portUserspaceExits, memoryUserspaceExits, haltExits],
        ...[coalescedWrites, ringFullExits, drainsAtExits, otherDrains],
      ];
    };
    const simulated = counts(busyMachine());
    expect(counts(busyMachine({ accelerator: thinAccelerator() }))).toEqual(simulated);
    expect(simulated).toEqual([7, 4, 2, 1, 401, 2, 5, 2]);
  });

  it('moves its clock by its own time, whatever the zero of that is', () => {
    const thin = busyMachine({ accelerator: thinAccelerator() });
    const simulated = busyMachine();
    expect(thin.clock.now).toBe(simulated.clock.now);
    expect(thin.accelerator.guestTime).toBe(simulated.accelerator.guestTime);
  });

  it('says that it does not know what KVM does not tell, and never 0', () => {
    const { statistics } = busyMachine({ accelerator: thinAccelerator() }).accelerator;
    const summary = JSON.parse(JSON.stringify(statistics.summary()));
    const unknown = ['vmExits', 'ioeventfdSignals', 'injectedInterrupts', 'longestWait', 'modelledTime', 'costs'];
    for (const name of unknown) expect(summary, name).toHaveProperty(name, null);
    expect(summary).toMatchObject({ userspaceExits: 7, coalescedWrites: 401 });
    const text = formatExits(statistics);
    expect(text).toMatch(/^ *VM exits +not known$/m);
    expect(text).toMatch(/^ *longest wait of a queued write +not known$/m);
    expect(text).toMatch(/^ *time in exits, modelled +not known$/m);
    expect(text).toMatch(/^ * +IO Port Access not known/m);
    expect(text).toMatch(/^ *userspace exits +7$/m);
    expect([statistics.vmExits, statistics.longestWait, statistics.portRows()]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it.each([
    ['none', { coalescedMmio: false, coalescedPio: false }, 41_342],
    ['those of the machine', {}, 4_098],
  ])('replays SeaBIOS with as many userspace exits as the simulated one, zones: %s', async (_zones, options, exits) => {
    const path = fileURLToPath(new URL('../../examples/recordings/seabios-pc-tcg.iotrace.gz', import.meta.url));
    const trace = await readTrace(path, { name: 'seabios-pc-tcg' });
    const setup = { definition: pcI440fx, accelerator: options, createAccelerator: thinAccelerator };
    const { statistics } = replayTrace(trace, setup);
    // The HLT behind the recording is one more.
    expect(statistics.userspaceExits - 1).toBe(exits);
    expect(statistics.coalescedWrites).toBe(41_342 - exits);
  });

  it('starts counting anew', () => {
    const { statistics } = busyMachine({ accelerator: thinAccelerator() }).accelerator;
    statistics.reset();
    expect(statistics.summary()).toMatchObject({ userspaceExits: 0, coalescedWrites: 0, vmExits: null });
  });
});
