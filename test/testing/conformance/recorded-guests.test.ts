import { describe, expect, it } from 'vitest';
import { device, IsaDevice, portRegion, state } from '../../../sdk/index.ts';
import { checkDevice } from '../../../sdk/testing/index.ts';
import { expectRefusal } from '../../refusal.ts';

const ports = portRegion({ name: 'latch', base: 0x300, size: 2, accessSizes: [1] });

/** Counts the writes of its latch. */
@device({ type: 'latch', description: 'Keeps a byte, and counts how often it was written' })
class Latch extends IsaDevice {
  @state protected value = 0;
  @state protected times = 0;

  override reset(): void {
    this.value = this.times = 0;
  }

  @ports.write(0)
  write(value: number): void {
    this.value = value;
    this.times = (this.times + 1) & 0xff;
  }

  @ports.read(0)
  read(): number {
    return this.value;
  }

  @ports.read(1)
  readTimes(): number {
    return this.times;
  }
}

@device({ type: 'latch', description: 'Counts twice' })
class CountsTwice extends Latch {
  override write(value: number): void {
    super.write(value);
    this.times = (this.times + 1) & 0xff;
  }
}

@device({ type: 'latch', description: 'Forgets what it counted when it is restored' })
class Forgets extends IsaDevice {
  private value = 0;

  override reset(): void {
    this.value = 0;
  }

  @ports.write(0)
  write(value: number): void {
    this.value = value;
  }

  @ports.read(0)
  read(): number {
    return this.value;
  }
}

const head = '# iotrace v1\n# device: latch, addr=0\n';
const guest = `${head}1000 PW 300 1 5\n2000 PR 300 1 5\n2500 PR 61 1 30\n# reset 2600\n3000 PR 300 1 0\n3500 PW 300 1 7\n4000 PR 300 1 7\n`;
const found = (deviceClass: typeof Latch | typeof Forgets, text: string) =>
  checkDevice(deviceClass as typeof Latch, {
    recordings: [{ name: 'boot.iotrace', bytes: new TextEncoder().encode(text) }],
    ...{ runs: 1, hostileAccesses: 10, lint: 'off' },
  }).filter(({ check }) => check.includes('recorded guests'));

describe('the recording of a guest', () => {
  it('is answered as it was, and accesses of other devices are left out', () => {
    expect(found(Latch, guest)).toEqual([]);
  });

  it('shows what answers otherwise now, with the program up to there', () => {
    const [failure] = found(CountsTwice, `${head}0 PW 300 1 5\n9 PR 301 1 1\n`);
    expect(failure?.message).toBe("recording 'boot.iotrace', access 2 of 2: it answers 0x02, and answered 0x01 then.");
    expect(failure?.script.map(({ kind }) => kind)).toEqual(['write', 'wait', 'read']);
  });

  it('shows what a device forgets that is restored in the middle of it', () => {
    const [failure] = found(Forgets, guest);
    expect(failure?.message).toContain(', restored in the middle: it answers 0x00, and answered 0x05 then.');
  });

  it.each([
    ['of another device', head.replace('latch', 'edu'), 'recording-of-another-device', "of a device 'edu'"],
    ['of a whole machine', '# iotrace v1\n', 'recording-of-another-device', 'of a whole machine'],
    ['with DMA', `${head}# dma 5 1000 5a\n`, 'recording-with-transfers', 'not replayed: DMA'],
    ['that is no recording', 'hello\n', 'trace-malformed', 'boot.iotrace'],
  ])('is refused: one %s', (_, text, code, named) => {
    expectRefusal(() => found(Latch, `${text}0 PR 300 1 0\n`), code, 'boot.iotrace', named);
  });
});
