import { expect } from 'vitest';
import { realizeDevice } from '../../sdk/device/regions/build.ts';
import { type Device, MemoryRegion } from '../../sdk/index.ts';
import { AddressSpace, GuestErrors, MemoryTopology } from '../../sdk/runtime.ts';

/** One realized device, its regions mapped where they say, with nothing else around it. */
export class DeviceBench {
  readonly topology = new MemoryTopology();
  readonly ioRoot = MemoryRegion.unassignedPorts(this.topology, 'io');
  readonly memoryRoot = MemoryRegion.container(this.topology, 'system', 2 ** 32);
  readonly io = new AddressSpace(this.topology, 'I/O', this.ioRoot);
  readonly memory = new AddressSpace(this.topology, 'memory', this.memoryRoot);
  /** What was said aloud. */
  readonly log: string[] = [];
  readonly guestErrors = new GuestErrors((device, message) => this.log.push(`${device}: ${message}`));

  realize<D extends Device>(device: D, id = 'device'): D {
    realizeDevice(device, { id, topology: this.topology, guestErrors: this.guestErrors });
    for (const { template } of device.metadata.regions) {
      if (template.base === undefined) continue;
      const root = template.kind === 'ports' ? this.ioRoot : this.memoryRoot;
      root.addSubregion(template.base, device.region(template), template.priority);
    }
    device.reset();
    return device;
  }
}

/** So many reports, and each names these things. Their wording is in registers/guest-errors.golden.txt. */
export function expectReports(reports: readonly string[], ...named: readonly (readonly string[])[]): void {
  expect(reports).toHaveLength(named.length);
  for (const [index, things] of named.entries()) {
    for (const thing of things) expect(reports[index]).toContain(thing);
  }
}
