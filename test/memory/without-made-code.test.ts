import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

/** Runs in a process of its own: a handler that is used often, and whether code could be made for it. */
const program = `
  import { AddressSpace, MemoryRegion, MemoryTopology, RegionOps } from './sdk/memory/index.ts';
  import { mayCompile } from './sdk/memory/handler-calls.ts';

  const topology = new MemoryTopology();
  const root = MemoryRegion.unassignedPorts(topology, 'io');
  const device = { value: 0 };
  const ops = new RegionOps({
    device,
    routes: [
      {
        offset: 0,
        size: 1,
        read() { return this.value + 1; },
        write(value) { this.value = value; },
      },
    ],
  });
  root.addSubregion(0x70, MemoryRegion.io(topology, 'rtc', 1, ops));
  const space = new AddressSpace(topology, 'io', root);
  let sum = 0;
  for (let value = 0; value < 100; value++) {
    space.write(0x70, value, 1);
    sum += space.read(0x70, 1);
  }
  console.log(JSON.stringify([mayCompile(), sum]));
`;

it.each([
  { flags: [], expected: [true, 5050] },
  { flags: ['--disallow-code-generation-from-strings'], expected: [false, 5050] },
])('a port that is used often answers the same where $flags', ({ flags, expected }) => {
  const cwd = fileURLToPath(new URL('../..', import.meta.url));
  const words = [...flags, '--import', 'tsx', '--input-type=module', '--eval', program];
  expect(JSON.parse(execFileSync(process.execPath, words, { cwd, encoding: 'utf8' }))).toEqual(expected);
});
