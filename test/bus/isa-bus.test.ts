import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InterruptPin, IsaBus, isaIrq, MemoryRegion } from '../../sdk/index.ts';
import { MemoryTopology } from '../../sdk/runtime.ts';
import { expectRefusal } from '../refusal.ts';

function isaBus(): IsaBus {
  const topology = new MemoryTopology();
  return new IsaBus({
    io: MemoryRegion.container(topology, 'io', 0x1_0000),
    memory: MemoryRegion.container(topology, 'memory', 2 ** 24),
  });
}

describe('an interrupt pin', () => {
  it('tells its wire of changes only', () => {
    const pin = new InterruptPin();
    const heard: boolean[] = [];
    expect(pin.connected).toBe(false);
    pin.connect((level) => heard.push(level));
    pin.set(false);
    pin.set(true);
    pin.set(true);
    pin.set(false);
    pin.pulse();
    expect(heard).toEqual([true, false, true, false]);
    expect([pin.connected, pin.level]).toEqual([true, false]);
  });

  it('that is high already says so to a new wire, and takes it back when the wire is cut', () => {
    const pin = new InterruptPin();
    pin.set(true);
    const heard: boolean[] = [];
    const cut = pin.connect((level) => heard.push(level));
    cut();
    cut();
    pin.set(false);
    expect(heard).toEqual([true, false]);
  });

  it('whose wire answers at once by lowering it tells the other wires the last word only', () => {
    const pin = new InterruptPin();
    const heard: boolean[] = [];
    pin.connect((level) => level && pin.set(false));
    pin.connect((level) => heard.push(level));
    pin.set(true);
    expect([pin.level, heard]).toEqual([false, [false]]);
    const line = isaBus().line(4);
    line.attach(pin);
    pin.set(true);
    expect(line.level).toBe(false);
  });
});

describe('an ISA interrupt line', () => {
  it('that is lowered by the first who hears it is low for everyone', () => {
    const line = isaBus().line(3);
    const heard: boolean[] = [];
    line.connect((level) => level && line.set(false));
    line.connect((level) => heard.push(level));
    line.set(true);
    expect([line.level, heard.at(-1)]).toEqual([false, false]);
  });

  it('stays up while one of the devices that share it still asks', () => {
    const bus = isaBus();
    const heard: boolean[] = [];
    bus.line(9).connect((level) => heard.push(level));
    const [disk, sound] = [new InterruptPin(), new InterruptPin()];
    isaIrq(9).connect(disk, bus);
    isaIrq(9).connect(sound, bus);
    disk.set(true);
    sound.set(true);
    disk.set(false);
    expect([bus.line(9).level, heard]).toEqual([true, [true]]);
    sound.set(false);
    expect([bus.line(9).level, heard]).toEqual([false, [true, false]]);
  });

  it('is the OR of all that pull it, whoever comes, goes and pulls in whatever order', () => {
    const step = fc.record({ pin: fc.nat(3), action: fc.constantFrom('up', 'down', 'cut', 'wire') });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const line = isaBus().line(5);
        const pins = Array.from({ length: 4 }, () => new InterruptPin());
        const cuts = new Map<number, () => void>();
        let heard = false;
        line.connect((level) => {
          expect(level).toBe(!heard);
          heard = level;
        });
        for (const { pin, action } of steps) {
          const chip = pins[pin] as InterruptPin;
          if (action === 'wire' && !cuts.has(pin)) cuts.set(pin, line.attach(chip));
          else if (action === 'cut') {
            cuts.get(pin)?.();
            cuts.delete(pin);
          } else if (action === 'up' || action === 'down') chip.set(action === 'up');
          const expected = [...cuts.keys()].some((wired) => pins[wired]?.level);
          expect([line.level, heard]).toEqual([expected, expected]);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('has an input of its own for a bridge that routes to it', () => {
    const line = isaBus().line(11);
    const pin = new InterruptPin();
    line.attach(pin);
    line.set(true);
    line.set(true);
    pin.set(true);
    line.set(false);
    expect(line.level).toBe(true);
    const late: boolean[] = [];
    line.connect((level) => late.push(level));
    pin.set(false);
    expect([line.level, late]).toEqual([false, [true, false]]);
  });

  it('is one of sixteen', () => {
    expect(isaBus().lines).toHaveLength(16);
    const { message } = expectRefusal(() => isaBus().line(16), 'unknown-interrupt-line', '16');
    expect(isaIrq(16).problem).toBe(message);
    expect([isaIrq(8).problem, isaIrq(8).description, isaIrq(8).service]).toEqual([undefined, 'ISA IRQ 8', IsaBus]);
  });
});
