import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AddressSpace, MemoryRegion, MemoryTopology } from '../../sdk/memory/index.ts';
import { Chronicle, device, where } from './support.ts';

// A brute-force resolver: for one address, walk the tree in words of the rule, without ranges, sorting or sweeping.
interface Answer {
  readonly region: MemoryRegion;
  readonly offset: number;
  readonly readOnly: boolean;
  readonly nonvolatile: boolean;
}

/** Who answers at `offset` inside `region`, if the region shows there at all. */
function resolve(region: MemoryRegion, offset: number, readOnly: boolean, nonvolatile: boolean): Answer | undefined {
  if (!region.enabled || offset < 0 || offset >= region.size) return undefined;
  const ro = readOnly || region.readOnly;
  const nv = nonvolatile || region.nonvolatile;
  if (region.aliasTarget !== undefined) return resolve(region.aliasTarget, offset + region.aliasOffset, ro, nv);
  const byPrecedence = [...region.children].map((child, age) => ({ child, age }));
  byPrecedence.sort((a, b) => b.child.priority - a.child.priority || a.age - b.age);
  for (const { child } of byPrecedence) {
    const answer = resolve(child, offset - child.address, ro, nv);
    if (answer !== undefined) return answer;
  }
  return region.kind === 'container' ? undefined : { region, offset, readOnly: ro, nonvolatile: nv };
}

const worldSize = 96;
const regionCount = 9;
const small = fc.integer({ min: 0, max: worldSize });
const region = fc.record({
  kind: fc.constantFrom('container', 'io', 'ram', 'rom-device', 'alias', 'reservation', 'alias'),
  size: fc.integer({ min: 0, max: worldSize }),
  target: fc.nat(),
  aliasOffset: small,
});
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('add' as const),
      parent: fc.nat(),
      child: fc.nat(),
      at: small,
      priority: fc.integer({ min: -2, max: 2 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('remove' as const), child: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('move' as const), child: fc.nat(), at: small }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('resize' as const), child: fc.nat(), at: small }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('slide' as const), child: fc.nat(), at: small }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('enabled', 'readOnly', 'nonvolatile', 'romd', 'begin', 'commit'),
      child: fc.nat(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('zone' as const),
      child: fc.nat(),
      at: small,
      size: fc.integer({ min: 1, max: 8 }),
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function build(topology: MemoryTopology, specs: readonly (typeof region extends fc.Arbitrary<infer T> ? T : never)[]) {
  const regions = [MemoryRegion.container(topology, 'root', worldSize)];
  for (const [index, { kind, size, target, aliasOffset }] of specs.entries()) {
    const name = `${kind}${index}`;
    // Aliases lead to earlier regions and children are later regions, so that nothing contains itself.
    const aimed = regions[target % regions.length]!;
    if (kind === 'container') regions.push(MemoryRegion.container(topology, name, size));
    else if (kind === 'ram') regions.push(MemoryRegion.ram(topology, name, size));
    else if (kind === 'reservation') regions.push(MemoryRegion.reservation(topology, name, size));
    else if (kind === 'rom-device')
      regions.push(MemoryRegion.romDevice(topology, name, size, device(topology, 'x', 1).ops));
    else if (kind === 'alias' && aimed !== regions[0])
      regions.push(MemoryRegion.alias(topology, name, aimed, aliasOffset, size));
    else regions.push(device(topology, name, size));
  }
  return regions;
}

function holds(outer: MemoryRegion, inner: MemoryRegion): boolean {
  if (outer === inner) return true;
  if (outer.aliasTarget !== undefined && holds(outer.aliasTarget, inner)) return true;
  return outer.children.some((child) => holds(child, inner));
}

function apply(topology: MemoryTopology, regions: readonly MemoryRegion[], change: Step): void {
  const child = 'child' in change ? regions[1 + (change.child % (regions.length - 1))]! : regions[0]!;
  if (change.do === 'add') {
    const parent = regions[change.parent % regions.length]!;
    if (child.container !== undefined || parent.aliasTarget !== undefined || holds(child, parent)) return;
    parent.addSubregion(change.at, child, change.priority);
  } else if (change.do === 'remove') child.container?.removeSubregion(child);
  else if (change.do === 'move') child.setAddress(change.at);
  else if (change.do === 'resize' && child.ram === undefined) child.setSize(change.at);
  else if (change.do === 'slide' && child.aliasTarget !== undefined) child.setAliasOffset(change.at);
  else if (change.do === 'enabled') child.setEnabled(!child.enabled);
  else if (change.do === 'readOnly') child.setReadOnly(!child.readOnly);
  else if (change.do === 'nonvolatile') child.setNonvolatile(!child.nonvolatile);
  else if (change.do === 'romd') child.setRomdMode(!child.romdMode);
  else if (change.do === 'begin') topology.begin();
  else if (change.do === 'commit' && topology.inTransaction) topology.commit();
  else if (change.do === 'zone' && child.kind === 'io' && change.at + change.size <= child.size) {
    const end = change.at + change.size;
    if (child.coalescedRanges.every(({ offset, size }) => offset >= end || change.at >= offset + size)) {
      child.addCoalescedIo({ offset: change.at, size: change.size });
    }
  }
}

function expectSameMap(space: AddressSpace): void {
  for (let address = 0; address < worldSize; address++) {
    const expected = resolve(space.root, address, false, false);
    const found = space.lookup(address);
    const actual = found && {
      region: found.region,
      offset: found.offsetInRegion + address - found.start,
      readOnly: found.readOnly,
      nonvolatile: found.nonvolatile,
    };
    const same =
      actual?.region === expected?.region &&
      actual?.offset === expected?.offset &&
      actual?.readOnly === expected?.readOnly &&
      actual?.nonvolatile === expected?.nonvolatile;
    if (!same) throw new Error(`at ${address}: ${describeAnswer(actual)} instead of ${describeAnswer(expected)}`);
    // The dispatch tables must say the same as the ranges they were made from.
    const dispatched = space.targetAt(address);
    const reached = dispatched.region === space.topology.unassigned ? undefined : dispatched.region;
    if (reached !== expected?.region) throw new Error(`at ${address}: dispatched to ${reached?.name}`);
  }
}

function describeAnswer(answer: Answer | undefined): string {
  if (answer === undefined) return 'nothing';
  return `${answer.region.name}@${answer.offset} readOnly=${answer.readOnly} nonvolatile=${answer.nonvolatile}`;
}

/** Neighbours that could be one range must be one range. */
function expectMerged(space: AddressSpace): void {
  const { ranges } = space.flatView;
  for (const [index, range] of ranges.entries()) {
    const next = ranges[index + 1];
    if (next === undefined) break;
    expect(range.end).toBeLessThanOrEqual(next.start);
    expect(range.canMerge(next)).toBe(false);
  }
}

function zonesOf(space: AddressSpace): string[] {
  const zones: string[] = [];
  for (const { region, start, end, delta } of space.flatView.ranges) {
    for (const { offset, size } of region.coalescedRanges) {
      const from = Math.max(offset - delta, start);
      const to = Math.min(offset + size - delta, end);
      if (to > from) zones.push(`${region.name} ${from.toString(16)}+${to - from}`);
    }
  }
  return zones.sort();
}

describe('the map, for any tree and any changes', () => {
  it('leads every address where a walk of the tree, byte by byte, leads it', () => {
    fc.assert(
      fc.property(
        fc.array(region, { minLength: 2, maxLength: regionCount }),
        fc.array(step, { maxLength: 30 }),
        (specs, steps) => {
          const topology = new MemoryTopology();
          const regions = build(topology, specs);
          const spaces = [
            new AddressSpace(topology, 'root', regions[0]!),
            new AddressSpace(topology, 'part', regions[1]!),
          ];
          for (const change of steps) {
            apply(topology, regions, change);
            if (!topology.inTransaction) expectSameMap(spaces[0]!);
          }
          while (topology.inTransaction) topology.commit();
          for (const space of spaces) {
            expectSameMap(space);
            expectMerged(space);
          }
        },
      ),
      { numRuns: 400 },
    );
  });

  it('tells listeners exactly what turns the old map into the new one', () => {
    fc.assert(
      fc.property(
        fc.array(region, { minLength: 2, maxLength: regionCount }),
        fc.array(step, { maxLength: 30 }),
        fc.nat(30),
        (specs, steps, joins) => {
          const topology = new MemoryTopology();
          const regions = build(topology, specs);
          const space = new AddressSpace(topology, 'root', regions[0]!);
          const early = new Chronicle('early');
          const late = new Chronicle('late');
          topology.addListener(early, space);
          for (const [index, change] of steps.entries()) {
            // Zones added while a transaction is open are announced over the old map, from the ranges of the moment.
            if (change.do !== 'zone' || !topology.inTransaction) apply(topology, regions, change);
            if (index === joins) topology.addListener(late, space);
          }
          while (topology.inTransaction) topology.commit();
          const shown = space.flatView.ranges.map(where);
          for (const listener of joins < steps.length ? [early, late] : [early]) {
            const heard = [...listener.ranges.values()].sort((a, b) => a.start - b.start);
            expect(heard.map(where)).toEqual(shown);
            expect([...listener.coalesced].sort()).toEqual(zonesOf(space));
          }
          topology.removeListener(early);
          expect(early.ranges.size + early.coalesced.size).toBe(0);
        },
      ),
      { numRuns: 300 },
    );
  });
});
