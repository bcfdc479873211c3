import { beforeEach, describe, expect, it } from 'vitest';
import { device, mmioRegion, SystemDevice } from '../../../sdk/index.ts';
import { type TestBench, testBench } from '../../../sdk/testing/index.ts';
import { engines } from '../interpreted.ts';

const Base = 0xfe00_0000;
const whole = mmioRegion({ name: 'whole', base: Base, size: 0x10, accepts: { max: 8 }, implements: { max: 8 } });
const halved = mmioRegion({ name: 'halved', base: Base + 0x100, size: 8, accepts: { max: 8 }, implements: { max: 4 } });
const big = mmioRegion({
  name: 'big',
  base: Base + 0x200,
  size: 8,
  endianness: 'big',
  accepts: { max: 4 },
  implements: { max: 4 },
});

const wide = whole.register(0, { width: 64 });
const word = whole.register(8, { width: 32 });
const split = halved.register(0, { width: 64 });
const swapped = big.register(0, { width: 32 });

/** Notes what its hooks hear. */
@device({ type: 'listener', description: 'Notes what its hooks hear' })
class Listener extends SystemDevice {
  readonly heard: string[] = [];
  @wide wide = 0n;
  @word word = 0;
  @split split = 0n;
  @swapped swapped = 0;

  @wide.onWrite()
  wideWritten(value: bigint, previous: bigint): void {
    this.heard.push(`${previous.toString(16)} to ${value.toString(16)}`);
  }

  @word.onWrite()
  wordWritten(value: number, previous: number): void {
    this.heard.push(`${previous.toString(16)} to ${value.toString(16)}`);
  }

  @word.onRead()
  wordRead(value: number): number {
    this.heard.push(`read ${value.toString(16)}`);
    return 0x8765_4321;
  }

  @split.onWrite()
  splitWritten(value: bigint, previous: bigint): void {
    this.heard.push(`${previous.toString(16)} to ${value.toString(16)}`);
  }

  @swapped.onWrite()
  swappedWritten(value: number): void {
    this.heard.push(value.toString(16));
  }
}

@device({ type: 'interpreted-listener', description: 'The same, its registers interpreted' })
class InterpretedListener extends Listener {}

const listeners = { compiled: Listener, interpreted: InterpretedListener };

describe.each(engines)('a hook of a register, %s,', (engine, made) => {
  let bench: TestBench<Listener>;
  const heard = () => bench.device.heard.splice(0);

  beforeEach(() => {
    bench = made(() => testBench(listeners[engine]));
  });

  it('is called once for an access, however narrow, with the whole register', () => {
    bench.store32(Base + 8, 0x1122_3344);
    bench.store8(Base + 9, 0xaa);
    bench.store16(Base + 10, 0xbbcc);
    expect(heard()).toEqual(['0 to 11223344', '11223344 to 1122aa44', '1122aa44 to bbccaa44']);
    expect([bench.load8(Base + 10), bench.load16(Base + 8)]).toEqual([0x65, 0x4321]);
    expect(heard()).toEqual(['read bbccaa44', 'read bbccaa44']);
  });

  it('of 64 bits is called for each half that a guest writes on its own, the other being as it was', () => {
    bench.store32(Base, 0x1111_1111);
    bench.store32(Base + 4, 0x2222_2222);
    bench.store64(Base, 3n);
    expect(heard()).toEqual(['0 to 11111111', '11111111 to 2222222211111111', '2222222211111111 to 3']);
  });

  it('of 64 bits is called twice for one access where the region implements no more than 32', () => {
    bench.store64(Base + 0x100, 0x1111_1111_2222_2222n);
    expect(heard()).toEqual(['0 to 22222222', '22222222 to 1111111122222222']);
  });

  it('of a big-endian region hears of the bytes in the order in which they lie', () => {
    for (const [at, byte] of [0x11, 0x22, 0x33, 0x44].entries()) bench.store8(Base + 0x200 + at, byte);
    expect(heard()).toEqual(['11000000', '11220000', '11223300', '11223344']);
    expect([bench.load32(Base + 0x200), bench.load16(Base + 0x200), bench.load8(Base + 0x203)]).toEqual([
      0x4433_2211, 0x2211, 0x44,
    ]);
  });
});
