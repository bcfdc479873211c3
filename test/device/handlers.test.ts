import { describe, expect, it } from 'vitest';
import { realizeDevice } from '../../sdk/device/regions/build.ts';
import { device, IsaDevice, MemTxResult, mmioRegion, portRegion, SystemDevice } from '../../sdk/index.ts';
import { DeviceBench, expectReports } from './device-bench.ts';

const ports = portRegion({ name: 'counter', base: 0x300, size: 4, accessSizes: [1, 2, 4] });

@device({ type: 'counter', description: 'Two counters' })
class Counter extends IsaDevice {
  readonly calls: string[] = [];
  low = 0x12;

  @ports.read(0)
  readLow(offset: number, size: number): number {
    this.calls.push(`readLow ${offset} ${size}`);
    return this.low;
  }

  @ports.write(0)
  writeLow(value: number, offset: number, size: number): void {
    this.calls.push(`writeLow 0x${value.toString(16)} ${offset} ${size}`);
    this.low = value;
  }

  @ports.write(2, { size: 2 })
  writeHigh(value: number, offset: number, size: number): undefined {
    this.calls.push(`writeHigh 0x${value.toString(16)} ${offset} ${size}`);
    return value === 0xdead ? this.guestError('0xdead is not a count') : undefined;
  }
}

describe('a handler', () => {
  it('is called with its device and plain numbers when the guest comes to its offset', () => {
    const bench = new DeviceBench();
    const counter = bench.realize(new Counter());
    expect(bench.io.read(0x300, 1)).toBe(0x12);
    bench.io.write(0x300, 0xab, 1);
    expect(bench.io.read(0x300, 1)).toBe(0xab);
    expect(counter.calls).toEqual(['readLow 0 1', 'writeLow 0xab 0 1', 'readLow 0 1']);
  });

  it('answers for the bytes up to its widest access, and at most to the next handler of its direction', () => {
    const bench = new DeviceBench();
    const counter = bench.realize(new Counter());
    expect(bench.io.read(0x303, 1)).toBe(0x12);
    bench.io.write(0x301, 7, 1);
    bench.io.write(0x302, 0x1234, 2);
    expect(counter.calls).toEqual(['readLow 3 1', 'writeLow 0x7 1 1', 'writeHigh 0x1234 2 2']);
  });

  it('that looks at its offset gives the bytes from there on to reads narrower than it implements', () => {
    const words = mmioRegion({ name: 'words', base: 0x1000, size: 8, implements: { min: 4, max: 4 } });
    @device({ type: 'words', description: 'Two words' })
    class Words extends SystemDevice {
      @words.read()
      read(offset: number): number {
        return 0x44332211 >>> (8 * (offset & 3));
      }
    }
    const bench = new DeviceBench();
    bench.realize(new Words());
    expect([0, 1, 2, 3].map((offset) => bench.memory.read(0x1000 + offset, 1))).toEqual([0x11, 0x22, 0x33, 0x44]);
    expect(bench.memory.read(0x1002, 2)).toBe(0x4433);
  });

  it('of a given size is not called for another, and the write is a guest error that changes nothing', () => {
    const bench = new DeviceBench();
    const counter = bench.realize(new Counter(), 'counter');
    bench.io.write(0x302, 1, 1);
    bench.io.write(0x302, 2, 1);
    expect(counter.calls).toEqual([]);
    expectReports(bench.log, ['counter:', 'write', '0x2', "'counter'"]);
    expect(bench.guestErrors.total).toBe(2);
  });

  it('may return the answer of guestError, which logs once and counts', () => {
    const bench = new DeviceBench();
    bench.realize(new Counter(), 'counter');
    for (let i = 0; i < 5; i++) bench.io.write(0x302, 0xdead, 2);
    expect(bench.log).toEqual(['counter: 0xdead is not a count']);
    expect(bench.guestErrors.all).toEqual([{ device: 'counter', message: '0xdead is not a count', count: 5 }]);
  });
});

const quiet = portRegion({ name: 'quiet', base: 0x310, size: 4, missing: 'silent' });
const registers = mmioRegion({ name: 'registers', base: 0x1000, size: 0x100, accessSizes: [1, 2, 4, 8] });

@device({ type: 'mixed', description: 'Every form of handler' })
class Mixed extends SystemDevice {
  wide = 0x1122_3344_5566_7788n;
  readonly calls: string[] = [];

  @quiet.write(0)
  write(): void {}

  @registers.read64(0x00)
  readWide(_offset: number, size: number): bigint {
    this.calls.push(`read64 ${size}`);
    return this.wide;
  }

  @registers.write64(0x00)
  writeWide(value: bigint): void {
    this.wide = value;
  }

  @registers.read(0x10, { size: 4 })
  readNarrow(): number {
    return 0xffff_fff0;
  }

  @registers.read64(0x10, { size: 8 })
  readBoth(): bigint {
    return 0x8000_0000_0000_0001n;
  }

  @registers.readWithAttributes(0x20)
  readSecret(_offset: number, _size: number, attributes: number): number {
    return attributes & 2 ? 0x5ec2e7 : -MemTxResult.Error;
  }

  @registers.writeWithAttributes(0x20)
  writeSecret(value: number, _offset: number, _size: number, attributes: number): number | undefined {
    this.calls.push(`secret ${value} ${attributes}`);
    return value === 0 ? MemTxResult.Error : undefined;
  }

  @registers.read()
  readAnythingElse(offset: number, size: number): number {
    this.calls.push(`else 0x${offset.toString(16)} ${size}`);
    return 0x77;
  }
}

describe('what no handler takes', () => {
  it('reads as all ones on ports, because nothing drives the bus', () => {
    const bench = new DeviceBench();
    bench.realize(new Mixed());
    expect([1, 2, 4].map((size) => bench.io.read(0x310, size))).toEqual([0xff, 0xffff, 0xffff_ffff]);
    expect(bench.io.result).toBe(MemTxResult.Ok);
  });

  it('reads as zero in memory', () => {
    const empty = mmioRegion({ name: 'empty', base: 0x2000, size: 16 });
    @device({ type: 'empty', description: 'One register that is only written' })
    class Empty extends SystemDevice {
      @empty.write(0)
      write(): void {}
    }
    const bench = new DeviceBench();
    bench.realize(new Empty());
    expect([bench.memory.read(0x2000, 4), bench.memory.result]).toEqual([0, MemTxResult.Ok]);
    expectReports(bench.log, ['device:', 'read', '0x0', "'empty'"]);
  });

  it('is not a guest error where the region says that it is silent', () => {
    const bench = new DeviceBench();
    bench.realize(new Mixed());
    bench.io.read(0x312, 1);
    expect(bench.guestErrors.total).toBe(0);
  });

  it('goes to the handler without an offset, if there is one', () => {
    const bench = new DeviceBench();
    const mixed = bench.realize(new Mixed());
    expect([bench.memory.read(0x1040, 1), bench.memory.read(0x1010, 2), bench.memory.read(0x10fc, 4)]).toEqual([
      0x77, 0x77, 0x77,
    ]);
    expect(mixed.calls).toEqual(['else 0x40 1', 'else 0x10 2', 'else 0xfc 4']);
    expect(bench.memory.read(0x1010, 4)).toBe(0xffff_fff0);
  });
});

describe('the other forms of handlers', () => {
  it('take 64 bits as bigint, and narrower accesses too', () => {
    const bench = new DeviceBench();
    const mixed = bench.realize(new Mixed());
    bench.memory.write64(0x1000, 0xcafe_f00d_dead_beefn);
    expect(bench.memory.read64(0x1000)).toBe(0xcafe_f00d_dead_beefn);
    expect(bench.memory.read(0x1000, 4)).toBe(0xdead_beef);
    expect(mixed.calls).toEqual(['read64 8', 'read64 4']);
  });

  it('share an offset when they are told apart by size', () => {
    const bench = new DeviceBench();
    bench.realize(new Mixed());
    expect(bench.memory.read64(0x1010)).toBe(0x8000_0000_0000_0001n);
    expect(bench.memory.read(0x1010, 4)).toBe(0xffff_fff0);
  });

  it('see who is asking, and may refuse', () => {
    const bench = new DeviceBench();
    const mixed = bench.realize(new Mixed());
    expect([bench.memory.read(0x1020, 4, 2), bench.memory.result]).toEqual([0x5ec2e7, MemTxResult.Ok]);
    bench.memory.read(0x1020, 4);
    expect(bench.memory.result).toBe(MemTxResult.Error);
    expect(bench.memory.write(0x1020, 0, 4, 2)).toBe(MemTxResult.Error);
    expect(bench.memory.write(0x1020, 9, 4, 2)).toBe(MemTxResult.Ok);
    expect(mixed.calls).toEqual(['secret 0 2', 'secret 9 2']);
  });
});

const mirrored = portRegion({ name: 'mirrored', base: 0x320, size: 2, implements: { max: 1 }, mirrored: true });

@device({ type: 'mirrored', description: 'A chip with one address line' })
class Mirrored extends IsaDevice {
  readonly calls: string[] = [];

  @mirrored.write(0)
  writeIndex(value: number): void {
    this.calls.push(`index ${value}`);
  }

  @mirrored.write(1)
  writeData(value: number): void {
    this.calls.push(`data ${value}`);
  }
}

describe('a mirrored region', () => {
  it('repeats its registers where an access runs over its end, as a chip does that decodes one address line', () => {
    const bench = new DeviceBench();
    const chip = bench.realize(new Mirrored());
    bench.io.write(0x320, 0x04030201, 4);
    bench.io.write(0x321, 0x0605, 2); // not aligned, so its second byte is an access of its own, at 0x322
    expect(chip.calls).toEqual(['index 1', 'data 2', 'index 3', 'data 4', 'data 5']);
  });
});

const tail = portRegion({ name: 'tail', base: 0x330, size: 2, implements: { max: 1 }, mirrored: true });

@device({ type: 'tail', description: 'Its second register goes on past the end' })
class Tail extends IsaDevice {
  readonly calls: string[] = [];

  @tail.write(0)
  writeFirst(value: number): void {
    this.calls.push(`first ${value}`);
  }

  @tail.write(1, { length: Number.POSITIVE_INFINITY })
  writeRest(value: number, offset: number): void {
    this.calls.push(`rest ${value} at ${offset}`);
  }
}

describe('a handler of endless length', () => {
  it('takes what runs over the end of the region, up to where the region repeats itself', () => {
    const bench = new DeviceBench();
    const chip = bench.realize(new Tail());
    bench.io.write(0x330, 0x04030201, 4);
    expect(chip.calls).toEqual(['first 1', 'rest 2 at 1', 'first 3', 'rest 4 at 3']);
  });
});

describe('a subclass', () => {
  @device({ type: 'counter2', description: 'A counter that counts differently' })
  class Counter2 extends Counter {
    override readLow(): number {
      return 0x99;
    }

    @ports.write(2, { size: 2 })
    writeHighAnew(value: number): void {
      this.calls.push(`anew 0x${value.toString(16)}`);
    }

    @ports.read(3, { size: 1 })
    readLast(): number {
      return 0x33;
    }
  }

  it('inherits handlers, is heard where it overrides them, and replaces them where it declares its own', () => {
    const bench = new DeviceBench();
    const counter = bench.realize(new Counter2());
    bench.io.write(0x300, 0x55, 1);
    bench.io.write(0x302, 0x1234, 2);
    expect([0x300, 0x302, 0x303].map((port) => bench.io.read(port, 1))).toEqual([0x99, 0x99, 0x33]);
    expect(counter.calls).toEqual(['writeLow 0x55 0 1', 'anew 0x1234']);
  });

  it('never changes the base class', () => {
    const bench = new DeviceBench();
    const counter = bench.realize(new Counter());
    bench.io.write(0x302, 0x1234, 2);
    expect([bench.io.read(0x300, 1), bench.io.read(0x303, 1)]).toEqual([0x12, 0x12]);
    expect(counter.calls[0]).toBe('writeHigh 0x1234 2 2');
  });
});

describe('a device', () => {
  it('has regions of its own, so that two instances do not share state', () => {
    const bench = new DeviceBench();
    const [one, other] = [new Counter(), new Counter()];
    realizeDevice(one, { id: 'one', topology: bench.topology, guestErrors: bench.guestErrors });
    realizeDevice(other, { id: 'other', topology: bench.topology, guestErrors: bench.guestErrors });
    bench.ioRoot.addSubregion(0x300, one.region(ports));
    bench.ioRoot.addSubregion(0x340, other.region(ports));
    bench.io.write(0x340, 0x44, 1);
    expect([bench.io.read(0x300, 1), bench.io.read(0x340, 1)]).toEqual([0x12, 0x44]);
    expect([one.region(ports).owner, other.region(ports).owner]).toEqual([one, other]);
  });

  it('lives from construct over realize and reset to unrealize', () => {
    const steps: string[] = [];
    @device({ type: 'mayfly', description: 'Notes what happens to it' })
    class Mayfly extends IsaDevice {
      @ports.read()
      read(): number {
        return 0;
      }
      protected override onRealize(): void {
        steps.push(`realize ${this.id} ${this.region(ports).name} ${this.topology.constructor.name}`);
      }
      override reset(): void {
        steps.push('reset');
      }
      protected override onUnrealize(): void {
        steps.push(`unrealize ${this.id}`);
      }
    }
    const bench = new DeviceBench();
    const mayfly = bench.realize(new Mayfly(), 'fly0');
    expect([mayfly.id, mayfly.realized, mayfly.bus]).toEqual(['fly0', true, 'isa']);
    mayfly.unrealize();
    mayfly.unrealize();
    expect([mayfly.id, mayfly.realized]).toEqual(['Mayfly', false]);
    expect(steps).toEqual(['realize fly0 counter MemoryTopology', 'reset', 'unrealize fly0']);
  });
});
