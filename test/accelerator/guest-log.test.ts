import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GuestLog, InterruptEntry, type LogEntry, LogLimits, newEntry } from '../../sdk/accelerator/guest/log.ts';
import { readLog, writeLog } from '../../sdk/accelerator/guest/log-text.ts';
import { LoggedGuest } from '../../sdk/accelerator/guest/logged-guest.ts';
import { GuestOperation, OperationKind } from '../../sdk/accelerator/guest/operation.ts';
import { saveGuest } from '../../sdk/accelerator/guest/saved-guest.ts';
import { type GuestBody, guestProgram } from '../../sdk/accelerator/index.ts';
import { type JsonProblem, JsonReader } from '../../sdk/base/json-reader.ts';
import { expectRefusal } from '../refusal.ts';

const entry = (fields: Partial<LogEntry>): LogEntry => ({ ...newEntry(), ...fields });
const middle = { isProgram: true, begun: true, atItsEnd: false };
const out = (value: number) => entry({ kind: OperationKind.Out, address: 0x70, value });

function logOf(...entries: LogEntry[]): GuestLog {
  const log = new GuestLog();
  for (const one of entries) log.add(one);
  return log;
}

function read(lines: unknown): { log: GuestLog; problems: JsonProblem[] } {
  const problems: JsonProblem[] = [];
  return { log: readLog(new JsonReader(lines, 'log', problems)), problems };
}

describe('the log of a guest program', () => {
  it('is a line for each operation, as people write them', () => {
    const log = logOf(
      out(0x0a),
      entry({ kind: OperationKind.In, address: 0x71, value: 0x26 }),
      entry({ kind: OperationKind.Store, address: 0xb_8000, size: 4, value: 0x741 }),
      entry({ kind: OperationKind.Load, address: 0x1000, size: 8, value: 2, valueHigh: 0x1f }),
      entry({ kind: OperationKind.RepOuts, address: 0x402, count: 5, value: 0xdead_beef }),
      entry({ kind: OperationKind.RepIns, address: 0x1f0, size: 2, count: 2, bytes: new Uint8Array([1, 2, 3, 4]) }),
      entry({ kind: OperationKind.Pause, address: 1500 }),
      entry({ kind: OperationKind.Sti }),
      entry({ kind: OperationKind.Hlt }),
      entry({ kind: InterruptEntry, address: 8 }),
      entry({ kind: OperationKind.InterruptReturn }),
    );
    expect(writeLog(log)).toEqual([
      'out8 0x70 = 0xa',
      'in8 0x71 = 0x26',
      'store32 0xb8000 = 0x741',
      'load64 0x1000 = 0x1f00000002',
      'repouts8 0x402 x 5 = 0xdeadbeef',
      'repins16 0x1f0 x 2 = AQIDBA==',
      'pause 1500',
      'sti',
      'hlt',
      'interrupt 0x8',
      'iret',
    ]);
  });

  it('says what an interrupt came in the middle of', () => {
    const bytes = new Uint8Array([7, 0, 0]);
    const log = logOf(entry({ kind: InterruptEntry, address: 8, progress: { position: 1, duration: 0, bytes } }));
    const [line] = writeLog(log);
    expect(line).toEqual({ line: 'interrupt 0x8', progress: { position: 1, duration: 0, bytes: 'BwAA' } });
    expect([...read([line]).log.entries()]).toEqual([...log.entries()]);
  });

  it('counts equal operations in a row', () => {
    const log = logOf(out(1), out(1), out(1), out(2), out(1));
    expect([log.length, log.operations]).toEqual([3, 5]);
    expect(writeLog(log)).toEqual(['out8 0x70 = 0x1 (3 times)', 'out8 0x70 = 0x2', 'out8 0x70 = 0x1']);
  });

  const access = fc.record({
    kind: fc.constantFrom(OperationKind.Out, OperationKind.In, OperationKind.Store, OperationKind.Load),
    address: fc.integer({ min: 0, max: 2 ** 52 - 1 }),
    size: fc.constantFrom(1, 2, 4, 8),
    value: fc.integer({ min: 0, max: 0xff }),
    valueHigh: fc.integer({ min: 0, max: 0xffff_ffff }),
  });

  it('is read as it was written', () => {
    fc.assert(
      fc.property(fc.array(access, { maxLength: 200 }), (accesses) => {
        const log = logOf(
          ...accesses.map((one) =>
            entry({
              ...one,
              value: one.value * (one.size < 4 ? 1 : 0x101_0101),
              valueHigh: one.size === 8 ? one.valueHigh : 0,
            }),
          ),
        );
        const again = read(JSON.parse(JSON.stringify(writeLog(log))));
        expect(again.problems).toEqual([]);
        expect([...again.log.entries()]).toEqual([...log.entries()]);
      }),
      { numRuns: 50 },
    );
  });

  it.each([
    'out8',
    'out9 0x70 = 0x1',
    'out8 0x70 = 0x123456789',
    'out8 0x70 = 12',
    'in8 0x12345678901234 = 0x1',
    'pause -5',
    'pause 1e99',
    'interrupt 0x100',
    'repins8 0x70 x 4 = AAAA',
    'constructor',
    '__proto__',
    '',
  ])('refuses what is no operation: %s', (line) => {
    expect(read([line]).problems).toEqual([
      { path: 'log[0]', problem: expect.stringContaining('expected an operation') },
    ]);
  });

  it.each<[string, unknown]>([
    ['no list', {}],
    ['a number among the lines', [7]],
    ['progress of what nobody interrupted', [{ line: 'hlt', progress: { position: 0, duration: 0 } }]],
    ['progress of a strange kind', [{ line: 'interrupt 0x8', progress: { position: -1, duration: 0 } }]],
    ['bytes that are none', [{ line: 'interrupt 0x8', progress: { position: 0, duration: 0, bytes: '!' } }]],
  ])('refuses %s', (_, lines) => {
    expect(read(lines).problems.length).toBeGreaterThan(0);
  });

  it('ends at a million entries, ten million operations, or 16 MiB of strings: then it is dropped', () => {
    const long = new GuestLog();
    for (let n = 0; n <= LogLimits.entries; n++) long.add(out(n & 1));
    const often = logOf({ ...out(1), repeated: LogLimits.operations + 1 });
    const string = entry({ kind: OperationKind.RepIns, count: 1 << 20, bytes: new Uint8Array(1 << 20) });
    const large = logOf(...Array.from({ length: 17 }, () => string));
    for (const log of [long, often, large]) {
      expect([log.overflowed, log.length]).toEqual([true, 0]);
      const source = guestProgram('busy', function* () {}).start();
      const save = () => saveGuest(new LoggedGuest(source, log), new GuestOperation(), middle);
      expectRefusal(save, 'guest-too-long-to-save', "'busy'");
    }
    expect(logOf({ ...out(1), repeated: LogLimits.operations }).overflowed).toBe(false);
  });
});

describe('a replayed program', () => {
  it('is where it was, in an interrupt handler that came in the middle of a pause', () => {
    const body: GuestBody = function* (guest) {
      guest.onInterrupt(8, function* () {
        yield* guest.out8(0x80, yield* guest.in8(0x61));
      });
      yield* guest.sti();
      yield* guest.pause(1000);
      yield* guest.out8(0x81, 9);
    };
    const operation = new GuestOperation();
    const live = new LoggedGuest(guestProgram(body).start());
    live.next(operation);
    operation.finished = true;
    live.next(operation);
    operation.finished = false;
    operation.duration = 400;
    live.interrupt(8, operation);
    operation.finished = true;
    live.next(operation);
    operation.value = 0x42;
    operation.finished = true;
    live.complete(operation);

    const again = new GuestOperation();
    const replayed = LoggedGuest.replay(guestProgram(body).start(), read(writeLog(live.log)).log, undefined, again);
    const next = (guest: LoggedGuest, one: GuestOperation) => {
      const more = guest.next(one);
      const { kind, address, value, duration, finished } = one;
      if (more && !(kind === OperationKind.Pause && finished)) one.finished = true;
      return more ? { kind, address, value, duration: kind === OperationKind.Pause ? duration : 0 } : 'end';
    };
    const rest = (guest: LoggedGuest, one: GuestOperation) => Array.from({ length: 5 }, () => next(guest, one));
    const expected = rest(live, operation);
    expect(expected[0]).toMatchObject({ kind: OperationKind.Out, address: 0x80, value: 0x42 });
    expect(expected[2]).toMatchObject({ kind: OperationKind.Pause, duration: 400 });
    expect(rest(replayed, again)).toEqual(expected);
  });
});
