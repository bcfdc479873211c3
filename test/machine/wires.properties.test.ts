import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  allOf,
  anyOf,
  defineMachine,
  device,
  InterruptPin,
  IsaDevice,
  input,
  inverted,
  mmioRegion,
  pin,
  type Signal,
  state,
  type UsedDevice,
  use,
} from '../../sdk/index.ts';
import { Machine } from '../../sdk/runtime.ts';
import { times } from '../depth.ts';
import { toyMachine } from './toys.ts';

const Outputs = 5;
const Inputs = 8;
const outs = mmioRegion({ name: 'outs', base: 0x1000, size: Outputs, accessSizes: [1] });

@device({ type: 'driver', description: 'outputs that the guest sets' })
class Driver extends IsaDevice {
  readonly out = Array.from({ length: Outputs }, () => new InterruptPin());
  @outs.write() write(value: number, index: number): void {
    this.out[index]?.set(value === 1);
  }
}

@device({ type: 'probe', description: 'notes its edges' })
class Probe extends IsaDevice {
  readonly edges: [number, boolean][] = [];
  @input({ count: Inputs }) line(level: boolean, index: number): void {
    this.edges.push([index, level]);
  }
}

/** A signal as data: an output, or a gate. */
type Expression =
  | { readonly out: number }
  | { readonly not: Expression }
  | { readonly any: readonly Expression[] }
  | { readonly all: readonly Expression[] };

const { expression } = fc.letrec<{ expression: Expression }>((tie) => ({
  expression: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({ out: fc.nat(Outputs - 1) }),
    fc.record({ not: tie('expression') }),
    fc.record({ any: fc.array(tie('expression'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ all: fc.array(tie('expression'), { minLength: 1, maxLength: 3 }) }),
  ),
}));

function signalOf(one: Expression): Signal {
  if ('out' in one) return pin('driver', `out[${one.out}]`);
  if ('not' in one) return inverted(signalOf(one.not));
  const [first, ...rest] = ('any' in one ? one.any : one.all).map(signalOf);
  return 'any' in one ? anyOf(first as Signal, ...rest) : allOf(first as Signal, ...rest);
}

function levelOf(one: Expression, levels: readonly boolean[]): boolean {
  if ('out' in one) return levels[one.out] as boolean;
  if ('not' in one) return !levelOf(one.not, levels);
  if ('any' in one) return one.any.some((part) => levelOf(part, levels));
  return one.all.every((part) => levelOf(part, levels));
}

const machineOf = (...devices: UsedDevice[]): Machine => Machine.create(defineMachine({ ...toyMachine, devices }));

describe('any gates over any outputs', () => {
  it('give each input the edges, and all inputs the order, of computing everything anew after each write', () => {
    const writes = fc.array(fc.tuple(fc.nat(Outputs - 1), fc.boolean()), { maxLength: 60 });
    fc.assert(
      fc.property(fc.array(expression, { minLength: 1, maxLength: Inputs }), writes, (expressions, sequence) => {
        const machine = machineOf(
          use(Driver, { id: 'driver' }),
          use(Probe, { inputs: { line: expressions.map(signalOf) } }),
        );
        const levels = new Array<boolean>(Outputs).fill(false);
        let seen = new Array<boolean>(expressions.length).fill(false);
        const expected: [number, boolean][] = [];
        const compute = (): void => {
          const now = expressions.map((one) => levelOf(one, levels));
          for (const [index, level] of now.entries()) if (level !== seen[index]) expected.push([index, level]);
          seen = now;
        };
        compute();
        for (const [index, level] of sequence) {
          machine.memory.write(0x1000 + index, level ? 1 : 0, 1);
          levels[index] = level;
          compute();
        }
        expect(machine.device(Probe).edges).toEqual(expected);
        const restored = Machine.restore(machine.definition, machine.save());
        const inside = restored.devices[1]?.device as Probe;
        const before = inside.edges.length;
        for (const [index, level] of levels.entries()) restored.memory.write(0x1000 + index, level ? 1 : 0, 1);
        expect(inside.edges.length).toBe(before);
      }),
      { numRuns: times(30, 60) },
    );
  });
});

const Relays = 6;

/** An inverter or a buffer, from any of its inputs; it notes a handler that runs inside another one. */
@device({ type: 'relay', description: 'an output that follows inputs' })
class Relay extends IsaDevice {
  @state readonly levels = new Uint8Array(Relays + 1);
  readonly out = new InterruptPin(() => this.levels.includes(1));
  nested = 0;
  readonly edges: boolean[][] = Array.from({ length: Relays + 1 }, () => []);
  private inside = false;

  @input({ count: Relays + 1 }) line(level: boolean, index: number): void {
    if (this.inside) this.nested++;
    this.inside = true;
    this.levels[index] = level ? 1 : 0;
    this.edges[index]?.push(level);
    this.inside = false;
  }
}

describe('any devices whose outputs follow their inputs', () => {
  // Relay i follows output i of the driver, and relays before it: no circle, so that there is one answer.
  const graph = fc.array(fc.array(fc.tuple(fc.nat(Relays - 1), fc.boolean()), { maxLength: 4 }), {
    minLength: Relays,
    maxLength: Relays,
  });

  it('end at the levels that one computation from first to last gives; edges alternate, no handler is inside another', () => {
    fc.assert(
      fc.property(
        graph,
        fc.array(fc.tuple(fc.nat(Outputs - 1), fc.boolean()), { maxLength: 40 }),
        (wires, sequence) => {
          const follows = wires.map((list, relay) => new Map(list.filter(([from]) => from < relay)));
          const machine = machineOf(
            use(Driver, { id: 'driver' }),
            ...follows.map((from, relay) =>
              use(Relay, {
                id: `relay${relay}`,
                inputs: {
                  [`line[${Relays}]`]: pin('driver', `out[${relay % Outputs}]`),
                  ...Object.fromEntries(
                    [...from].map(([other, inverts]) => {
                      const out = pin(`relay${other}`, 'out');
                      return [`line[${other}]`, inverts ? inverted(out) : out];
                    }),
                  ),
                },
              }),
            ),
          );
          const relays = machine.devices.slice(1).map((one) => one.device as Relay);
          const levels = new Array<boolean>(Outputs).fill(false);
          for (const [index, level] of sequence) {
            machine.memory.write(0x1000 + index, level ? 1 : 0, 1);
            levels[index] = level;
            const expected: boolean[] = [];
            for (const [relay, from] of follows.entries()) {
              const inputs = [...from].map(([other, inverts]) => expected[other] !== inverts);
              expected.push(inputs.includes(true) || levels[relay % Outputs] === true);
            }
            expect(relays.map(({ out }) => out.level)).toEqual(expected);
          }
          for (const { nested, edges } of relays) {
            expect(nested).toBe(0);
            for (const list of edges) for (let at = 1; at < list.length; at++) expect(list[at]).toBe(!list[at - 1]);
          }
          expect(machine.guestErrors).toEqual([]);
        },
      ),
      { numRuns: times(30, 60) },
    );
  });

  it('come to rest or are given up in any circle, and the machine goes on', () => {
    const circles = fc.array(fc.tuple(fc.nat(Relays - 1), fc.nat(Relays - 1), fc.boolean()), { maxLength: 10 });
    fc.assert(
      fc.property(
        circles,
        fc.array(fc.tuple(fc.nat(Outputs - 1), fc.boolean()), { maxLength: 4 }),
        (wires, sequence) => {
          const machine = machineOf(
            use(Driver, { id: 'driver' }),
            ...Array.from({ length: Relays }, (_, relay) =>
              use(Relay, {
                id: `relay${relay}`,
                inputs: {
                  [`line[${Relays}]`]: pin('driver', `out[${relay % Outputs}]`),
                  ...Object.fromEntries(
                    wires
                      .filter(([, to]) => to === relay)
                      .map(([from, , inverts]) => {
                        const out = pin(`relay${from}`, 'out');
                        return [`line[${from}]`, inverts ? inverted(out) : out];
                      }),
                  ),
                },
              }),
            ),
          );
          for (const [index, level] of sequence) machine.memory.write(0x1000 + index, level ? 1 : 0, 1);
          for (const one of machine.devices.slice(1)) expect((one.device as Relay).nested).toBe(0);
          expect(machine.guestErrors.length).toBeLessThanOrEqual(Relays * (Relays + 1));
        },
      ),
      { numRuns: times(20, 40) },
    );
  });
});
