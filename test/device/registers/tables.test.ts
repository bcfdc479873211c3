import { describe, expect, it } from 'vitest';
import { metadataOf } from '../../../sdk/device/index.ts';
import { bit, device, mmioRegion, portRegion, reserved, SystemDevice, withRegisters } from '../../../sdk/index.ts';
import { registerDocument } from '../../../sdk/monitor/reference.ts';
import { deviceConformance, testBench } from '../../../sdk/testing/index.ts';
import { times } from '../../depth.ts';
import { expectRefusal } from '../../refusal.ts';
import { engines } from '../interpreted.ts';

const Base = 0x4000_0000;
const window = mmioRegion({ name: 'timing', base: Base, size: 0x100, accessSizes: [1, 2, 4] });

/** Thirty registers of a display controller, as its datasheet lists them. */
const display = window.table(
  { width: 32 },
  {
    control: { at: 0x00, fields: { enable: bit(0), blank: bit(1), rest: reserved([2, 31]) } },
    status: { at: 0x04, access: 'read-only' },
    identification: { at: 0x08, access: 'constant', reset: 0x0102_0304 },
    horizontalTotal: 0x10,
    horizontalSync: 0x14,
    horizontalStart: 0x18,
    horizontalEnd: 0x1c,
    verticalTotal: 0x20,
    verticalSync: 0x24,
    verticalStart: 0x28,
    verticalEnd: 0x2c,
    frameBase: 0x30,
    frameStride: 0x34,
    frameFormat: { at: 0x38, width: 8, reset: 3 },
    borderColour: 0x3c,
    cursorBase: 0x40,
    cursorX: { at: 0x44, width: 16 },
    cursorY: { at: 0x46, width: 16 },
    cursorSize: 0x48,
    cursorColours: { at: 0x50, count: 4 },
    gammaRed: 0x60,
    gammaGreen: 0x64,
    gammaBlue: 0x68,
    scaleX: { at: 0x6c, reset: 0x1_0000 },
    scaleY: { at: 0x70, reset: 0x1_0000 },
    interruptEnable: { at: 0x74, width: 8 },
    interruptStatus: { at: 0x78, width: 8, access: 'read-only' },
    scratch: 0x80,
    lastWord: 0x84,
    base64: { at: 0x88, width: 64 },
  },
);

@device({ type: 'display-timing', description: 'Thirty plain registers' })
class DisplayTiming extends withRegisters(SystemDevice, display) {
  @display.control.onWrite('enable')
  enable(on: number): void {
    if (on) this.status = (this.status + 1) >>> 0;
  }

  @display.cursorX.onWrite()
  keepOnScreen(x: number): number {
    return Math.min(x, this.horizontalTotal & 0xffff);
  }
}

describe.each(engines)('thirty registers as one table, %s', (_name, withEngine) => {
  const made = () =>
    withEngine(() => {
      @device({ type: 'display-timing', description: 'Thirty plain registers' })
      class Anew extends DisplayTiming {}
      return testBench(Anew);
    });

  it('are fields of the device, with types and reset values', () => {
    const { device: chip } = made();
    const scale: number = chip.scaleX;
    const wide: bigint = chip.base64;
    const colours: Uint32Array = chip.cursorColours;
    expect([scale, wide, [...colours], chip.frameFormat]).toEqual([0x1_0000, 0n, [0, 0, 0, 0], 3]);
    expect(metadataOf(DisplayTiming).registers).toHaveLength(30);
  });

  it('are read and written by the guest, and reset', () => {
    const bench = made();
    for (const { name, offset, width, access } of metadataOf(DisplayTiming).registers) {
      if (access !== 'read-write' || width !== 32 || name === 'control') continue;
      bench.store32(Base + offset, offset * 0x0101_0101);
    }
    expect(bench.load32(Base + 0x34)).toBe(0x3434_3434);
    expect(bench.device.lastWord).toBe((0x84 * 0x0101_0101) >>> 0);
    expect(bench.load32(Base + 0x08)).toBe(0x0102_0304);
    bench.device.reset();
    expect([bench.device.frameStride, bench.device.scaleY]).toEqual([0, 0x1_0000]);
  });

  it('have hooks by their names, and keep what those answer', () => {
    const bench = made();
    bench.store32(Base, 1);
    expect(bench.load32(Base + 4)).toBe(1);
    bench.store32(Base + 0x10, 640);
    bench.store32(Base + 0x44, 0x0010_0fff);
    expect([bench.device.cursorX, bench.device.cursorY]).toEqual([640, 0x10]);
  });
});

it('are documented as all others', () => {
  const reference = registerDocument(metadataOf(DisplayTiming));
  expect(reference).toContain('| 0x44 | `cursorX` | 16 | read-write | 0x0 | write: keep on screen |');
  expect(reference).toContain('### `control` at 0x0');
});

@device({ type: 'small-table', description: 'A table that the suite looks at' })
class SmallTable extends withRegisters(
  SystemDevice,
  portRegion({ name: 'small', base: 0x500, size: 4, accessSizes: [1, 2] }).table(
    { width: 8 },
    { a: 0, b: 1, c: { at: 2, reset: 7 } },
  ),
) {}

deviceConformance(SmallTable, { describe, it, runs: times(10, 30), hostileAccesses: times(5000, 100_000) });

it('a trigger is no part of a table, and a name that the device has is refused', () => {
  expectRefusal(() => window.table({ width: 8 }, { go: { at: 0, access: 'trigger' } }), 'invalid-trigger', 'go');
  expectRefusal(
    () => {
      @device({ type: 'taken', description: 'a register named as the base has a member' })
      class Taken extends withRegisters(SystemDevice, window.table({ width: 8 }, { id: 0 })) {}
      return Taken;
    },
    'reserved-member',
    'id',
  );
});
