/** A handler that is used often, and whether code could be made for it: printed as JSON. */

import { mayCompile } from '../../sdk/memory/handler-calls.ts';
import { AddressSpace, MemoryRegion, MemoryTopology, RegionOps } from '../../sdk/memory/index.ts';

const topology = new MemoryTopology();
const root = MemoryRegion.unassignedPorts(topology, 'io');
interface Held {
  value: number;
}
const device: Held = { value: 0 };
const ops = new RegionOps({
  device,
  routes: [
    {
      offset: 0,
      size: 1,
      read(this: Held) {
        return this.value + 1;
      },
      write(this: Held, value: number) {
        this.value = value;
      },
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
