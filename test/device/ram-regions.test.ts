import { describe, expect, it } from 'vitest';
import {
  addCoalescedIo,
  type ConcreteDeviceClass,
  contains,
  defineMachine,
  device,
  IsaDevice,
  KiB,
  type PlaceSpec,
  portRegion,
  ramRegion,
  romRegion,
  SystemDevice,
  use,
} from '../../sdk/index.ts';
import { DirtyLogClient } from '../../sdk/memory/ram-block.ts';
import { registerDocument } from '../../sdk/monitor/reference.ts';
import { bar, PciDevice, pci } from '../../sdk/pci.ts';
import { guestProgram, infoMtree, Machine, metadataOf } from '../../sdk/runtime.ts';
import { checkDevice, testBench } from '../../sdk/testing/index.ts';
import { expectRefusal } from '../refusal.ts';
import { pcI440fx } from '../small-machines.ts';

const Frame = 0x8000_0000;
const Boot = 0xfff0_0000;

/** One edition of the file of a frame buffer: each call makes every value anew, as loading the file again does. */
function edition(bootImage = [0x55, 0xaa]) {
  const frame = ramRegion({ name: 'frame', size: 8 * KiB, base: Frame });
  const boot = romRegion({ name: 'boot', size: 4 * KiB, base: Boot, priority: 1, image: Uint8Array.from(bootImage) });
  const ports = portRegion({ name: 'pixel', base: 0x300, size: 4, accessSizes: [4] });

  @device({ type: 'screen', description: 'Memory that a guest sees as a picture' })
  @contains(frame)
  @contains(boot)
  class Screen extends IsaDevice {
    /** Answers what the first pixel is. */
    @ports.read(0)
    firstPixel(): number {
      return new DataView(frame.bytesOf(this).buffer).getUint32(0, true);
    }

    @ports.write(0)
    paint(value: number): void {
      frame.bytesOf(this).fill(value & 0xff);
    }
  }
  return { Screen: Screen as ConcreteDeviceClass<Screen>, frame, boot };
}

const { Screen, frame, boot } = edition();

const board = (deviceClass: ConcreteDeviceClass = Screen) =>
  defineMachine({ ...pcI440fx, name: 'board', devices: [...pcI440fx.devices, use(deviceClass)] });

describe('RAM of a device as a region of its class', () => {
  it('is memory for the guest, at every width and place, and the device sees the same bytes', () => {
    const bench = testBench(Screen);
    bench.store32(Frame, 0x4433_2211);
    expect([bench.load8(Frame + 3), bench.load16(Frame + 1), bench.in32(0x300)]).toEqual([0x44, 0x3322, 0x4433_2211]);
    bench.out32(0x300, 0x7e);
    expect(bench.load32(Frame + 8 * KiB - 4)).toBe(0x7e7e_7e7e);
  });

  it('keeps its bytes over a reset', () => {
    const bench = testBench(Screen);
    bench.store32(Frame + 0x10, 0x1234);
    bench.reset();
    expect(bench.load32(Frame + 0x10)).toBe(0x1234);
  });

  it('is a memory of its own for each device', () => {
    const [one, other] = [testBench(Screen), testBench(Screen)];
    one.store8(Frame, 1);
    expect([one.load8(Frame), other.load8(Frame)]).toEqual([1, 0]);
  });

  it('logs dirty pages as other RAM does', () => {
    const bench = testBench(Screen);
    const region = bench.device.region(frame);
    region.setDirtyLog(DirtyLogClient.Vga, true);
    bench.store8(Frame + 0x1234, 1);
    expect(region.dirty.snapshotAndClear(DirtyLogClient.Vga).offsets).toEqual([0x1000]);
    bench.store8(Frame, 1);
    expect(region.dirty.snapshotAndClear(DirtyLogClient.Vga).offsets).toEqual([0]);
  });
});

describe('a ROM of a device', () => {
  it('holds its image and then erased bytes, and the guest cannot write it', () => {
    const bench = testBench(Screen);
    bench.store8(Boot, 0);
    expect(bench.load32(Boot)).toBe(0xffff_aa55);
    expect(bench.load8(Boot + 4 * KiB - 1)).toBe(0xff);
  });

  it('does not change with the array that it was made from', () => {
    const image = new Uint8Array([1, 2]);
    const rom = romRegion({ name: 'rom', size: 16, image });
    image[0] = 9;
    expect(rom.image?.[0]).toBe(1);
  });
});

describe('in a machine', () => {
  it('both are in info mtree as RAM and ROM of QEMU are', () => {
    const tree = infoMtree(Machine.create(board()));
    expect(tree).toContain('0000000080000000-0000000080001fff (prio 0, ram): frame');
    expect(tree).toContain('00000000fff00000-00000000fff00fff (prio 1, rom): boot');
    expect(infoMtree(Machine.create(board()), { flat: true })).toContain('(prio 0, ram): frame');
  });

  it('a guest stores and loads there without an exit to userspace', () => {
    const machine = Machine.create(board());
    const program = guestProgram('paint', function* (guest) {
      yield* guest.store32(Frame, 0x0102_0304);
      expect(yield* guest.load32(Frame)).toBe(0x0102_0304);
      expect(yield* guest.load8(Boot)).toBe(0x55);
    });
    expect(machine.run(program).reason).toBe('finished');
    expect(machine.accelerator.statistics?.vmExits).toBe(0);
  });

  it('a snapshot has the bytes, by the id of the device', () => {
    const machine = Machine.create(board());
    machine.memory.write(Frame + 4, 0xabcd, 4);
    const restored = Machine.restore(board(), JSON.parse(JSON.stringify(machine.save())));
    expect(restored.memory.read(Frame + 4, 4)).toBe(0xabcd);
    expect(JSON.stringify(machine.save())).toContain('screen.frame');
  });

  it('a replacement inherits the RAM, and its ROM has the new image', () => {
    const machine = Machine.create(board());
    machine.memory.write(Frame, 0x77, 1);
    machine.swap('screen', edition([0x11]).Screen);
    expect([machine.memory.read(Frame, 1), machine.memory.read(Boot, 2)]).toEqual([0x77, 0xff11]);
  });

  it('may be moved by the machine, and are refused where they overlap with equal priority', () => {
    const second = use(edition().Screen, { id: 'second' });
    expectRefusal(
      () => Machine.create(defineMachine({ ...board(), devices: [...board().devices, second] })),
      'wiring-mistakes',
      "'frame'",
      'same priority',
    );
  });
});

describe('behind a BAR', () => {
  const video = ramRegion({ name: 'video', size: 64 * KiB });
  const flash = romRegion({ name: 'flash', size: 4 * KiB, image: new Uint8Array([1, 2, 3, 4]) });

  @device({ type: 'video-card', description: 'Memory behind BARs' })
  @pci({ vendorId: 0x1234, deviceId: 0x1111, classCode: 0x0380 })
  @bar(0, video, { prefetchable: true })
  @bar(1, flash)
  class VideoCard extends PciDevice {}

  it('both are where the guest puts them', () => {
    const bench = testBench(VideoCard);
    bench.at(video).write32(0x100, 0x1234_5678);
    expect([bench.at(video).read8(0x101), bench.at(flash).read32(0)]).toEqual([0x56, 0x0403_0201]);
    expect(video.bytesOf(bench.device)[0x103]).toBe(0x12);
  });

  it('are held by the conformance suite: resets, snapshots and coalescing treat the bytes as memory', () => {
    expect(checkDevice(VideoCard).map(({ text }) => text)).toEqual([]);
  });
});

describe('a class with memory', () => {
  it('is documented with size and place', () => {
    const text = registerDocument(metadataOf(Screen));
    expect(text).toContain('0x2000 bytes of RAM at 0x80000000.');
    expect(text).toContain('4,096 bytes of ROM at 0xfff00000, with an image of 2 bytes.');
  });

  it('is refused with contents that are no bytes or too many', () => {
    const rom = (image: unknown) => () => romRegion({ name: 'rom', size: 2, image: image as Uint8Array });
    expectRefusal(rom([1]), 'invalid-rom-image', "'rom'");
    expectRefusal(rom(new Uint8Array(3)), 'invalid-rom-image', "'rom'", '3', '2');
    expectRefusal(() => ramRegion({ name: 'huge', size: 2 ** 33 }), 'ram-too-large', 'huge');
    expectRefusal(
      () => ramRegion({ name: 'ram', size: 4, image: new Uint8Array(1) } as PlaceSpec),
      'unknown-word',
      'image',
    );
  });

  it('cannot have writes that wait: they reach no handler', () => {
    class Chip extends SystemDevice {}
    contains(frame)(Chip as never);
    addCoalescedIo(frame as never, { offset: 0, size: 4 })(Chip as never);
    expectRefusal(() => device({ type: 'chip', description: 'x' })(Chip as never), 'no-handlers', 'frame');
  });

  it('has no bytes before it is realized', () => {
    expectRefusal(() => boot.bytesOf(Reflect.construct(Screen, [])), 'region-not-in-device', 'boot');
  });
});
