import { describe, expect, it } from 'vitest';
import type { GuestBody, SliceEnd } from '../../sdk/accelerator/index.ts';
import { guestProgram } from '../../sdk/accelerator/index.ts';
import { MILLISECOND } from '../../sdk/clock/index.ts';
import { expectRefusal } from '../refusal.ts';
import { indexAndData, plainPort, SmallMachine } from './small-machine.ts';

const tenWrites: GuestBody = function* (guest) {
  for (let value = 0; value < 10; value++) yield* guest.out8(0x80, value);
};

function begun(body: GuestBody, machine = new SmallMachine([plainPort(), ...indexAndData()])) {
  machine.accelerator.load([guestProgram('guest', body)]);
  machine.accelerator.begin();
  return machine;
}

describe('a run in slices', () => {
  it('executes as many operations as the slice allows, and counts those of the whole run in its outcome', () => {
    const { accelerator, seen } = begun(tenWrites);
    expect(accelerator.runSlice({ operations: 4 })).toBe('under-way');
    expect(seen).toHaveLength(4);
    expect(accelerator.runSlice({ operations: 4 })).toBe('under-way');
    expect(seen).toHaveLength(8);
    expect(accelerator.runSlice({ operations: 4 })).toMatchObject({ reason: 'finished', operations: 10 });
  });

  it('drains nothing at the end of a slice', () => {
    const { accelerator, seen } = begun(function* (guest) {
      for (let value = 0; value < 10; value++) yield* guest.out8(0x70, value);
    });
    expect(accelerator.runSlice({ operations: 5 })).toBe('under-way');
    expect(accelerator.queuedWrites).toBe(5);
    expect(seen).toEqual([]);
  });

  it('ends a slice by timers too, while the guest waits in a HLT or a pause', () => {
    for (const wait of ['hlt', 'pause'] as const) {
      const machine = new SmallMachine([plainPort()], {
        interruptController: { pending: false, acknowledge: () => 0 },
      });
      const tick = machine.clock.timer('tick', () => tick.arm(machine.clock.now + MILLISECOND));
      tick.arm(MILLISECOND);
      begun(function* (guest) {
        yield* guest.sti();
        yield* wait === 'hlt' ? guest.hlt() : guest.pause(1000 * MILLISECOND);
      }, machine);
      for (let slice = 1; slice < 20; slice++) {
        expect(machine.accelerator.runSlice({ operations: 10 })).toBe('under-way');
        expect(machine.clock.now).toBeLessThanOrEqual(slice * 10 * MILLISECOND);
      }
      expect(machine.clock.now).toBeGreaterThan(100 * MILLISECOND);
    }
  });

  it('ends between two slices by pause(), with nothing more executed, and goes on in another run', () => {
    const { accelerator, seen } = begun(tenWrites);
    accelerator.runSlice({ operations: 3 });
    accelerator.pause();
    expect(accelerator.runSlice({ operations: 100 })).toMatchObject({ reason: 'paused', operations: 3 });
    expect(seen).toHaveLength(3);
    expect(accelerator.run()).toMatchObject({ reason: 'finished', operations: 7 });
  });

  it('ends by the reset button between two slices, and the guest begins anew afterwards', () => {
    const machine = begun(tenWrites);
    machine.accelerator.runSlice({ operations: 3 });
    machine.accelerator.requestReset();
    expect(machine.accelerator.runSlice({ operations: 100 })).toMatchObject({ reason: 'reset', operations: 3 });
    expect(machine.resets).toBe(1);
    expect(machine.accelerator.run()).toMatchObject({ reason: 'finished', operations: 10 });
  });

  it('can be saved between two slices, and goes on as if it had not been', () => {
    const machine = begun(function* (guest) {
      for (let value = 0; value < 5; value++) {
        yield* guest.out8(0x70, value);
        yield* guest.in8(0x71);
      }
    });
    let outcome: SliceEnd = 'under-way';
    while (outcome === 'under-way') {
      machine.accelerator.settle();
      expect(machine.accelerator.queuedWrites).toBe(0);
      outcome = machine.accelerator.runSlice({ operations: 1 });
    }
    expect(outcome).toMatchObject({ reason: 'finished', operations: 10 });
    expect(machine.seen).toHaveLength(10);
  });

  it('refuses another run while it is under way, and a slice without a run', () => {
    const { accelerator } = begun(tenWrites);
    accelerator.runSlice({ operations: 1 });
    expectRefusal(() => accelerator.run(), 'machine-running', 'in slices');
    expectRefusal(() => accelerator.runSlice({ operations: -1 }), 'invalid-run-option', '-1');
    expect(accelerator.runSlice({ operations: 100 })).toMatchObject({ reason: 'finished' });
    expectRefusal(() => accelerator.runSlice({ operations: 1 }), 'machine-running', 'begin');
  });

  it('is over when a device has failed: another run can be made', () => {
    let fails = true;
    const broken = {
      ...plainPort(),
      write() {
        if (fails) throw new Error('broken');
      },
    };
    const { accelerator } = begun(tenWrites, new SmallMachine([broken]));
    expect(() => accelerator.runSlice({ operations: 5 })).toThrow('broken');
    fails = false;
    expect(accelerator.run()).toMatchObject({ reason: 'finished' });
  });
});
