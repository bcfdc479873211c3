import { BlockBackend, memoryImage, ringBuffer } from 'backplane/backend';
import { describe, expect, it } from 'vitest';
import { simulatedAccelerator, TraceParser } from '../../sdk/accelerator/index.ts';
import type { CharHost, CharTransport } from '../../sdk/backend/index.ts';
import {
  defineMachine,
  defineOptions,
  device,
  mmioRegion,
  type OptionsOf,
  option,
  options,
  SystemDevice,
  use,
} from '../../sdk/index.ts';
import { pump } from '../../sdk/machine/pump.ts';
import { recordRun } from '../../sdk/recording/recorder.ts';
import { replayRun } from '../../sdk/recording/replay.ts';
import { guestProgram, Machine } from '../../sdk/runtime.ts';
import { Disk, Line } from '../backend/uart.ts';
import { expectRefusal } from '../refusal.ts';
import { empty } from '../small-machines.ts';

const romOptions = defineOptions({ drive: option.backend(BlockBackend, { description: 'its content' }) });
const romWindow = mmioRegion({ name: 'boot-rom', size: 0x2000, base: 0x1000_0000, accessSizes: [1] });

/** Reads its image when it is realized. */
@device({ type: 'boot-rom', description: 'A ROM with the content of an image' })
class BootRom extends SystemDevice {
  private readonly bytes = new Uint8Array(5000);

  constructor(@options(romOptions) private readonly given: OptionsOf<typeof romOptions>) {
    super();
  }

  override onRealize(): void {
    this.given.drive.read(0, this.bytes);
  }

  @romWindow.read()
  byteAt(offset: number): number {
    return this.bytes[offset] ?? 0xff;
  }
}

const board = defineMachine({
  ...empty,
  name: 'recorded',
  devices: [
    use(Line, { id: 'line0', options: { chardev: 'c0' } }),
    use(Disk, { id: 'disk0', options: { drive: 'd0' } }),
  ],
});

/** Polls the line, echoes what comes, and ends at a zero. */
const echo = guestProgram('echo', function* (guest) {
  for (;;) {
    if (((yield* guest.in8(0x3f9)) & 1) === 0) {
      yield* guest.pause(100_000);
      continue;
    }
    const byte = yield* guest.in8(0x3f8);
    if (byte === 0) return;
    yield* guest.out8(0x3f8, byte);
  }
});

/** A disk that fails at its third reading, and later lets a write fail. */
function weakDisk() {
  const image = { reads: 0, bytes: Uint8Array.from({ length: 10_000 }, (_, at) => at * 7) };
  const open = () => ({
    size: image.bytes.length,
    isReadOnly: false,
    read(offset: number, target: Uint8Array) {
      if (target.length === 1 && ++image.reads === 3) throw new Error('a bad sector');
      target.set(image.bytes.subarray(offset, offset + target.length));
    },
    write() {
      throw Object.assign(new Error('full'), { code: 'ENOSPC' });
    },
    flush() {},
    close() {},
    describe: () => 'weak',
  });
  return { id: 'd0', type: 'block', kind: 'weak', open } as const;
}

const parse = (lines: readonly string[]) => {
  const parser = new TraceParser('run');
  parser.push(new TextEncoder().encode(lines.join('')));
  return parser.end();
};

describe('a recorded run', () => {
  it('goes on while its transport may receive, and its replay waits for nothing', async () => {
    let host: CharHost | undefined;
    const sent: number[] = [];
    const transport: CharTransport & { mayReceive: boolean } = {
      mayReceive: true,
      startsClosed: true,
      start(given) {
        host = given;
      },
      write(bytes) {
        sent.push(...bytes);
        host?.sent(bytes.length);
      },
      close() {},
      describe: () => 'test',
    };
    const backends = [
      { id: 'c0', type: 'char', kind: 'test', open: () => transport } as const,
      memoryImage({ id: 'd0', bytes: new Uint8Array(1) }),
    ];
    const machine = Machine.create(board, { backends });
    const lines: string[] = [];
    const recording = recordRun(machine, echo, { write: (line) => lines.push(line) });
    const running = pump(machine, recording.guests);
    for (const text of ['hello', ' ', 'world\0']) {
      host?.opened();
      await new Promise((resolve) => setTimeout(resolve, 20));
      host?.received(new TextEncoder().encode(text));
    }
    recording.end(await running);
    const replay = replayRun(parse(lines), { definition: board, keepOutput: 100 });
    expect(replay.differences).toEqual([]);
    expect(new TextDecoder().decode(replay.outputs[0]?.kept)).toBe('hello world');
    expect(replay.outputs.map(({ isSame, bytes }) => [isSame, bytes])).toEqual([[true, sent.length]]);
    expect(replay.statistics.summary()).toEqual(machine.accelerator.statistics.summary());
    expect(replay.arrivals).toEqual({ delivered: lines.filter((line) => / IN /.test(line)).length, left: 0 });
  });

  it('has what it read from a disk, and each failure of the disk', () => {
    const line = {
      id: 'c0',
      type: 'char',
      kind: 'null',
      open: () => ({ start() {}, write() {}, close() {}, describe: () => '' }),
    } as const;
    const machine = Machine.create(board, { backends: [line, weakDisk()] });
    const answers: number[] = [];
    const reader = guestProgram('reader', function* (guest) {
      for (const place of [1, 2, 200, 3]) {
        yield* guest.out8(0x170, place);
        answers.push(yield* guest.in8(0x171), yield* guest.in8(0x172));
      }
      yield* guest.out8(0x171, 5);
      answers.push(yield* guest.in8(0x172));
    });
    const lines: string[] = [];
    const recording = recordRun(machine, reader, { write: (text) => lines.push(text) });
    recording.end(machine.run(recording.guests));
    expect(answers).toEqual([7, 0, 14, 0, 0xff, 3, 21, 0, 4]);
    expect(
      lines.filter((text) => / (BLK|ERR) /.test(text)).map((text) => text.split(' ').slice(1, 4).join(' ')),
    ).toEqual(['BLK d0 0', 'ERR d0 3', 'ERR d0 5']);
    const replay = replayRun(parse(lines), { definition: board });
    expect(replay.differences).toEqual([]);
  });

  it('has what a device read from a disk while the machine was built', () => {
    const flashed = defineMachine({ ...empty, name: 'flashed', devices: [use(BootRom, { options: { drive: 'd0' } })] });
    const image = memoryImage({ id: 'd0', bytes: Uint8Array.from({ length: 5000 }, (_, at) => at >> 4) });
    const machine = Machine.create(flashed, { backends: [image] });
    const reader = guestProgram('reader', function* (guest) {
      yield* guest.load8(0x1000_0000);
      yield* guest.load8(0x1000_0000 + 4999);
    });
    const lines: string[] = [];
    const recording = recordRun(machine, reader, { write: (text) => lines.push(text) });
    recording.end(machine.run(recording.guests));
    expect(lines.filter((text) => / BLK /.test(text)).map((text) => text.split(' ').slice(1, 4).join(' '))).toEqual([
      'BLK d0 0',
      'BLK d0 1',
    ]);
    expect(lines.filter((text) => / MR /.test(text)).map((text) => text.trim().split(' ').at(-1))).toEqual(['0', '38']);
    expect(replayRun(parse(lines), { definition: flashed }).differences).toEqual([]);
  });

  it.each([
    ['between its operations', echo, 10],
    [
      'in its sleep',
      guestProgram('sleeper', function* (guest) {
        yield* guest.sti();
        yield* guest.hlt();
      }),
      2,
    ],
  ])('has what came just before it was stopped, %s', (_, guest, operations) => {
    const lineBoard = defineMachine({ ...empty, name: 'line', devices: [use(Line, { options: { chardev: 'c0' } })] });
    const ring = ringBuffer({ id: 'c0' });
    const accelerator = simulatedAccelerator();
    const machine = Machine.create(lineBoard, { accelerator, backends: [ring] });
    const lines: string[] = [];
    const recording = recordRun(machine, guest, { write: (text) => lines.push(text) });
    accelerator.load(recording.guests);
    accelerator.begin();
    accelerator.runSlice({ operations, waits: true });
    accelerator.runSlice({ operations: 10, time: guest === echo ? 0 : 1_000_000, waits: true });
    ring.send('a');
    accelerator.runSlice({ operations: 10, time: 0, waits: true });
    accelerator.pause();
    const outcome = accelerator.runSlice({ operations: 10 });
    if (typeof outcome !== 'object') throw new Error(`It goes on: ${outcome}.`);
    recording.end(outcome);
    expect(lines.at(-2)?.trim()).toMatch(/ IN \d+ receive c0 61$/);
    expect(replayRun(parse(lines), { definition: lineBoard })).toMatchObject({
      arrivals: { delivered: lines.filter((line) => / IN /.test(line)).length, left: 0 },
      differences: [],
      endsAlike: true,
    });
  });

  it('is refused with an option that no device has', () => {
    const lines: string[] = [];
    const machine = Machine.create(empty);
    const recording = recordRun(
      machine,
      guestProgram('guest', function* (guest) {
        yield* guest.out8(0x80, 1);
      }),
      { write: (text) => lines.push(text) },
    );
    recording.end(machine.run(recording.guests));
    const wrong = lines.toSpliced(-1, 0, '0 IN 1 option nothing size 5\n');
    expectRefusal(() => replayRun(parse(wrong), { definition: empty }), 'recording-line-damaged', 'option of a device');
  });
});
