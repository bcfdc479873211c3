import { describe, expect, it } from 'vitest';
import {
  defineMachine,
  defineOptions,
  device,
  type OptionsOf,
  option,
  options,
  portRegion,
  SystemDevice,
  state,
  use,
} from '../../sdk/index.ts';
import { defineObserver, guestProgram, Machine, type MachineEvent, pump } from '../../sdk/runtime.ts';
import { testBench } from '../../sdk/testing/index.ts';
import { expectRefusal } from '../refusal.ts';
import { empty } from '../small-machines.ts';

const ports = portRegion({ name: 'sensor', base: 0x300, size: 2, accessSizes: [1] });

const sensorOptions = defineOptions({
  level: option.integer({ description: 'what it measures', default: 7, range: [0, 255], live: true }),
  mode: option.choice(['raw', 'smooth'], { description: 'how it measures', default: 'raw', live: true }),
  gain: option.integer({ description: 'factor', default: 1 }),
});

@device({ type: 'sensor', description: 'Measures what its option says' })
class Sensor extends SystemDevice {
  @state private changes = 0;

  constructor(@options(sensorOptions) private readonly given: OptionsOf<typeof sensorOptions>) {
    super();
  }

  @ports.read(0) readLevel(): number {
    return this.given.level * this.given.gain;
  }

  @ports.read(1) readChanges(): number {
    return this.changes + (this.given.mode === 'smooth' ? 0x80 : 0);
  }

  override onOptionChange(_name: string): void {
    this.changes++;
  }

  override reset(): void {
    this.changes = 0;
  }
}

const board = defineMachine({ ...empty, name: 'sensors', description: 'a sensor', devices: [use(Sensor)] });

/** Reads the level into what the test looks at, until that is enough. */
function readingUntil(isEnough: (seen: readonly number[]) => boolean) {
  const seen: number[] = [];
  const guest = guestProgram('reading', function* (vcpu) {
    while (!isEnough(seen)) {
      seen.push(yield* vcpu.in8(0x300));
      yield* vcpu.pause(1000);
    }
  });
  return { guest, seen };
}

const reading = (times: number) => readingUntil((seen) => seen.length === times);

describe('a live option', () => {
  it('is read by the device as ever, and has another value from the next instruction on', () => {
    const machine = Machine.create(board);
    const { guest, seen } = reading(3);
    machine.run(guest, { operationLimit: 2 });
    machine.setOption('sensor', 'level', 9);
    machine.resume();
    expect(seen).toEqual([7, 9, 9]);
    expect(machine.io.read(0x301, 1)).toBe(1);
    expect(machine.deviceById('sensor')?.options['level']).toBe(9);
  });

  it('changes under a pumped run, and a replay of what came from outside sees the same', async () => {
    const machine = Machine.create(board);
    const events: MachineEvent[] = [];
    const observe = (event: MachineEvent): void => void events.push(event);
    machine.observe(defineObserver({ name: 'watch', start: () => ({ observe }) }));
    // However fast the host is, the guest is there until it has seen two changes.
    const { guest, seen } = readingUntil((levels) => levels.at(-1) === 11);
    let level = 10;
    await pump(machine, guest, { between: () => machine.setOption('sensor', 'level', level++) });
    const again = Machine.create(board);
    const second = reading(seen.length);
    for (const one of events) {
      if (one.kind !== 'inbox') continue;
      again.inbox.post(one.event, one.operations, BigInt(one.epoch) * 1_000_000_000n + BigInt(one.time));
    }
    again.run(second.guest);
    expect([...new Set(seen)]).toEqual([7, 10, 11]);
    expect(second.seen).toEqual(seen);
  });

  it('is in snapshots, and in the replacement of its device', () => {
    const machine = Machine.create(board);
    machine.setOption('sensor', 'level', 9);
    machine.setOption('sensor', 'mode', 'smooth');
    const waiting = machine.save();
    machine.run(reading(1).guest);
    const saved = JSON.parse(JSON.stringify(machine.save()));
    const restored = Machine.restore(board, saved);
    expect(restored.io.read(0x300, 1)).toBe(9);
    expect(restored.io.read(0x301, 1)).toBe(0x82);
    const later = Machine.restore(board, JSON.parse(JSON.stringify(waiting)));
    expect(later.io.read(0x300, 1)).toBe(7);
    later.run(reading(1).guest);
    expect(later.io.read(0x300, 1)).toBe(9);
    restored.swap('sensor', Sensor);
    expect(restored.io.read(0x300, 1)).toBe(9);
  });

  it('changes on a bench at once', () => {
    const bench = testBench(Sensor, { options: { gain: 2 } });
    bench.setOption('level', 50);
    expect(bench.in8(0x300)).toBe(100);
    expect(bench.in8(0x301)).toBe(1);
    expectRefusal(() => bench.setOption('gain', 3), 'option-not-live', 'gain', 'level', 'mode');
  });

  it('is checked as at the start, and other options and devices are refused', () => {
    const machine = Machine.create(board);
    expectRefusal(() => machine.setOption('sensor', 'level', 256), 'bad-option', 'level', '256');
    expectRefusal(() => machine.setOption('sensor', 'lever', 1), 'no-such-option', 'lever', 'level');
    expectRefusal(() => machine.setOption('sensor', 'gain', 2), 'option-not-live', 'gain', 'level, mode');
    expectRefusal(() => machine.setOption('sensors', 'level', 2), 'no-such-device', 'sensors', 'sensor');
    const wires = { pin: 'irq', to: () => ({ description: 'nowhere' }) };
    expectRefusal(
      () => defineOptions({ irq: option.integer({ description: 'a line', wires, live: true }) }),
      'invalid-option-declaration',
      'irq',
      'live',
    );
  });

  it('is dropped when its device has gone before it was delivered', () => {
    const machine = Machine.create(board);
    machine.setOption('sensor', 'level', 9);
    machine.unplug('sensor');
    expect(machine.run(reading(1).guest)).toMatchObject({ reason: 'finished' });
  });
});
