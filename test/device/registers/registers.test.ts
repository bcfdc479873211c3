import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { describeRegisterValue, registerAt, registerLabel } from '../../../sdk/device/registers/names.ts';
import {
  addCoalescedIo,
  bit,
  bits,
  device,
  indexedRegisters,
  mmioRegion,
  portRegion,
  reserved,
  SystemDevice,
  undocumented,
} from '../../../sdk/index.ts';
import { metadataOf, registerLocks } from '../../../sdk/runtime.ts';
import { testBench } from '../../../sdk/testing/index.ts';
import { DeviceBench, expectReports } from '../device-bench.ts';
import { engines } from '../interpreted.ts';

const Base = 0x1000;
const Register = {
  Identification: 0x00,
  Status: 0x04,
  Control: 0x08,
  Command: 0x0c,
  Events: 0x10,
  Lock: 0x14,
  Source: 0x18,
  Odd: 0x20,
  Thresholds: 0x40,
  Channels: 0x60,
  Counters: 0x64,
  Missing: 0x28,
} as const;

const registers = mmioRegion({ name: 'timer', base: Base, size: 0x100, accepts: { max: 8 }, implements: { max: 8 } });

const control = registers.register(Register.Control, {
  width: 32,
  reset: 0x10,
  fields: {
    enable: bit(0),
    mode: bits(1, 2, 'read-write', { values: { Once: 0, Repeat: 1, Count: 2 }, description: 'what happens at zero' }),
    parity: bit(3, 'unimplemented'),
    version: bits(4, 7, 'constant'),
    factory: undocumented([8, 11]),
    rest: reserved([12, 31]),
  },
});
const command = registers.register(Register.Command, { width: 32, access: 'write-only', description: 'starts things' });
const events = registers.register(Register.Events, {
  width: 32,
  fields: {
    done: bit(0, 'read-to-clear'),
    late: bit(1, 'write-one-to-clear'),
    level: bits(8, 15, 'read-only'),
    rest: reserved([2, 7], [16, 31]),
  },
});
const source = registers.register(Register.Source, { width: 64, reset: 0x1_0000_0001n });
const thresholds = registers.register(Register.Thresholds, { width: 16, count: 4, reset: 0xffff });
const channels = registers.register(Register.Channels, { width: 32, count: 3, stride: 8 });
const status = registers.register(Register.Status, { width: 32, access: 'read-only' });

@device({ type: 'timer', description: 'A timer with every kind of register' })
class Timer extends SystemDevice {
  readonly heard: string[] = [];
  live = 0;

  @registers.register(Register.Identification, { width: 32, access: 'constant', reset: 0x0100_00ed })
  readonly identification = 0x0100_00ed;
  @status status = 0;
  @control control = 0x10;
  @command command = 0;
  @events events = 0;
  @registers.register(Register.Lock, { width: 32, access: 'write-once', reset: 7 }) lock = 7;
  @source source = 0x1_0000_0001n;
  @registers.register(Register.Odd, { width: 32, access: 'unimplemented' }) odd = 0;
  @registers.register(Register.Odd + 4, { width: 32, atReset: 'kept' }) sticky = 0;
  @thresholds readonly thresholds = new Uint16Array(4).fill(0xffff);
  @channels readonly channels = new Uint32Array(3);
  @registers.register(Register.Counters, { width: 32, count: 2, stride: 8, access: 'read-only' })
  readonly counters = new Uint32Array(2);

  @control.onWrite('mode')
  modeWritten(value: number, previous: number): void {
    this.heard.push(`mode ${previous} -> ${value}, control ${this.control}`);
  }

  @control.onWrite()
  controlWritten(value: number, previous: number): void {
    this.heard.push(`control ${previous} -> ${value}`);
  }

  @control.onRead('enable')
  enableRead(): number {
    return this.live;
  }

  @command.onWrite()
  start(value: number, previous: number): void {
    this.heard.push(`start ${value}`);
    if (value === 0xbad) this.command = previous;
  }

  @status.onRead()
  statusRead(value: number): number {
    return value + 1;
  }

  @events.onRead()
  eventsRead(value: number): undefined {
    this.heard.push(`events read as ${value}, hold ${this.events}`);
    return undefined;
  }

  @source.onWrite()
  sourceWritten(value: bigint, previous: bigint): void {
    this.heard.push(`source ${previous} -> ${value}`);
  }

  @thresholds.onWrite()
  thresholdWritten(value: number, previous: number, index: number): void {
    this.heard.push(`threshold ${index}: ${previous} -> ${value}`);
  }

  @channels.onRead()
  channelRead(value: number, index: number): number {
    return value + index;
  }
}

function timer() {
  const bench = new DeviceBench();
  const made = bench.realize(new Timer(), 'timer');
  const { memory } = bench;
  return {
    bench,
    timer: made,
    read: (offset: number, size = 4) => memory.read(Base + offset, size),
    write: (offset: number, value: number, size = 4) => memory.write(Base + offset, value, size),
  };
}

describe('a register', () => {
  it('is a field of the device: what the guest writes stands there, what stands there the guest reads', () => {
    const { timer: made, read, write } = timer();
    write(Register.Channels, 0x1234_5678);
    expect(made.channels[0]).toBe(0x1234_5678);
    made.events = 0xab00;
    expect(read(Register.Events)).toBe(0xab00);
  });

  it('takes its reset value at a reset, unless it is kept', () => {
    const { timer: made, write } = timer();
    write(Register.Control, 0x1f);
    write(Register.Odd + 4, 5);
    write(Register.Thresholds, 0x0001_0002);
    made.source = 9n;
    made.reset();
    expect([made.control, made.sticky, made.source, [...made.thresholds]]).toEqual([
      0x10,
      5,
      0x1_0000_0001n,
      [0xffff, 0xffff, 0xffff, 0xffff],
    ]);
  });

  it('that is constant answers its reset value whatever the guest or the device does', () => {
    const { timer: made, read, write, bench } = timer();
    write(Register.Identification, 0);
    Object.assign(made, { identification: 3 });
    expect(read(Register.Identification)).toBe(0x0100_00ed);
    made.control = 0xffff_ffff;
    expect(read(Register.Control)).toBe(0x0f1e);
    expectReports(bench.log, ['timer:', 'write', "'identification'"]);
  });

  it('that is constant by the options of the device answers what the device made it', () => {
    @device({ type: 'strapped', description: 'its identification is an option' })
    class Strapped extends SystemDevice {
      @registers.register(0, { width: 32, access: 'constant', atReset: 'set-by-device' }) identification = 0x1234;
    }
    const bench = new DeviceBench();
    bench.realize(new Strapped());
    bench.memory.write(Base, 1, 4);
    expect(bench.memory.read(Base, 4)).toBe(0x1234);
  });

  it('that is read-only or write-only misses the other direction, and the guest is told which', () => {
    const { timer: made, read, write, bench } = timer();
    made.status = 4;
    write(Register.Status, 9);
    write(Register.Command, 8);
    expect([read(Register.Status), read(Register.Command), made.command]).toEqual([5, 0, 8]);
    write(Register.Missing, 1);
    expectReports(
      bench.log,
      ['write', 'read-only', "'status'"],
      ['read', 'write-only', "'command'"],
      ['write', '0x28', "'timer'"],
    );
  });

  it('that is write-once takes each of its bytes once after every reset', () => {
    const { timer: made, write } = timer();
    write(Register.Lock, 0x11, 1);
    write(Register.Lock, 0x2222_2222);
    expect(made.lock).toBe(0x2222_2211);
    expect(registerLocks(made)).toEqual({ lock: 0xffff_ffff });
    write(Register.Lock, 0);
    expect(made.lock).toBe(0x2222_2211);
    made.reset();
    expect([made.lock, registerLocks(made)]).toEqual([7, { lock: 0 }]);
    write(Register.Lock, 3);
    expect(made.lock).toBe(3);
  });

  it('takes its locks from a snapshot', () => {
    const { timer: made, write } = timer();
    Object.assign(registerLocks(made), { lock: 0xffff });
    write(Register.Lock, 0);
    expect(made.lock).toBe(7);
    write(Register.Lock, 0xffff_ffff);
    expect(made.lock).toBe(7);
  });

  it('of 64 bits is a bigint, and merges narrow writes byte by byte', () => {
    const { bench, timer: made, read, write } = timer();
    bench.memory.write64(Base + Register.Source, 0xfedc_ba98_7654_3210n);
    write(Register.Source + 6, 0x1122, 2);
    expect(made.source).toBe(0x1122_ba98_7654_3210n);
    expect([read(Register.Source + 4), read(Register.Source + 3, 1)]).toEqual([0x1122_ba98, 0x76]);
    expect(bench.memory.read64(Base + Register.Source)).toBe(0x1122_ba98_7654_3210n);
    expect(made.heard).toEqual([
      `source ${0x1_0000_0001n} -> ${0xfedc_ba98_7654_3210n}`,
      `source ${0xfedc_ba98_7654_3210n} -> ${0x1122_ba98_7654_3210n}`,
    ]);
  });

  it('is reached with its neighbours by one wide access', () => {
    const { timer: made, read, write, bench } = timer();
    write(Register.Thresholds, 0x0002_0001);
    bench.memory.write64(Base + Register.Thresholds, 0x0004_0003_0002_0001n);
    expect([...made.thresholds]).toEqual([1, 2, 3, 4]);
    expect(read(Register.Thresholds + 4)).toBe(0x0004_0003);
    expect(made.heard.slice(0, 3)).toEqual([
      'threshold 0: 65535 -> 1',
      'threshold 1: 65535 -> 2',
      'threshold 0: 1 -> 1',
    ]);
  });

  it('of an array is found by its stride, between those of another array', () => {
    const { timer: made, read, write } = timer();
    made.counters.set([70, 71]);
    write(Register.Channels + 8, 30);
    write(Register.Channels + 16, 60);
    expect([0, 4, 8, 12, 16].map((offset) => read(Register.Channels + offset))).toEqual([0, 70, 31, 71, 62]);
    expect([...made.channels]).toEqual([0, 30, 60]);
  });
});

describe('a register that is zero-extended', () => {
  const extended = mmioRegion({
    name: 'extended',
    base: Base,
    size: 0x20,
    accepts: { max: 8 },
    implements: { max: 8 },
  });

  @device({ type: 'extended', description: 'does not look at the size' })
  class Extended extends SystemDevice {
    @extended.register(0, { width: 64, narrow: 'zero-extended' }) wide = 0n;
    @extended.register(8, { width: 32, narrow: 'zero-extended' }) plain = 0;
    @extended.register(16, { width: 64, narrow: 'zero-extended', count: 2 }) readonly both = new BigUint64Array(2);
  }

  it('has zeros where a narrow write brings nothing, and answers at its own offset only', () => {
    const bench = new DeviceBench();
    const made = bench.realize(new Extended());
    bench.memory.write64(Base, 0x1111_2222_3333_4444n);
    expect(bench.memory.read(Base, 4)).toBe(0x3333_4444);
    expect(bench.memory.read(Base, 2)).toBe(0x4444);
    bench.memory.write(Base, 0xaaaa_bbbb, 4);
    bench.memory.write(Base + 4, 1, 4);
    bench.memory.write(Base + 8, 0xffff_ffff, 4);
    bench.memory.write(Base + 8, 0x12, 1);
    bench.memory.write(Base + 9, 0x34, 1);
    bench.memory.write(Base + 24, 5, 4);
    expect([made.wide, made.plain, [...made.both]]).toEqual([0xaaaa_bbbbn, 0x12, [0n, 5n]]);
    expect([bench.memory.read64(Base), bench.memory.read(Base + 4, 4)]).toEqual([0xaaaa_bbbbn, 0]);
    const reports = bench.guestErrors.all;
    expect(reports.map(({ count }) => count)).toEqual([2, 1]);
    expectReports(
      reports.map(({ message }) => message),
      ['write', '0x4', "'extended'"],
      ['read', '0x4', "'extended'"],
    );
  });
});

describe('registers that are zero-extended, narrower than what their region takes', () => {
  const header = portRegion({ name: 'header', base: 0x300, size: 8 });

  @device({ type: 'header', description: 'whole registers, whatever the width' })
  class Header extends SystemDevice {
    @header.register(0, { width: 16, narrow: 'zero-extended' }) notify = 0;
    @header.register(2, { width: 8, narrow: 'zero-extended' }) status = 0;
    @header.register(3, { width: 8, narrow: 'zero-extended', access: 'read-to-clear' }) cause = 0;
    @header.register(4, { width: 8, narrow: 'zero-extended', access: 'write-only' }) doorbell = 0;
  }

  it('belong to the accesses that begin at them, and to no other', () => {
    const bench = new DeviceBench();
    const made = bench.realize(new Header());
    made.status = 0x22;
    made.cause = 0x33;
    bench.io.write(0x300, 0x0055_1234, 4);
    expect([made.notify, made.status]).toEqual([0x1234, 0x22]);
    expect([bench.io.read(0x300, 4), bench.io.read(0x300, 1), bench.io.read(0x301, 1)]).toEqual([0x1234, 0x34, 0xff]);
    expect([bench.io.read(0x302, 2), made.cause]).toEqual([0x22, 0x33]);
    expect([bench.io.read(0x303, 1), made.cause]).toEqual([0x33, 0]);
    bench.io.write(0x302, 0xabcd, 2);
    bench.io.write(0x304, 0x1_02ff, 4);
    expect([made.status, made.doorbell, bench.io.read(0x304, 4)]).toEqual([0xcd, 0xff, 0xffff_ffff]);
  });
});

describe('a field', () => {
  it('is called back with its own value, new and previous, before the register, after both have changed', () => {
    const { timer: made, write } = timer();
    write(Register.Control, 0x14);
    write(Register.Control, 0x12);
    expect(made.heard).toEqual([
      'mode 0 -> 2, control 20',
      'control 16 -> 20',
      'mode 2 -> 1, control 18',
      'control 20 -> 18',
    ]);
  });

  it('is not called back for an access to other bytes of its register', () => {
    const { timer: made, write } = timer();
    write(Register.Control + 1, 0, 1);
    expect(made.heard).toEqual(['control 16 -> 16']);
  });

  it('answers what its read hook says, and leaves the others alone', () => {
    const { timer: made, read } = timer();
    made.control = 0x17;
    made.live = 0;
    expect(read(Register.Control)).toBe(0x16);
    made.live = 1;
    expect(read(Register.Control, 1)).toBe(0x17);
    expect(made.control).toBe(0x17);
  });

  it('that is read-to-clear is clear when the hook runs, and the guest reads what it was', () => {
    const { timer: made, read } = timer();
    made.events = 0x0103;
    expect(read(Register.Events)).toBe(0x0103);
    expect(made.heard).toEqual([`events read as ${0x0103}, hold ${0x0102}`]);
    expect(read(Register.Events)).toBe(0x0102);
  });

  it('that is read-to-clear stays when another byte is read', () => {
    const { timer: made, read } = timer();
    made.events = 0x0101;
    expect(read(Register.Events + 1, 1)).toBe(0x01);
    expect(made.events).toBe(0x0101);
  });

  it('that is write-one-to-clear clears on ones and stays on zeros', () => {
    const { timer: made, write } = timer();
    made.events = 0x02;
    write(Register.Events, 0x01);
    expect(made.events).toBe(0x02);
    write(Register.Events, 0x02);
    expect(made.events).toBe(0);
  });

  it.each(engines)(
    'that is write-one-to-set sets on ones and stays on zeros, until a reset: %s',
    (_name, withEngine) => {
      const bench = withEngine(() => testBench(makeLockable()));
      const holds = () => bench.load32(Base);
      bench.store32(Base, 0x0000_0011);
      bench.store32(Base, 0x0000_0002);
      expect(holds()).toBe(0x12);
      bench.store8(Base + 3, 0x80);
      bench.store8(Base, 0x00);
      expect([holds(), bench.store32(Base, 0), holds()]).toEqual([0x8000_0010, undefined, 0x8000_0010]);
      bench.store64(Base + 8, 1n << 63n);
      bench.store64(Base + 8, 5n);
      expect(bench.load64(Base + 8)).toBe((1n << 63n) | 5n);
      bench.reset();
      expect([holds(), bench.load64(Base + 8)]).toEqual([0, 0n]);
    },
  );

  it('has its mask and its values by name in the device code', () => {
    expect(control.fields.mode.mask).toBe(0x06);
    expect(control.fields.mode.of(0xf4)).toBe(control.fields.mode.values.Count);
    expect(control.fields.mode.with(0xffff_ffff, control.fields.mode.values.Repeat)).toBe(0xffff_fffb);
    const wide = registers.register(0x80, { width: 64, fields: { high: bits(60, 63), rest: reserved([0, 59]) } });
    expect([wide.fields.high.of(2n ** 63n), wide.fields.high.with(1n, 15n)]).toEqual([8n, 0xf000_0000_0000_0001n]);
  });
});

/** Made anew for each engine, which is chosen when the first device of a class is realized. */
function makeLockable() {
  const page = mmioRegion({ name: 'page', base: Base, size: 0x10, accessSizes: [1, 2, 4, 8] });
  const low = page.register(0, {
    width: 32,
    fields: { value: bits(0, 3), locks: bits(4, 31, 'write-one-to-set') },
  });
  const wide = page.register(8, { width: 64, fields: { value: bits(0, 62), lock: bit(63, 'write-one-to-set') } });

  @device({ type: 'lockable', description: 'Registers with locks' })
  class Lockable extends SystemDevice {
    @low low = 0;
    @wide wide = 0n;
  }
  return Lockable;
}

describe('a hook', () => {
  it('may put the register back to what it was', () => {
    const { timer: made, write } = timer();
    write(Register.Command, 5);
    write(Register.Command, 0xbad);
    expect([made.command, made.heard]).toEqual([5, ['start 5', `start ${0xbad}`]]);
  });

  it('that a subclass overrides is the one that is called', () => {
    @device({ type: 'quiet-timer', description: 'hears nothing' })
    class QuietTimer extends Timer {
      override start(value: number): void {
        this.heard.push(`quietly ${value}`);
      }
    }
    const bench = new DeviceBench();
    const quiet = bench.realize(new QuietTimer());
    bench.memory.write(Base + Register.Command, 1, 4);
    expect(quiet.heard).toEqual(['quietly 1']);
  });
});

describe('what software should not touch', () => {
  it('is reported once for reserved, undocumented and unimplemented bits, and stored only where hardware would', () => {
    const { timer: made, write, bench } = timer();
    write(Register.Control, 0x10);
    expect(bench.log).toEqual([]);
    for (let round = 0; round < 3; round++) {
      write(Register.Control, 0x0004_0319 + (round & 1));
      write(Register.Control, 0x10);
    }
    expect(made.control).toBe(0x10);
    expectReports(
      bench.log,
      ['0x1', "'parity'", "'control'"],
      ['0x3', 'undocumented', '8 to 11', "'control'"],
      ['0x40', 'reserved', '12 to 31', "'control'"],
    );
    expect(bench.guestErrors.all.map(({ count }) => count)).toEqual([6, 6, 3]);
    write(Register.Control, 0x0004_0319);
    expect(made.control).toBe(0x319);
  });

  it('is reported again after the reports were forgotten', () => {
    const { read, bench } = timer();
    read(Register.Odd);
    bench.guestErrors.clear();
    read(Register.Odd);
    read(Register.Odd);
    expect([bench.log.length, bench.guestErrors.total]).toEqual([2, 2]);
  });

  it('is reported for a register that the model only stores, read or written', () => {
    const { read, write, bench } = timer();
    expect(read(Register.Odd)).toBe(0);
    write(Register.Odd, 6);
    expect(read(Register.Odd)).toBe(6);
    expectReports(bench.log, ['read', "'odd'"], ['0x6', "'odd'"]);
  });
});

const Port = { Index: 0, Data: 1 } as const;
const ports = portRegion({ name: 'cmos', base: 0x70, size: 2, implements: { max: 1 }, mirrored: true });
const index = ports.register(Port.Index, {
  width: 8,
  fields: { register: bits(0, 6, 'write-only'), maskNmi: bit(7, 'write-only') },
});
const cmos = indexedRegisters({ index, field: 'register', data: Port.Data });
const statusC = cmos.register(0x0c, { width: 8, access: 'read-to-clear' });

@device({ type: 'cmos', description: 'Registers behind an index' })
@addCoalescedIo(ports, { offset: Port.Index, size: 1 })
class Cmos extends SystemDevice {
  acknowledged = 0;
  @index index = 0;
  @cmos.register(0x0a, { width: 8, reset: 0x26 }) statusA = 0x26;
  @statusC statusC = 0;
  @cmos.register(0x0d, { width: 8, access: 'constant', reset: 0x80 }) readonly statusD = 0x80;
  @cmos.register(0x0e, { width: 8, count: 114, atReset: 'kept' }) readonly ram = new Uint8Array(114);

  @statusC.onRead()
  acknowledge(): void {
    this.acknowledged++;
  }
}

describe('registers behind an index and a data port', () => {
  const cmosBench = () => {
    const bench = new DeviceBench();
    const made = bench.realize(new Cmos(), 'cmos');
    const { io } = bench;
    return {
      bench,
      made,
      get: (register: number) => {
        io.write(0x70, register, 1);
        return io.read(0x71, 1);
      },
      set: (register: number, value: number) => {
        io.write(0x70, register, 1);
        io.write(0x71, value, 1);
      },
    };
  };

  it('are found by the field of the index register that chooses, and keep their modes and hooks', () => {
    const { made, get, set } = cmosBench();
    made.statusC = 0x70;
    expect([get(0x0a), get(0x8a), get(0x0c), get(0x0c), get(0x0d)]).toEqual([0x26, 0x26, 0x70, 0, 0x80]);
    expect(made.acknowledged).toBe(2);
    set(0x0e, 1);
    set(0x7f, 2);
    set(0x0a, 3);
    expect([made.ram[0], made.ram[113], made.statusA]).toEqual([1, 2, 3]);
    made.reset();
    expect([get(0x7f), get(0x0a)]).toEqual([2, 0x26]);
  });

  it('answer as an empty bus where nothing is, and say what the guest did', () => {
    const { bench, get, set } = cmosBench();
    expect(get(0x05)).toBe(0xff);
    set(0x0d, 0);
    expect(bench.io.read(0x70, 1)).toBe(0xff);
    expectReports(bench.log, ['read', '0x5', "'cmos'"], ['write', "'statusD'"], ['read', 'write-only', "'index'"]);
  });

  it('are reported in these words', async () => {
    const { write, read, bench } = timer();
    for (const value of [0x10, 0x0004_0319]) write(Register.Control, value);
    for (const offset of [Register.Status, Register.Missing, Register.Odd]) write(offset, 9);
    for (const offset of [Register.Command, Register.Odd]) read(offset);
    const cmos = cmosBench();
    cmos.get(0x05);
    cmos.set(0x0d, 0);
    await expect(`${[...bench.log, ...cmos.bench.log].join('\n')}\n`).toMatchFileSnapshot(
      fileURLToPath(new URL('guest-errors.golden.txt', import.meta.url)),
    );
  });

  it('come back where an access runs over a mirrored region', () => {
    const { bench, made } = cmosBench();
    bench.io.write(0x70, 0x44_0a_33_0e, 4);
    expect([made.ram[0], made.index, made.statusA]).toEqual([0x33, 0x0a, 0x44]);
    expect(bench.io.read(0x70, 4)).toBe(0x44_ff_44_ff);
  });
});

describe('what others read of a declaration', () => {
  const { registers: declared } = metadataOf(Timer);

  it('is one list on the metadata, by offset, with everything that was said', () => {
    expect(declared.map(({ member }) => member)).toEqual([
      'identification',
      'status',
      'control',
      'command',
      'events',
      'lock',
      'source',
      'odd',
      'sticky',
      'thresholds',
      'channels',
      'counters',
    ]);
    expect(declared[2]).toMatchObject({ writeHook: 'controlWritten', width: 32, reset: 0x10, hasLocks: false });
    expect(declared[2]?.fields.map(({ name, low, high }) => [name, low, high])).toEqual([
      ['enable', 0, 0],
      ['mode', 1, 2],
      ['parity', 3, 3],
      ['version', 4, 7],
      ['factory', 8, 11],
      ['rest', 12, 31],
    ]);
    expect(declared[2]?.fields[1]).toMatchObject({
      writeHook: 'modeWritten',
      values: { Once: 0, Repeat: 1, Count: 2 },
    });
    expect(Object.isFrozen(declared) && declared.every((one) => Object.isFrozen(one))).toBe(true);
    expect(metadataOf(Cmos).registers[1]).toMatchObject({
      member: 'statusA',
      offset: Port.Data,
      indexedBy: { indexMember: 'index', index: 0x0a, low: 0, high: 6 },
    });
  });

  it('gives an offset the name of its register, and a value the names of its fields', () => {
    const name = (offset: number, chosen?: number) => {
      const place = registerAt(declared, registers, offset, chosen);
      return place && registerLabel(place);
    };
    expect([name(0x0b), name(0x42), name(0x70), name(0x6c), name(0x28)]).toEqual([
      'control',
      'thresholds[1]',
      'channels[2]',
      'counters[1]',
      undefined,
    ]);
    const place = registerAt(metadataOf(Cmos).registers, ports, Port.Data, 0x10);
    expect(place && registerLabel(place)).toBe('ram[2]');
    const [, , controlRegister, commandRegister] = declared;
    expect(controlRegister && describeRegisterValue(controlRegister, 0x1013)).toBe(
      'enable=1 mode=Repeat parity=0 version=1 rest=1',
    );
    expect(commandRegister && describeRegisterValue(commandRegister, 0x20)).toBe('0x20');
  });

  it('goes to a subclass, which may add hooks and registers and never changes its base', () => {
    @device({ type: 'faster-timer', description: 'with a prescaler' })
    class FasterTimer extends Timer {
      @registers.register(0x80, { width: 32, reset: 4 }) prescaler = 4;

      @control.onWrite('enable')
      enableWritten(value: number): void {
        this.heard.push(`enable ${value}`);
      }
    }
    expect(metadataOf(FasterTimer).registers).toHaveLength(declared.length + 1);
    expect(metadataOf(Timer).registers[2]?.fields[0]?.writeHook).toBeUndefined();
    const bench = new DeviceBench();
    const faster = bench.realize(new FasterTimer());
    bench.memory.write(Base + Register.Control, 0x11, 4);
    expect(faster.heard).toEqual(['enable 1', 'mode 0 -> 0, control 17', 'control 16 -> 17']);
    expect(bench.memory.read(Base + 0x80, 4)).toBe(4);
  });
});
