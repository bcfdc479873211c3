import { describe, expect, it } from 'vitest';
import { bits, device, IsaDevice, mmioRegion, portRegion, use } from '../../sdk/index.ts';
import { Machine } from '../../sdk/runtime.ts';
import { testBench } from '../../sdk/testing/index.ts';
import { toyMachine } from '../machine/toys.ts';
import { expectReports } from './device-bench.ts';

const Base = 0x300;
const Memory = 0xd_0000;
const ports = portRegion({ name: 'odd', base: Base, size: 4, accessSizes: [1] });
const memory = mmioRegion({ name: 'odd-memory', base: Memory, size: 16 });

const status = ports.register(1, { width: 8, fields: { low: bits(0, 3, 'read-only'), high: bits(4, 7, 'read-only') } });

/** Its read hooks answer what they were told to answer. */
@device({ type: 'hooked', description: 'read hooks that answer anything' })
class Hooked extends IsaDevice {
  answer: unknown;
  @status status = 0;

  @status.onRead('low')
  readLow(): number {
    return this.answer as number;
  }
}

/** Answers what it was told to answer. */
@device({ type: 'odd', description: 'answers anything' })
class Odd extends IsaDevice {
  answer: unknown = 0;
  calls = 0;

  @ports.read(2)
  readPort(): number {
    this.calls++;
    return this.answer as number;
  }

  @memory.read()
  readMemory(): number {
    return this.answer as number;
  }

  @ports.readWithAttributes(3)
  readOrFail(): number {
    return this.answer as number;
  }
}

/** The report of an answer that is no whole number: which method, of which region, where, and what. */
const warning = (what: string, method = 'readPort', region = 'odd', offset = '0x2') => [
  what,
  `'${method}'`,
  `'${region}'`,
  offset,
];

const answers: readonly (readonly [string, unknown, number])[] = [
  ['NaN', Number.NaN, 0],
  ['undefined', undefined, 0],
  ['null', null, 0],
  ['an object', {}, 0],
  ['1.5', 1.5, 1],
  ['Infinity', Number.POSITIVE_INFINITY, 0],
  ['a string', '7', 7],
  ['true', true, 1],
];

describe('a read handler that answers no whole number', () => {
  it.each(answers)('%s is a warning on a bench, and in a machine', (what, answer, read) => {
    const bench = testBench(Odd);
    bench.device.answer = answer;
    expect(bench.in8(Base + 2)).toBe(read);
    expect(bench.guestErrors).toMatchObject([{ device: 'odd', count: 1 }]);
    expectReports([bench.guestErrors[0]?.message ?? ''], warning(what));
    const said: string[] = [];
    const machine = Machine.create(
      { ...toyMachine, devices: [use(Odd)] },
      { onGuestError: (id, message) => said.push(`${id}: ${message}`) },
    );
    machine.device(Odd).answer = answer;
    expect(machine.io.read(Base + 2, 1)).toBe(read);
    expect(machine.memory.read(Memory + 4, 4)).toBe(read);
    machine.io.read(Base + 2, 1);
    expectReports(said, warning(what), warning(what, 'readMemory', 'odd-memory', '0x4'));
    expect(machine.guestErrors[0]?.count).toBe(2);
  });

  it('but a promise, with what to do instead', () => {
    const bench = testBench(Odd);
    bench.device.answer = Promise.resolve(7);
    expect(bench.in8(Base + 2)).toBe(0);
    expectReports([bench.guestErrors[0]?.message ?? ''], ['a promise', '0x2', 'timer']);
  });

  it('is told of whole ones of any size and sign that there is nothing to say', () => {
    const bench = testBench(Odd);
    for (const answer of [0, -1, 0xff, 0x1_0000_0000, -0]) {
      bench.device.answer = answer;
      bench.in8(Base + 2);
      bench.load32(Memory);
      bench.in8(Base + 3);
    }
    expect(bench.guestErrors).toEqual([]);
  });

  it('is found in a handler with attributes too, whose negative answers are results', () => {
    const bench = testBench(Odd);
    bench.device.answer = Number.NaN;
    bench.in8(Base + 3);
    expectReports([bench.guestErrors[0]?.message ?? ''], warning('NaN', 'readOrFail', 'odd', '0x3'));
  });
});

describe('a read hook', () => {
  it.each(answers.filter(([what]) => what !== 'undefined'))(
    'that answers %s is a warning on a bench',
    (what, answer) => {
      const bench = testBench(Hooked);
      expect([bench.in8(Base + 1), bench.guestErrors]).toEqual([0, []]);
      bench.device.answer = 7;
      expect([bench.in8(Base + 1), bench.guestErrors]).toEqual([7, []]);
      bench.device.answer = answer;
      bench.in8(Base + 1);
      const reports = bench.guestErrors.map(({ message }) => message);
      expectReports(reports, [what, "'readLow'", "'status'", "'odd'", '0x1']);
    },
  );
});

describe('the answers of a handler', () => {
  const machineOf = (...ids: string[]) =>
    Machine.create({
      ...toyMachine,
      devices: ids.map((id, index) =>
        use(Odd, {
          id,
          at: [
            { region: ports, address: Base + index * 0x10 },
            { region: memory, address: Memory + index * 0x100 },
          ],
        }),
      ),
    });

  it('are looked at a thousand times in a machine, those of all devices of the class together, then no more', () => {
    const machine = machineOf('a', 'b');
    const [a, b] = ['a', 'b'].map((id) => machine.deviceById(id)?.device as Odd) as [Odd, Odd];
    for (let count = 0; count < 500; count++) {
      machine.io.read(Base + 2, 1);
      machine.io.read(Base + 0x12, 1);
    }
    a.answer = 1.5;
    b.answer = 1.5;
    expect([machine.io.read(Base + 2, 1), machine.io.read(Base + 2, 1), machine.io.read(Base + 0x12, 1)]).toEqual([
      1, 1, 1,
    ]);
    machine.io.read(Base + 0x12, 1);
    expect(machine.guestErrors.map(({ device: id, count }) => [id, count])).toEqual([['a', 1]]);
    expect(a.calls + b.calls).toBe(1004);
  });

  it('are the same before, while and after that, wherever the access goes', () => {
    const machine = machineOf('a');
    const odd = machine.device(Odd);
    for (let count = 0; count < 1100; count++) {
      odd.answer = count;
      const read = [
        machine.io.read(Base + 2, 1),
        machine.memory.read(Memory + 8, 4),
        machine.memory.read(Memory + 1, 1),
      ];
      expect(read).toEqual([count & 0xff, count, count & 0xff]);
    }
    odd.answer = Number.NaN;
    machine.memory.read(Memory, 4);
    expect(machine.guestErrors).toEqual([]);
  });

  it('are all looked at on a bench', () => {
    const bench = testBench(Odd);
    for (let count = 0; count < 1100; count++) bench.in8(Base + 2);
    bench.device.answer = undefined;
    bench.in8(Base + 2);
    expect(bench.guestErrors).toHaveLength(1);
  });
});
