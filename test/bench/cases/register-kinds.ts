import { device, mmioRegion, SystemDevice } from '../../../sdk/index.ts';
import { DeviceBench } from '../../device/device-bench.ts';
import type { BenchCase, Subject } from '../bench-case.ts';

// Kinds of registers, and of accesses to them, against one that holds 32 bits and is read or written whole. Then what a class of
// thirty registers costs, from its decorators to the sealed table, against thirty pairs of handlers.

const Base = 0x1000;
const operations = 8192;
const window = mmioRegion({ name: 'kinds', base: Base, size: 0x40, accessSizes: [1, 2, 4, 8] });
const capped = window.register(0x18, { width: 32 });
const level = window.register(0x1c, { width: 32, access: 'read-only' });
const go = window.register(0x20, { width: 32, access: 'trigger' });

@device({ type: 'kinds', description: 'a register of each kind' })
class Kinds extends SystemDevice {
  @window.register(0x00, { width: 32 }) plain = 0;
  @window.register(0x04, { width: 8 }) byte = 0;
  @window.register(0x05, { width: 8 }) other = 0;
  @window.register(0x06, { width: 16 }) half = 0;
  @window.register(0x10, { width: 64 }) wide = 0n;
  @capped capped = 0;
  causes = 5;

  @capped.onWrite()
  cap(value: number, previous: number): number {
    return value > 4096 ? previous : value;
  }

  @level get level(): number {
    return this.causes & this.plain;
  }

  @go start(value: number): void {
    this.causes = value;
  }
}

type Access = (bench: DeviceBench, round: number) => unknown;
const read =
  (offset: number, size: number): Access =>
  ({ memory }) =>
    memory.read(Base + offset, size);
const write =
  (offset: number, size: number): Access =>
  ({ memory }, round) =>
    memory.write(Base + offset, round & 0xff, size);

function against(access: Access, plain: Access): Subject {
  const bench = new DeviceBench();
  bench.realize(new Kinds(), 'kinds');
  const loop = (one: Access) => () => {
    for (let round = 0; round < operations; round++) one(bench, round);
  };
  const [run, baseline] = [loop(access), loop(plain)];
  for (let round = 0; round < 40; round++) for (const one of [run, baseline]) one();
  return { operations, run, baseline };
}

const Thirty = Array.from({ length: 30 }, (_, number) => number);
const attach = (decorator: unknown, target: object, member: string, descriptor?: object) =>
  (decorator as (target: object, member: string, descriptor?: object) => void)(target, member, descriptor);

function defineDeclared(): void {
  const region = mmioRegion({ name: 'thirty', base: Base, size: 0x100, accessSizes: [1, 2, 4] });
  class Many extends SystemDevice {}
  const made = Many as unknown as new () => Many & Record<string, number>;
  for (const number of Thirty) attach(region.register(4 * number, { width: 32 }), Many.prototype, `r${number}`);
  device({ type: 'thirty', description: 'thirty registers' })(Many);
  const one = new made();
  for (const number of Thirty) Object.assign(one, { [`r${number}`]: 0 });
  new DeviceBench().realize(one);
}

function defineByHand(): void {
  const region = mmioRegion({ name: 'thirty', base: Base, size: 0x100, accessSizes: [1, 2, 4] });
  class Many extends SystemDevice {}
  for (const number of Thirty) {
    const methods = { [`read${number}`]: () => 0, [`write${number}`]: () => {} };
    for (const [name, value] of Object.entries(methods)) {
      Object.defineProperty(Many.prototype, name, { value, configurable: true });
      const decorator = name.startsWith('read') ? region.read(4 * number) : region.write(4 * number);
      attach(decorator, Many.prototype, name, { value });
    }
  }
  device({ type: 'thirty', description: 'thirty registers' })(Many);
  new DeviceBench().realize(new Many());
}

const table = 'Registers of all kinds, against one of 32 bits';
const row = (name: string, targetRatio: number, access: Access, plain: Access): BenchCase => ({
  table,
  name,
  targetRatio,
  prepare: () => against(access, plain),
});

export const cases: readonly BenchCase[] = [
  row('8 bits, read', 1.5, read(0x04, 1), read(0, 4)),
  row('8 bits, write', 1.5, write(0x04, 1), write(0, 4)),
  row('a byte of 32 bits, read', 2.5, read(0x01, 1), read(0, 4)),
  row('a byte of 32 bits, write', 2.5, write(0x01, 1), write(0, 4)),
  row('three registers at once, read', 40, read(0x04, 4), read(0, 4)),
  row('three registers at once, write', 40, write(0x04, 4), write(0, 4)),
  row('64 bits, read', 60, ({ memory }) => memory.read64(Base + 0x10), read(0, 4)),
  row('a half of 64 bits, read', 60, read(0x14, 4), read(0, 4)),
  row('a hook that answers what is kept, write', 2, write(0x18, 4), write(0, 4)),
  row('derived, read', 2, read(0x1c, 4), read(0, 4)),
  row('trigger, write', 2, write(0x20, 4), write(0, 4)),
  {
    table: 'A class of thirty registers, against thirty pairs of handlers',
    name: 'from its decorators to the sealed table',
    targetRatio: 6,
    prepare: () => ({
      operations: 20,
      run: () => {
        for (let round = 0; round < 20; round++) defineDeclared();
      },
      baseline: () => {
        for (let round = 0; round < 20; round++) defineByHand();
      },
    }),
  },
];
