import { describe, expect, it } from 'vitest';
import { addCoalescedIo, device, flushCoalescedIo, IsaDevice, portRegion } from '../../sdk/index.ts';
import { type MemoryListener, metadataOf } from '../../sdk/runtime.ts';
import { DeviceBench } from './device-bench.ts';

const index = portRegion({ name: 'index', base: 0x70, size: 2, accessSizes: [1] });
const data = portRegion({ name: 'data', base: 0x74, size: 1, accessSizes: [1] });
const version = portRegion({ name: 'version', base: 0x78, size: 1, accessSizes: [1] });

@device({ type: 'indexed', description: 'An index port, a data port and a constant' })
@addCoalescedIo(index, { offset: 0, size: 1, independent: [version] })
@flushCoalescedIo(data)
class Indexed extends IsaDevice {
  selected = 0;

  @index.write(0)
  select(value: number): void {
    this.selected = value;
  }

  @data.read(0)
  readSelected(): number {
    return this.selected;
  }

  @version.read(0)
  readVersion(): number {
    return 7;
  }
}

/** What an accelerator hears: where writes may be queued. */
class Zones implements MemoryListener {
  readonly name = 'zones';
  readonly priority = 10;
  readonly zones = new Set<string>();
  coalescedIoAdd(_: unknown, start: number, size: number): void {
    this.zones.add(`0x${start.toString(16)}+${size}`);
  }
  coalescedIoDel(_: unknown, start: number, size: number): void {
    this.zones.delete(`0x${start.toString(16)}+${size}`);
  }
}

function realized() {
  const bench = new DeviceBench();
  const zones = new Zones();
  bench.topology.addListener(zones, bench.io);
  let flushes = 0;
  bench.topology.coalescedIoFlusher = { flushCoalescedIo: () => flushes++ };
  const chip = bench.realize(new Indexed());
  return { bench, zones, chip, flushed: () => flushes };
}

describe('a coalesced range declared on the class', () => {
  it('becomes a zone where the region is mapped, and goes with it', () => {
    const { bench, zones, chip } = realized();
    expect([...zones.zones]).toEqual(['0x70+1']);
    bench.ioRoot.removeSubregion(chip.region(index));
    expect([...zones.zones]).toEqual([]);
    bench.ioRoot.addSubregion(0x170, chip.region(index));
    expect([...zones.zones]).toEqual(['0x170+1']);
  });

  it('is delivered before its own region and its partner are reached, but not before an independent one', () => {
    const { bench, flushed } = realized();
    const before = flushed();
    bench.io.read(0x78, 1);
    expect(flushed()).toBe(before);
    bench.io.read(0x74, 1);
    expect(flushed()).toBe(before + 1);
    bench.io.write(0x70, 1, 1);
    expect(flushed()).toBe(before + 2);
  });

  it('can be said without a decorator, on the region of one instance', () => {
    const { zones, chip } = realized();
    chip.region(data).addCoalescedIo({ offset: 0, size: 1 });
    expect([...zones.zones].sort()).toEqual(['0x70+1', '0x74+1']);
    chip.region(index).clearCoalescedIo();
    expect([...zones.zones]).toEqual(['0x74+1']);
    expect(metadataOf(Indexed).region(data)?.coalesced).toEqual([]);
    expect(metadataOf(Indexed).region(index)?.coalesced).toEqual([{ offset: 0, size: 1, independent: [version] }]);
  });

  it('is inherited by a subclass, which may add to it without changing the base', () => {
    @device({ type: 'indexed2', description: 'Coalesces its data port too' })
    @addCoalescedIo(index, { offset: 1, size: 1, independent: [version] })
    class Indexed2 extends Indexed {
      @index.write(1)
      writeSecond(): void {}
    }
    const ranges = (chip: typeof Indexed) =>
      metadataOf(chip)
        .region(index)
        ?.coalesced.map(({ offset }) => offset);
    expect([ranges(Indexed2), ranges(Indexed)]).toEqual([[0, 1], [0]]);
    expect(metadataOf(Indexed2).region(data)?.flushCoalescedIo).toBe(true);
  });

  it('may come from an abstract base without @device, which is checked with the class that has it', () => {
    @addCoalescedIo(index, { offset: 0, size: 1 })
    abstract class Base extends IsaDevice {
      @index.write(0)
      select(): void {}
    }
    @device({ type: 'finished', description: 'A finished device' })
    class Finished extends Base {}
    expect(metadataOf(Finished).region(index)?.coalesced).toEqual([{ offset: 0, size: 1 }]);
  });
});

describe('a metadata', () => {
  it('cannot be changed by whoever reads it', () => {
    const metadata = metadataOf(Indexed);
    const region = metadata.region(index);
    expect(
      [metadata, metadata.regions, region, region?.handlers, region?.handlers[0], region?.coalesced].every(
        Object.isFrozen,
      ),
    ).toBe(true);
    expect([index, metadata.injections].every(Object.isFrozen)).toBe(true);
  });

  it('says what the class is', () => {
    const { type, description, bus, deviceClass, regions } = metadataOf(Indexed);
    expect([type, description, bus, deviceClass]).toEqual([
      'indexed',
      'An index port, a data port and a constant',
      'isa',
      Indexed,
    ]);
    expect(regions.map(({ template }) => template)).toEqual([index, data, version]);
  });
});
