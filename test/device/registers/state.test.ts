import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { bit, bits, device, IsaDevice, mmioRegion, reserved, state } from '../../../sdk/index.ts';
import { compareDevice, loadDevice, metadataOf, saveDevice } from '../../../sdk/runtime.ts';
import { testBench } from '../../../sdk/testing/index.ts';
import { expectRefusal } from '../../refusal.ts';

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
    expectRefusal(() => saveDevice(liar), 'unsupported-state', 'liar', '@state', 'control', 'rest');
  });

  it('cannot be saved when an array of them is gone', () => {
    const { device: locker } = testBench(Locker);
    Object.assign(locker, { versions: undefined });
    expectRefusal(() => saveDevice(locker), 'unsupported-state', 'locker', '@state', 'versions');
  });

  it('are state without @state, but for those that never change', () => {
    expect(metadataOf(Locker).state.map(({ name }) => name)).toEqual([
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

  const wrongStates: [what: string, wrong: object, path: string][] = [
    ['a register wider than it is', { fields: { control: 2 ** 32 } }, 'control'],
    ['a 64-bit register that is too wide', { fields: { wide: '0x10000000000000000' } }, 'wide'],
    ['a lock of a register that has none', { locks: { control: 1 } }, 'locks.control'],
    ['a lock that is none', { locks: { key: 'yes' } }, 'locks.key'],
    ['bits that the register reserves', { fields: { control: 0x43 } }, 'control'],
    [
      'bits that are constant, in one of several registers',
      { fields: { versions: [0x7001, 0x6002, 0x7003] } },
      'versions[1]',
    ],
    ['another number of registers', { fields: { versions: [0x7001] } }, 'versions'],
    ['a lock on bits that no write locks', { locks: { mode: 0x3 } }, 'locks.mode'],
    ['fewer locks than registers', { locks: { keys: [1] } }, 'locks.keys'],
    ['no locks at all', { locks: 5 }, 'locks'],
  ];
  const differences = (wrong: object) => {
    const bench = testBench(Locker);
    const saved = saveDevice(bench.device) as unknown as Record<string, object>;
    const changed = Object.fromEntries(
      Object.entries(wrong).map(([part, value]) => [
        part,
        typeof value === 'object' ? { ...saved[part], ...value } : value,
      ]),
    );
    return compareDevice(bench.device, { ...saved, ...changed });
  };

  it.each(wrongStates)('are refused: %s', (_, wrong, path) => {
    expect(differences(wrong).map((one) => one.path)).toEqual([path]);
  });

  it('are refused with what was expected and what was found', async () => {
    const lines = wrongStates.flatMap(([what, wrong]) =>
      differences(wrong).map(({ path, problem }) => `${what}: '${path}' ${problem}`),
    );
    await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(
      fileURLToPath(new URL('state-differences.golden.txt', import.meta.url)),
    );
  });
});
