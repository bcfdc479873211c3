import { describe, expect, it } from 'vitest';
import {
  type Guest,
  type InterruptController,
  type RunOptions,
  TraceGuest,
  TraceParser,
} from '../../sdk/accelerator/index.ts';
import { MILLISECOND, SECOND } from '../../sdk/clock/index.ts';
import { indexAndData, plainPort, SmallMachine } from './small-machine.ts';

/** A controller with one line, which stays pending until it is acknowledged. */
class OneLine implements InterruptController {
  pending = false;

  acknowledge(): number {
    this.pending = false;
    return 0x70;
  }
}

/** A timer that expires again and again, and does `each` every time. */
function periodic(machine: SmallMachine, every: number, each: () => void = () => undefined): void {
  const timer = machine.clock.timer('periodic', () => {
    timer.arm(machine.clock.now + every);
    each();
  });
  timer.arm(every);
}

function* sleepOnce(guest: Guest) {
  yield* guest.sti();
  yield* guest.hlt();
}

describe('a processor that sleeps beside a busy one', () => {
  const machineOfTwo = (seed: number) => {
    const line = new OneLine();
    const machine = new SmallMachine([...indexAndData(), plainPort()], {
      interruptController: line,
      vcpus: 2,
      seed,
    });
    return { line, machine };
  };

  it.each([0, 1, 2, 3, 4, 5])(
    'wakes by each timer at its time, not when the other has used up its turn (seed %i)',
    (seed) => {
      const { line, machine } = machineOfTwo(seed);
      const handled: number[] = [];
      let isReady = false;
      periodic(machine, 1 * SECOND, () => {
        line.pending = true;
      });
      const outcome = machine.run([
        function* (guest) {
          guest.onInterrupt(0x70, function* (handler) {
            yield* handler.in8(0x71);
            handled.push(Math.floor(machine.clock.now / SECOND));
          });
          yield* guest.sti();
          isReady = true;
          for (let times = 0; times < 3; times++) yield* guest.hlt();
        },
        function* (guest) {
          while (!isReady) yield* guest.cli();
          for (let times = 0; times < 3; times++) yield* guest.pause(5 * SECOND);
          yield* guest.out8(0x80, 1);
        },
      ]);
      expect(handled).toEqual([1, 2, 3]);
      expect(outcome.reason).toBe('finished');
      // The other one has lost nothing of its pauses.
      expect(Math.floor(machine.clock.now / SECOND)).toBe(15);
      expect(machine.seen.at(-1)).toBe('out 0x80 = 0x1');
    },
  );

  it.each([0, 1, 2, 3, 4, 5])(
    'is interrupted at its time also where it spins instead of sleeping (seed %i)',
    (seed) => {
      const { line, machine } = machineOfTwo(seed);
      let handledAt = 0;
      let isReady = false;
      periodic(machine, 1 * SECOND, () => {
        line.pending = true;
      });
      machine.run([
        function* (guest) {
          guest.onInterrupt(0x70, function* (handler) {
            yield* handler.in8(0x71);
            handledAt ||= machine.clock.now;
          });
          yield* guest.sti();
          isReady = true;
          while (handledAt === 0) yield* guest.pause(10);
          yield* guest.cli();
        },
        function* (guest) {
          while (!isReady) yield* guest.cli();
          for (let times = 0; times < 3; times++) yield* guest.pause(5 * SECOND);
        },
      ]);
      expect(Math.floor(handledAt / SECOND)).toBe(1);
    },
  );

  it('finishes between two parts of the other one’s store, with what was queued delivered before the second part', () => {
    const line = new OneLine();
    const machine = new SmallMachine(
      [
        ...indexAndData(),
        {
          name: 'registers',
          at: 0xd0000,
          size: 0x2000,
          space: 'memory',
          write: () => {
            line.pending = true;
          },
        },
      ],
      { interruptController: line, vcpus: 2 },
    );
    machine.run(
      [
        function* (guest) {
          guest.onInterrupt(0x70, function* (handler) {
            yield* handler.out8(0x70, 0x0c);
            for (let left = 0; left < 100; left++) yield* handler.pause(1);
          });
          yield* sleepOnce(guest);
        },
        function* (guest) {
          yield* guest.pause(1 * MILLISECOND);
          yield* guest.store16(0xd0fff, 0x1122);
        },
      ],
      { progressEvery: 1, onProgress: () => machine.accelerator.queuedWrites > 0 && machine.accelerator.pause() },
    );
    expect(machine.seen).toEqual(['store 0xd0fff = 0x22', 'out 0x70 = 0xc', 'store 0xd1000 = 0x11']);
  });

  it('can be woken only where interrupts go, and the end of the run says so', () => {
    const { machine } = machineOfTwo(0);
    periodic(machine, 1 * SECOND);
    const outcome = machine.run([
      function* (guest) {
        yield* guest.out8(0x80, 1);
      },
      sleepOnce,
    ]);
    expect(outcome).toMatchObject({
      reason: 'halted',
      message: expect.stringMatching(
        /^HLT of vCPU 1 at \d+ ns of guest time: interrupts reach vCPU 0 only, and that one has finished\./,
      ),
    });
  });

  it('with interrupts off is named', () => {
    const { machine } = machineOfTwo(0);
    const outcome = machine.run([
      function* (guest) {
        yield* guest.hlt();
      },
      sleepOnce,
    ]);
    expect(outcome).toMatchObject({ reason: 'halted', message: expect.stringContaining('vCPU 0') });
  });
});

describe('a processor that waits', () => {
  const waitOn = (
    machine: SmallMachine,
    step: (guest: Guest) => Generator<undefined, void, undefined>,
    options?: RunOptions,
  ) =>
    machine.run(function* patient(guest) {
      yield* guest.out8(0x80, 1);
      yield* step(guest);
      yield* guest.out8(0x80, 2);
    }, options);

  it('in HLT for 20 s is woken, though a masked timer expires 8192 times a second meanwhile', () => {
    const line = new OneLine();
    const machine = new SmallMachine([plainPort()], { interruptController: line });
    periodic(machine, SECOND / 8192);
    machine.clock.after(20 * SECOND, () => {
      line.pending = true;
    });
    const outcome = waitOn(machine, function* (guest) {
      guest.onInterrupt(0x70, function* (handler) {
        yield* handler.pause(1);
      });
      yield* sleepOnce(guest);
    });
    expect(outcome.reason).toBe('finished');
    expect(Math.floor(machine.clock.now / SECOND)).toBe(20);
  });

  it('in HLT without hope is given up after some timers and an hour of guest time', () => {
    const machine = new SmallMachine([plainPort()], { interruptController: new OneLine() });
    periodic(machine, 100 * MILLISECOND);
    const outcome = waitOn(machine, sleepOnce);
    expect(outcome).toMatchObject({
      reason: 'halted',
      message: expect.stringContaining('100000 timers have expired in 10000 s'),
    });
  });

  it('in HLT or in a pause is given up after as many timers as the run allows', () => {
    const ends = [sleepOnce, (guest: Guest) => guest.pause(2 ** 50)].map((step) => {
      const machine = new SmallMachine([plainPort()], { interruptController: new OneLine() });
      periodic(machine, 1 * MILLISECOND);
      return waitOn(machine, step, { timerLimit: 1000 });
    });
    expect(ends[0]).toMatchObject({
      reason: 'halted',
      message: expect.stringContaining(': 1000 timers have expired in 1 s'),
    });
    expect(ends[1]).toMatchObject({
      reason: 'operation-limit',
      message: expect.stringMatching(/^Guest 'guest 0' .* 1000 timers .* 1000000 ns to 1000000000 ns .*timerLimit/),
    });
  });

  it('in pauses that are each in order is given up when the run has seen timers enough', () => {
    const machine = new SmallMachine([plainPort()]);
    periodic(machine, 1 * MILLISECOND);
    const outcome = machine.run(
      function* (guest) {
        while (true) yield* guest.pause(900 * MILLISECOND);
      },
      { timerLimit: 1000, operationLimit: 5 },
    );
    expect(outcome).toMatchObject({ reason: 'operation-limit', operations: 1 });
    expect(outcome.message).toContain("Guest 'guest 0' executed 1 operation ");
  });

  it('in one HLT after another is stopped at its operation limit', () => {
    const line = new OneLine();
    const machine = new SmallMachine([plainPort()], { interruptController: line });
    periodic(machine, 1 * MILLISECOND, () => {
      line.pending = true;
    });
    const progress: number[] = [];
    const outcome = machine.run(
      function* (guest) {
        guest.onInterrupt(0x70, function* (handler) {
          yield* handler.pause(1);
        });
        yield* guest.sti();
        while (machine.clock.now < 10 * SECOND) yield* guest.hlt();
      },
      { operationLimit: 1000, progressEvery: 300, onProgress: (operations) => progress.push(operations) },
    );
    expect(outcome).toMatchObject({ reason: 'operation-limit', operations: 1000 });
    expect(progress).toHaveLength(3);
  });

  it('goes on after that, and has waited to the end', () => {
    const machine = new SmallMachine([plainPort()]);
    periodic(machine, 1 * MILLISECOND);
    expect(waitOn(machine, (guest) => guest.pause(1500 * MILLISECOND), { timerLimit: 1000 }).reason).toBe(
      'operation-limit',
    );
    expect(machine.accelerator.run()).toMatchObject({ reason: 'finished', operations: 2 });
    expect(machine.clock.now).toBe(1500 * MILLISECOND + 2 * 3410);
  });

  it('is a recording with an enormous gap: the message says where', () => {
    const machine = new SmallMachine([plainPort()]);
    periodic(machine, 1 * MILLISECOND);
    machine.accelerator.load([new TraceGuest(gappyTrace())]);
    const outcome = machine.accelerator.run({ timerLimit: 1000 });
    expect(outcome.reason).toBe('operation-limit');
    expect(outcome.message).toContain("Recording 'gappy' at access 2 of 3");
    expect(machine.seen).toEqual(['out 0x80 = 0x1']);
  });
});

/** Its second access comes 12 days after its first. */
function gappyTrace() {
  const parser = new TraceParser('gappy');
  const text = `# iotrace v1\n0 PW 80 1 1\n${10 ** 15 - 2} PW 80 1 2\n${10 ** 15 - 1} PW 80 1 3\n`;
  parser.push(new TextEncoder().encode(text));
  return parser.end();
}
