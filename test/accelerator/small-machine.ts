import {
  type AcceleratorHost,
  type GuestBody,
  guestProgram,
  type InterruptController,
  type KvmAccelerator,
  type ResetPort,
  type RunOptions,
  type RunOutcome,
  type SimulatedAcceleratorOptions,
  simulatedAccelerator,
} from '../../sdk/accelerator/index.ts';
import { scheduledAccelerator } from '../../sdk/accelerator/kvm/scheduled/processors.ts';
import type { SimulatedKernel } from '../../sdk/accelerator/kvm/simulated-kernel/simulated-kernel.ts';
import { ManualClock } from '../../sdk/clock/index.ts';
import { AddressSpace, MemoryRegion, MemoryTopology, RegionOps } from '../../sdk/memory/index.ts';

/** What a small device saw, in order: `out 0x70 = 0xa`, `in 0x71`. */
export type Seen = string[];

export interface SmallDevice {
  readonly name: string;
  readonly at: number;
  readonly size: number;
  readonly space?: 'ports' | 'memory';
  /** Bytes of the region whose writes are coalesced. */
  readonly coalesced?: { offset: number; size: number };
  readonly flush?: boolean;
  readonly priority?: number;
  /** Whose handlers must not nest: devices of one owner are one device. */
  readonly owner?: string;
  read?(offset: number, size: number): number;
  write?(value: number, offset: number, size: number): void;
}

export interface SmallMachineOptions extends SimulatedAcceleratorOptions {
  readonly resetPorts?: readonly ResetPort[];
  readonly interruptController?: InterruptController;
  readonly ram?: number;
  /** Instead of a simulated kernel with default costs. */
  readonly kernel?: SimulatedKernel;
  /** Instead of one that the machine makes. */
  readonly accelerator?: KvmAccelerator;
}

const hex = (value: number) => `0x${value.toString(16)}`;

/** A machine of a few regions, without chips: what the accelerator sees of any machine. */
export class SmallMachine {
  readonly topology = new MemoryTopology();
  readonly clock = new ManualClock();
  readonly seen: Seen = [];
  readonly accelerator: KvmAccelerator;
  readonly regions = new Map<string, MemoryRegion>();
  readonly memory: AddressSpace;
  readonly io: AddressSpace;
  readonly host: AcceleratorHost;
  resets = 0;
  onReset: () => void = () => undefined;

  constructor(devices: readonly SmallDevice[], options: SmallMachineOptions = {}) {
    const { resetPorts, interruptController, ram = 0xa0000, kernel, accelerator, ...rest } = options;
    this.accelerator =
      accelerator ?? (kernel === undefined ? simulatedAccelerator(rest) : scheduledAccelerator({ ...rest, kernel }));
    this.topology.allocateRam = (size, name) => this.accelerator.allocateRam(size, name, name === 'ram');
    const system = MemoryRegion.container(this.topology, 'system', 2 ** 64);
    const ports = MemoryRegion.unassignedPorts(this.topology, 'io');
    if (ram > 0) system.addSubregion(0, MemoryRegion.ram(this.topology, 'ram', ram));
    this.memory = new AddressSpace(this.topology, 'memory', system);
    this.io = new AddressSpace(this.topology, 'I/O', ports);
    for (const device of devices) {
      const parent = device.space === 'memory' ? system : ports;
      parent.addSubregion(device.at, this.regionOf(device), device.priority ?? 0);
    }
    this.host = {
      topology: this.topology,
      memory: this.memory,
      io: this.io,
      clock: this.clock,
      ...(resetPorts === undefined ? {} : { resetPorts }),
      ...(interruptController === undefined ? {} : { interruptController }),
      reset: () => {
        this.resets++;
        this.onReset();
      },
    };
    this.accelerator.attach(this.host);
  }

  /** RAM at the end of what is otherwise free, to be moved by the test. */
  addRam(name: string, size: number): MemoryRegion {
    const ram = MemoryRegion.ram(this.topology, name, size);
    this.memory.root.addSubregion(0x1000_0000, ram, 1);
    return ram;
  }

  run(guest: GuestBody | readonly GuestBody[], options: RunOptions = {}): RunOutcome {
    const bodies = typeof guest === 'function' ? [guest] : guest;
    this.accelerator.load(bodies.map((body, index) => guestProgram(`guest ${index}`, body)));
    return this.accelerator.run(options);
  }

  /** Keeps the order of what the device sees, then does what the test asks of it. */
  private regionOf(device: SmallDevice): MemoryRegion {
    const isPort = device.space !== 'memory';
    const [writeName, readName] = isPort ? ['out', 'in'] : ['store', 'load'];
    const ops = new RegionOps({
      device: null,
      valid: { min: 1, max: 8, unaligned: true },
      impl: { min: 1, max: isPort ? 4 : 8, unaligned: true },
      routes: [
        {
          offset: 0,
          size: Number.POSITIVE_INFINITY,
          read: (offset: number, size: number) => {
            this.seen.push(`${readName} ${hex(device.at + offset)}`);
            return device.read?.(offset, size) ?? 0;
          },
          write: (value: number, offset: number, size: number) => {
            this.seen.push(`${writeName} ${hex(device.at + offset)} = ${hex(value)}`);
            device.write?.(value, offset, size);
          },
          read64: (offset: number) => {
            this.seen.push(`${readName} ${hex(device.at + offset)}`);
            return BigInt(device.read?.(offset, 8) ?? 0);
          },
          write64: (value: bigint, offset: number) => {
            this.seen.push(`${writeName} ${hex(device.at + offset)} = 0x${value.toString(16)}`);
            device.write?.(Number(value & 0xffff_ffffn), offset, 8);
          },
        },
      ],
    });
    const owner = { id: device.owner ?? device.name };
    const region = MemoryRegion.io(this.topology, device.name, device.size, ops, { owner });
    this.regions.set(device.name, region);
    if (device.coalesced !== undefined) region.addCoalescedIo(device.coalesced);
    if (device.flush === true) region.setFlushCoalescedIo();
    return region;
  }
}

/** Two ports like a clock chip's: the index is coalesced, the data port flushes. */
export function indexAndData(): SmallDevice[] {
  return [
    { name: 'index', at: 0x70, size: 1, coalesced: { offset: 0, size: 1 } },
    { name: 'data', at: 0x71, size: 1, flush: true, read: () => 0x26 },
  ];
}

/** A port that is not coalesced and does nothing: writing there is an exit. */
export function plainPort(at = 0x80, name = 'plain'): SmallDevice {
  return { name, at, size: 4 };
}
