import { afterEach, expect, it, vi } from 'vitest';
import { mayCompile } from '../../sdk/memory/handler-calls.ts';
import { AddressSpace, MemoryRegion, MemoryTopology, RegionOps } from '../../sdk/memory/index.ts';

afterEach(() => vi.unstubAllGlobals());

/** Uses a port often, and answers the sum of what was read. */
function useOften(): number {
  const topology = new MemoryTopology();
  const root = MemoryRegion.unassignedPorts(topology, 'io');
  const device = { value: 0 };
  const read = function (this: typeof device): number {
    return this.value + 1;
  };
  const write = function (this: typeof device, value: number): void {
    this.value = value;
  };
  const ops = new RegionOps({ device, routes: [{ offset: 0, size: 1, read, write }] });
  root.addSubregion(0x70, MemoryRegion.io(topology, 'rtc', 1, ops));
  const space = new AddressSpace(topology, 'io', root);
  let sum = 0;
  for (let value = 0; value < 100; value++) {
    space.write(0x70, value, 1);
    sum += space.read(0x70, 1);
  }
  return sum;
}

it('a port that is used often answers the same where no code may be made from text', () => {
  const isAllowedHere = mayCompile();
  expect(useOften()).toBe(5050);
  const forbidden = vi.fn(() => {
    throw new EvalError('Code generation from strings disallowed for this context');
  });
  vi.stubGlobal('Function', forbidden);
  expect(useOften()).toBe(5050);
  expect(mayCompile()).toBe(false);
  expect(forbidden).toHaveBeenCalledTimes(1);
  vi.unstubAllGlobals();
  expect(mayCompile()).toBe(isAllowedHere);
});
