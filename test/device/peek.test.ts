import { describe, expect, it } from 'vitest';
import * as devices from '../../devices/index.ts';
import { type ConcreteDeviceClass, Device } from '../../sdk/device/index.ts';
import {
  bit,
  bits,
  device,
  IsaDevice,
  indexedRegisters,
  mmioRegion,
  portRegion,
  reserved,
  SystemDevice,
  state,
} from '../../sdk/index.ts';
import { checkDevice, testBench } from '../../sdk/testing/index.ts';
import { Random } from '../../sdk/testing/random.ts';
import { expectRefusal } from '../refusal.ts';

const registers = mmioRegion({ name: 'peeked', base: 0x1000, size: 0x40, accepts: { max: 8 }, implements: { max: 8 } });
const flags = registers.register(0x00, { width: 32, reset: 0xff, access: 'read-to-clear' });
const secret = registers.register(0x04, { width: 32, reset: 0x1234, access: 'write-only' });
const mixed = registers.register(0x08, {
  width: 32,
  reset: 0x00aa_0000,
  fields: { low: bits(0, 7, 'read-write'), done: bit(8, 'write-one-to-clear'), none: reserved([9, 31]) },
});
const wide = registers.register(0x10, { width: 64, atReset: 'set-by-device' });
const slots = registers.register(0x18, { width: 16, count: 4, atReset: 'set-by-device' });
const hooked = registers.register(0x20, { width: 32, reset: 5 });

/** A register of each kind, and handlers with and without a peek handler. */
@device({ type: 'peeked', description: 'Has something of everything' })
class Peeked extends SystemDevice {
  calls = 0;
  @flags flags = 0xff;
  @secret secret = 0x1234;
  @mixed mixed = 0x00aa_0000;
  @wide wide = 0x1122_3344_5566_7788n;
  @slots slots = new Uint16Array([0x1111, 0x2222, 0x3333, 0x4444]);
  @hooked hooked = 5;

  @hooked.onRead()
  readHooked(): number {
    return ++this.calls;
  }

  @registers.read(0x28)
  readTicket(): number {
    return ++this.calls;
  }

  @registers.read(0x2c)
  readQueue(): number {
    return ++this.calls;
  }

  @registers.peek(0x2c)
  peekQueue(offset: number, size: number): number | undefined {
    return size === 4 && offset === 0x2c ? this.calls + 1 : undefined;
  }
}

const at = (offset: number): number => 0x1000 + offset;

describe('a peek', () => {
  it('answers what a read of a declared register would, and clears nothing', () => {
    const bench = testBench(Peeked);
    expect(bench.memory.peek(at(0), 4)).toBe(0xff);
    expect(bench.device.flags).toBe(0xff);
    expect(bench.load32(at(0))).toBe(0xff);
    expect(bench.memory.peek(at(0), 4)).toBe(0);
  });

  it('of a write-only register answers what the region does, and of its fields what is shown', () => {
    const bench = testBench(Peeked);
    expect(bench.memory.peek(at(4), 4)).toBe(0);
    bench.store32(at(8), 0x42);
    expect(bench.memory.peek(at(8), 4)).toBe(0x00aa_0042);
    expect(bench.memory.peek(at(10), 1)).toBe(0xaa);
  });

  it('crosses registers and arrays, and shows parts of 64 bits', () => {
    const bench = testBench(Peeked);
    expect(bench.memory.peek(at(0x14), 4)).toBe(0x1122_3344);
    expect(bench.memory.peek(at(0x1a), 4)).toBe(0x3333_2222);
    expect(bench.memory.peek(at(0x1b), 1)).toBe(0x22);
  });

  it('is not known where a read hook or a read handler would have to be called, and calls none', () => {
    const bench = testBench(Peeked);
    expect(bench.memory.peek(at(0x20), 4)).toBeUndefined();
    expect(bench.memory.peek(at(0x28), 4)).toBeUndefined();
    expect(bench.memory.peek(at(0x1e), 4)).toBeUndefined();
    expect(bench.device.calls).toBe(0);
  });

  it('asks the peek handler instead of the read handler', () => {
    const bench = testBench(Peeked);
    expect(bench.memory.peek(at(0x2c), 4)).toBe(1);
    expect(bench.memory.peek(at(0x2c), 4)).toBe(1);
    expect(bench.memory.peek(at(0x2c), 2)).toBeUndefined();
    expect(bench.load32(at(0x2c))).toBe(1);
  });

  it('answers what the region does where nothing is, and reports no mistake of the guest', () => {
    const bench = testBench(Peeked);
    expect(bench.memory.peek(at(0x30), 4)).toBe(0);
    expect(bench.io.peek(0x5555, 2)).toBe(0xffff);
    expect(bench.memory.peek(0x9000_0000, 4)).toBeUndefined();
    expect(bench.guestErrors).toEqual([]);
  });

  it('reads RAM', () => {
    const bench = testBench(Peeked);
    bench.store32(0x100, 0x1234_5678);
    expect(bench.memory.peek(0x101, 2)).toBe(0x3456);
  });

  it('sees the register that stands behind an index, and moves no index', () => {
    const ports = portRegion({ name: 'indexed', base: 0x300, size: 2, accessSizes: [1] });
    const index = ports.register(0, { width: 8 });
    const chosen = indexedRegisters({ index, data: 1 });
    const first = chosen.register(4, { width: 8, count: 2, atReset: 'set-by-device' });
    @device({ type: 'indexed', description: 'Two registers behind an index' })
    class Indexed extends IsaDevice {
      @index index = 0;
      @first first = new Uint8Array([0x44, 0x55]);
    }
    const bench = testBench(Indexed);
    bench.out8(0x300, 5);
    bench.out8(0x301, 0x56);
    expect([bench.io.peek(0x301, 1), bench.io.peek(0x300, 2)]).toEqual([0x56, 0x5605]);
    bench.out8(0x300, 9);
    expect(bench.io.peek(0x301, 1)).toBe(0xff);
  });

  it('keeps the byte order of a big-endian region', () => {
    const big = mmioRegion({ name: 'big', base: 0x1000, size: 8, endianness: 'big', accessSizes: [1, 2, 4] });
    const word = big.register(0, { width: 32, reset: 0x1122_3344 });
    @device({ type: 'big', description: 'A big-endian register' })
    class Big extends SystemDevice {
      @word word = 0x1122_3344;

      @big.read(4)
      read(): number {
        return 0x55;
      }

      @big.peek(4)
      peek(): number {
        return 0x55;
      }
    }
    const bench = testBench(Big);
    bench.store32(0x1000, 0x4433_2211);
    for (const [address, size] of [
      [0x1000, 4],
      [0x1002, 2],
      [0x1001, 1],
      [0x1004, 4],
    ] as const)
      expect(bench.memory.peek(address, size)).toBe(bench.memory.read(address, size));
  });

  it('with a handler outside its region is refused', () => {
    const ports = portRegion({ name: 'small', base: 0x300, size: 2 });
    class Small extends IsaDevice {
      peek(): number {
        return 0;
      }
    }
    expectRefusal(() => ports.peek(2)(Small.prototype, 'peek', {}), 'range-outside-region', 'small');
  });
});

const classes = (Object.values(devices) as readonly unknown[]).filter(
  (one): one is ConcreteDeviceClass => typeof one === 'function' && one.prototype instanceof Device,
);

describe('a peek of a device of the package', () => {
  it.each(classes.map((one) => [one.name, one] as const))('agrees with the read after it: %s', (_, deviceClass) => {
    const bench = testBench(deviceClass);
    const random = new Random(9);
    for (const { template } of bench.device.metadata.regions) {
      if (!bench.has(template) || template.kind === 'container') continue;
      const [space, base] = [template.kind === 'ports' ? bench.io : bench.memory, bench.addressOf(template)];
      for (let turn = 0; turn < 400; turn++) {
        const size = random.pick([1, 2, 4]);
        const address = base + random.below(Math.ceil(Math.min(template.size, 0x200) / size)) * size;
        if (random.oneIn(2)) space.write(address, random.bits(), size);
        bench.clock.advance(random.below(2) * 1000);
        const known = space.peek(address, size);
        const again = space.peek(address, size);
        const answer = space.read(address, size);
        if (known === undefined || space.result !== 0) continue;
        expect([again, known]).toEqual([known, answer]);
      }
    }
  });
});

describe('the contract of a device with peek handlers', () => {
  const check = (peek: (device: { next: number }) => number) => {
    const ports = portRegion({ name: 'queue', base: 0x300, size: 1, accessSizes: [1] });
    @device({ type: 'queue', description: 'Hands out numbers' })
    class Queue extends IsaDevice {
      @state next = 0;

      @ports.read(0)
      take(): number {
        this.next = (this.next + 1) & 0xff;
        return this.next;
      }

      @ports.peek(0)
      look(): number {
        return peek(this);
      }

      override reset(): void {
        this.next = 0;
      }
    }
    return checkDevice(Queue, { lint: 'off', hostileAccesses: 100 }).map(({ message }) => message);
  };

  it('holds where a peek answers what the read will', () => {
    expect(check(({ next }) => (next + 1) & 0xff)).toEqual([]);
  });

  it('is broken by a peek that answers something else, or that changes the device', () => {
    expect(check(({ next }) => next)[0]).toContain('and the read answers');
    expect(check((queue) => ++queue.next)[0]).toContain("changes 'next'");
  });
});
