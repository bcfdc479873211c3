import { describe, expect, it } from 'vitest';
import { device, mmioRegion, SystemDevice } from '../../../sdk/index.ts';
import { registerEngine } from '../../../sdk/runtime.ts';
import { testBench } from '../../../sdk/testing/index.ts';
import { interpreted } from '../interpreted.ts';

const Base = 0xfe00_0000;
const registers = mmioRegion({ name: 'registers', base: Base, size: 0x10 });
const control = registers.register(4, { width: 16 });

@device({ type: 'plain', description: 'two registers and a hook' })
class Plain extends SystemDevice {
  @registers.register(0, { width: 32, reset: 5 }) data = 5;
  @control control = 0;
  heard = 0;

  @control.onWrite()
  hear(value: number): void {
    this.heard = value;
  }
}

@device({ type: 'plain-interpreted', description: 'the same, its registers interpreted' })
class PlainInterpreted extends Plain {}

const isForbidden = process.execArgv.includes('--disallow-code-generation-from-strings');

describe('where new Function is forbidden', () => {
  it('registers are interpreted, and where it is not they are compiled', () => {
    expect(registerEngine()).toBe(isForbidden ? 'interpreted' : 'compiled');
    expect(interpreted(registerEngine)).toBe('interpreted');
    expect(registerEngine()).toBe(isForbidden ? 'interpreted' : 'compiled');
  });

  it('a device does the same as elsewhere', () => {
    const bench = interpreted(() => testBench(PlainInterpreted));
    for (const one of [bench, testBench(Plain)]) {
      one.store16(Base + 2, 0x1234);
      expect(one.load32(Base)).toBe(0x1234_0005);
      // Two registers at once, one of them with a hook.
      one.store32(Base + 4, 0xffff_00aa);
      expect(one.device.heard).toBe(0xaa);
      one.device.reset();
      expect(one.load32(Base)).toBe(5);
    }
  });
});
