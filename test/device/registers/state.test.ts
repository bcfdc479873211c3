import { describe, expect, it } from 'vitest';
import { bit, bits, device, IsaDevice, mmioRegion, reserved, state } from '../../../sdk/index.ts';
import { blueprintOf, compareDevice, loadDevice, saveDevice } from '../../../sdk/runtime.ts';
import { testBench } from '../../../sdk/testing/index.ts';

const Register = {
  Identity: 0x00,
  Control: 0x04,
  Key: 0x08,
  Wide: 0x10,
  Slots: 0x20,
  Keys: 0x30,
  Mode: 0x38,
  Versions: 0x3a,
} as const;
const registers = mmioRegion({
  name: 'locker',
  base: 0xd_0000,
  size: 0x40,
  accepts: { max: 8 },
  implements: { max: 8 },
});

@device({ type: 'locker', description: 'registers that lock' })
class Locker extends IsaDevice {
  @registers.register(Register.Identity, { width: 32, access: 'constant', reset: 0x10cc }) readonly identity = 0x10cc;
  @registers.register(Register.Control, { width: 32, fields: { on: bit(0), rest: reserved([1, 31]) } }) control = 0;
  @registers.register(Register.Key, { width: 32, access: 'write-once' }) key = 0;
  @registers.register(Register.Wide, { width: 64, reset: 7n }) wide = 7n;
  @registers.register(Register.Slots, { width: 32, count: 2 }) readonly slots = new Uint32Array(2);
  @registers.register(Register.Keys, { width: 16, count: 4, access: 'write-once' }) readonly keys = new Uint16Array(4);
  @registers.register(Register.Mode, { width: 8, fields: { once: bit(0, 'write-once'), rest: bits(1, 7) } }) mode = 0;
  @registers.register(Register.Versions, {
    width: 16,
    count: 3,
    reset: 0x7000,
    fields: { number: bits(0, 11), edition: bits(12, 15, 'constant') },
  })
  readonly versions = new Uint16Array(3).fill(0x7000);
  @state turns = 0;
}

@device({ type: 'liar', description: 'puts into its register what that cannot hold' })
class Liar extends IsaDevice {
  @registers.register(0, { width: 8, fields: { on: bit(0), rest: reserved([1, 7]) } }) control = 0;
}

describe('registers', () => {
  it('cannot be saved with bits that they cannot hold: the snapshot would be refused', () => {
    const { device: liar } = testBench(Liar);
    liar.control = 0x80;
    expect(() => saveDevice(liar)).toThrow(
      "Device 'liar': @state field 'control' of class Liar holds 128, which is not a whole number from 0 to 255 with bits 1 to 7 ('rest', reserved) 0x0.",
    );
  });

  it('cannot be saved when an array of them is gone', () => {
    const { device: locker } = testBench(Locker);
    Object.assign(locker, { versions: undefined });
    expect(() => saveDevice(locker)).toThrow(
      "Device 'locker': @state field 'versions' of class Locker holds undefined, which is not registers",
    );
  });

  it('are state without @state, but for those that never change', () => {
    expect(blueprintOf(Locker).state.map(({ name }) => name)).toEqual([
      'control',
      'key',
      'wide',
      'slots',
      'keys',
      'mode',
      'versions',
      'turns',
    ]);
  });

  it('come back with their locks: what was written once cannot be written again', () => {
    const bench = testBench(Locker);
    bench.store32(0xd_0004, 1);
    bench.store32(0xd_0008, 0x1234);
    bench.store64(0xd_0010, 2n ** 63n);
    bench.store32(0xd_0024, 0xdead_beef);
    bench.store16(0xd_0034, 5);
    const saved = JSON.parse(JSON.stringify(saveDevice(bench.device)));
    expect(saved.locks).toEqual({ key: 0xffff_ffff, keys: [0, 0, 0xffff, 0], mode: 0 });
    const other = testBench(Locker);
    loadDevice(other.device, saved);
    expect(saveDevice(other.device)).toEqual(saved);
    other.store32(0xd_0008, 0x9999);
    other.store16(0xd_0034, 6);
    other.store16(0xd_0036, 7);
    expect([other.load32(0xd_0008), other.load16(0xd_0034), other.load16(0xd_0036)]).toEqual([0x1234, 5, 7]);
    expect([other.load64(0xd_0010), other.load32(0xd_0024)]).toEqual([2n ** 63n, 0xdead_beef]);
  });

  it.each<[string, object, string]>([
    [
      'a register wider than it is',
      { fields: { control: 2 ** 32 } },
      'control: expected a whole number from 0 to 4294967295, found 4294967296',
    ],
    [
      'a 64-bit register that is too wide',
      { fields: { wide: '0x10000000000000000' } },
      'wide: expected a hexadecimal number of 64 bits in quotes, found "0x10000000000000000"',
    ],
    [
      'a lock of a register that has none',
      { locks: { control: 1 } },
      'locks.control: is in the snapshot, and the class has no such locks',
    ],
    [
      'a lock that is none',
      { locks: { key: 'yes' } },
      'locks.key: expected a whole number from 0 to 4294967295, found "yes"',
    ],
    [
      'bits that the register reserves',
      { fields: { control: 0x43 } },
      "control: found 0x43, and of register 'control' bits 1 to 31 ('rest', reserved) are always 0x0: they cannot hold 0x21",
    ],
    [
      'bits that are constant, in one of several registers',
      { fields: { versions: [0x7001, 0x6002, 0x7003] } },
      "versions[1]: found 0x6002, and of register 'versions' bits 12 to 15 ('edition', constant) are always 0x7: they cannot hold 0x6",
    ],
    [
      'another number of registers',
      { fields: { versions: [0x7001] } },
      'versions: expected a list of 3 numbers that fit a Uint16Array, found a list of 1',
    ],
    [
      'a lock on bits that nobody locks',
      { locks: { mode: 0x3 } },
      "locks.mode: found 0x3, and of register 'mode' only the bits 0x1 are write-once",
    ],
    ['fewer locks than registers', { locks: { keys: [1] } }, 'locks.keys: expected 4 locks, found 1'],
    ['no locks at all', { locks: 5 }, 'locks: expected locks by register, found 5'],
  ])('are refused: %s', (_, wrong, message) => {
    const bench = testBench(Locker);
    const saved = saveDevice(bench.device) as unknown as Record<string, object>;
    const changed = Object.fromEntries(
      Object.entries(wrong).map(([part, value]) => [
        part,
        typeof value === 'object' ? { ...saved[part], ...value } : value,
      ]),
    );
    const found = compareDevice(bench.device, { ...saved, ...changed });
    expect(found.map(({ path, problem }) => `${path}: ${problem}`)).toEqual([message]);
  });
});
