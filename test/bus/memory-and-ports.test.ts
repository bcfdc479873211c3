import { describe, expect, it } from 'vitest';
import { realizeDevice } from '../../sdk/device/regions/build.ts';
import {
  device,
  IsaDevice,
  inject,
  MemoryRegion,
  MemTxResult,
  portRegion,
  SystemBus,
  SystemDevice,
} from '../../sdk/index.ts';
import { SubtractivePorts } from '../../sdk/pci.ts';
import { AddressSpace, MemoryDmaPort, MemoryTopology } from '../../sdk/runtime.ts';
import { DeviceBench } from '../device/device-bench.ts';

describe('DMA', () => {
  const topology = new MemoryTopology();
  const memory = MemoryRegion.container(topology, 'system', 2 ** 40);
  const ram = MemoryRegion.ram(topology, 'ram', 0x1000);
  memory.addSubregion(0x1000, ram);
  const dma = new MemoryDmaPort(new AddressSpace(topology, 'memory', memory));

  it('moves bytes into guest memory and back, by number or by bigint', () => {
    expect(dma.write(0x1010, new Uint8Array([1, 2, 3]))).toBe(MemTxResult.Ok);
    const target = new Uint8Array(4);
    expect(dma.read(0x1010n, target)).toBe(MemTxResult.Ok);
    expect([...target]).toEqual([1, 2, 3, 0]);
  });

  it('answers with an error, and throws nothing, where the guest named an address that leads nowhere', () => {
    const target = new Uint8Array([9, 9]);
    expect(dma.read(0x20_0000, target)).toBe(MemTxResult.DecodeError);
    expect(dma.read(-1n, target)).toBe(MemTxResult.DecodeError);
    target.fill(9);
    expect(dma.read(2n ** 63n, target)).toBe(MemTxResult.DecodeError);
    expect([...target]).toEqual([0, 0]);
    expect(dma.write(2n ** 63n, target)).toBe(MemTxResult.DecodeError);
  });
});

describe('the ports behind a bridge', () => {
  const control = portRegion({ name: 'reset-control', base: 0xcf9, size: 1, accessSizes: [1] });
  const address = portRegion({ name: 'address', base: 0xcf8, size: 4, implements: { unaligned: true } });

  @device({ type: 'reset-control', description: 'One byte behind the bridge' })
  class ResetControl extends IsaDevice {
    value = 0;
    @control.read(0)
    read(): number {
      return this.value;
    }
    @control.write(0)
    write(value: number): void {
      this.value = value;
    }
  }

  @device({ type: 'bridge', description: 'Claims 32-bit accesses and hands on the rest' })
  class Bridge extends SystemDevice {
    address = 0;
    constructor(@inject(SubtractivePorts) readonly behind: SubtractivePorts) {
      super();
    }
    @address.write(0, { size: 4 })
    writeAddress(value: number): void {
      this.address = value;
    }
    @address.write()
    forwardWrite(value: number, offset: number, size: number): void {
      this.behind.write(0xcf8 + offset, value, size);
    }
    @address.read()
    forwardRead(offset: number, size: number): number {
      return this.behind.read(0xcf8 + offset, size);
    }
  }

  function machine() {
    const bench = new DeviceBench();
    const behind = MemoryRegion.container(bench.topology, 'ports-behind', 0x1_0000);
    bench.ioRoot.addSubregion(0, behind, -1);
    const resetControl = new ResetControl();
    realizeDevice(resetControl, { id: 'reset', topology: bench.topology, guestErrors: bench.guestErrors });
    behind.addSubregion(0xcf9, resetControl.region(control));
    const space = new AddressSpace(bench.topology, 'ports-behind', behind);
    const bridge = bench.realize(new Bridge(new SubtractivePorts(space)));
    return { bench, bridge, resetControl };
  }

  it('are reached by what the bridge does not claim, so that one byte inside its range is another device', () => {
    const { bench, bridge, resetControl } = machine();
    bench.io.write(0xcf8, 0x8000_1234, 4);
    bench.io.write(0xcf9, 0x02, 1);
    expect([bridge.address, resetControl.value, bench.io.read(0xcf9, 1)]).toEqual([0x8000_1234, 2, 2]);
  });

  it('leave the range of the bridge in one piece', () => {
    const { bench } = machine();
    const section = bench.io.lookup(0xcf9);
    expect([section?.region.name, section?.start, section?.size]).toEqual(['address', 0xcf8, 4]);
  });

  it('read as all ones where nobody is, at any width', () => {
    const { bench } = machine();
    expect([bench.io.read(0xcf8, 1), bench.io.read(0xcfa, 1), bench.io.read(0xcfa, 2)]).toEqual([0xff, 0xff, 0xffff]);
    bench.io.write(0xcfa, 1, 1);
    expect(bench.log).toEqual([]);
  });
});

describe('the system bus', () => {
  it('is the board as a chipset finds it: roots, RAM and topology', () => {
    const topology = new MemoryTopology();
    const parts = {
      topology,
      memory: MemoryRegion.container(topology, 'system', 2 ** 32),
      io: MemoryRegion.unassignedPorts(topology, 'io'),
      ram: MemoryRegion.ram(topology, 'pc.ram', 0x1000),
    };
    expect({ ...new SystemBus(parts) }).toEqual(parts);
    @device({ type: 'chipset', description: 'On the board' })
    class Chipset extends SystemDevice {}
    expect([new Chipset().bus, new Chipset().metadata.bus]).toEqual(['system', 'system']);
  });
});
