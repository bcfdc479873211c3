import { describe, expect, it } from 'vitest';
import { pcFirmware, pcI440fx } from '../../machines/index.ts';
import { OperationKind } from '../../sdk/accelerator/guest/operation.ts';
import type { SimulatedAcceleratorOptions } from '../../sdk/accelerator/index.ts';
import { type Assembler, al, assemble, ax, cx, dword, dx, eax, ecx, edi, esi, word } from '../../sdk/assembler.ts';
import { ringBuffer } from '../../sdk/backend.ts';
import { MiB } from '../../sdk/index.ts';
import {
  type GuestImage,
  Machine,
  pump,
  recordRun,
  replayRun,
  simulatedAccelerator,
  TraceParser,
} from '../../sdk/runtime.ts';
import { times } from '../depth.ts';
import { needs, whyNoX86 } from '../needs.ts';
import { x86 } from '../processor/bare-processor.ts';
import { expectRefusal } from '../refusal.ts';

const definition = pcI440fx;
const firmware = { name: 'the firmware', pieces: [], start: 'reset' } as const;

interface Recorded {
  readonly machine: Machine;
  readonly text: string;
}

/** A machine whose run will be written down. */
async function listening(guest: GuestImage, options: SimulatedAcceleratorOptions = {}) {
  const backends = { serial0: ringBuffer({ id: 'serial0' }), keyboard: ringBuffer({ id: 'keyboard' }) };
  const machine = Machine.create(definition, {
    firmware: pcFirmware(),
    ram: 16 * MiB,
    options: { chips: 'all' },
    accelerator: simulatedAccelerator({ ...options, machineCode: await x86() }),
    backends: Object.values(backends),
  });
  let text = '';
  const recording = recordRun(machine, guest, {
    write: (line) => {
      text += line;
    },
  });
  return { machine, backends, recording, text: () => text };
}

/** Runs beside the host's events, in as many slices as it likes, and writes it down. */
async function recorded(
  guest: GuestImage,
  options: SimulatedAcceleratorOptions,
  operationLimit: number,
  between?: (backends: Record<'serial0' | 'keyboard', ReturnType<typeof ringBuffer>>, instructions: number) => void,
): Promise<Recorded> {
  const { machine, backends, recording, text } = await listening(guest, options);
  const outcome = await pump(machine, recording.guests, {
    operationLimit,
    between: () => between?.(backends, machine.accelerator.guestTime),
  });
  recording.end(outcome);
  return { machine, text: text() };
}

function traceOf(text: string) {
  const parser = new TraceParser('run');
  parser.push(new TextEncoder().encode(text));
  return parser.end();
}

const replayOf = (text: string) => replayRun(traceOf(text), { definition });

/** The replay has every count of the run, and found nothing that differs. */
function expectEqual({ machine, text }: Recorded): ReturnType<typeof replayOf> {
  const replay = replayOf(text);
  expect(replay.differences).toEqual([]);
  expect(replay).toMatchObject({ differed: 0, endsAlike: true, isCut: false, arrivals: { left: 0 } });
  expect(replay.statistics.summary()).toEqual(machine.accelerator.statistics.summary());
  expect(replay.statistics.portRows()).toEqual(machine.accelerator.statistics.portRows());
  expect(replay.statistics.memoryRows()).toEqual(machine.accelerator.statistics.memoryRows());
  expect(replay.machine.clock.absolute()).toBe(machine.clock.absolute());
  expect(replay.outputs.every(({ isSame }) => isSame)).toBe(true);
  return replay;
}

const linesOf = (text: string, word: string): string[] =>
  text.split('\n').filter((line) => line.split(' ')[1] === word && !line.startsWith('#'));

const Start = 0x7c00;
const Handler = 0x7e00;

/** Code of 16 bits in segment 0, or of 32 bits with flat segments. */
function code(body: (a: Assembler) => void, mode: 'real' | 'protected' = 'protected'): GuestImage {
  const { bytes } = assemble({ origin: Start, bits: mode === 'real' ? 16 : 32 }, body);
  return {
    name: 'code',
    pieces: [{ address: Start, bytes }],
    start: { mode, entry: Start, registers: { esp: 0x7000 } },
  };
}

const Limit = 8000;
const Window = 0xb_8000;
/** No device is there, and nothing is coalesced. */
const Nobody = 0xf000_0000;

describe('a recording of machine code', needs('host', whyNoX86()), () => {
  it.each([
    ['as it is', {}],
    ['without coalescing', { coalescedMmio: false, coalescedPio: false }],
    ['with kicks', { kickAfter: 40_000 }],
    ['with instructions of 7 ns', { plainCost: 7 }],
    ['with a slow bus', { isaAccess: 2500 }],
  ] as const)('is replayed with equal counts, %s', async (_, options) => {
    const run = await recorded(firmware, options, 300_000);
    const { header, statistics } = expectEqual(run);
    expect(header).toMatchObject({
      machineCode: true,
      guests: ['the firmware'],
      machine: { options: { chips: 'all' } },
    });
    expect(linesOf(run.text, 'INT').length).toBeGreaterThan(100);
    expect(linesOf(run.text, 'HLT').length).toBeGreaterThan(100);
    expect(statistics.userspaceExits).toBeGreaterThan(10_000);
    if ('kickAfter' in options) expect(statistics.kicks).toBeGreaterThan(0);
  });

  it('has what was typed, and the reset that came of it', async () => {
    let isTyped = false;
    // The reset ends the run: a fast host is far in it when the key is pressed.
    const run = await recorded(firmware, {}, 20_000_000, ({ serial0, keyboard }) => {
      if (isTyped || !serial0.text.endsWith('restarts the machine.\r\n')) return;
      isTyped = true;
      keyboard.send('x');
    });
    expect(isTyped).toBe(true);
    expect(run.text.trimEnd()).toMatch(/ ns: reset$/);
    const { arrivals } = expectEqual(run);
    expect(arrivals.delivered).toBeGreaterThan(0);
  });

  it('has a key at each instruction of a second: before a write that stays in the kernel, and before one that exits', async () => {
    let queued = 0;
    let exits = 0;
    for (let before = 0; before < times(20, 40); before++) {
      const { machine, backends, recording, text } = await listening(firmware);
      machine.run(recording.guests, { operationLimit: 124_800 + before });
      backends.keyboard.send('x');
      recording.end(machine.resume({ operationLimit: 5000 }));
      expectEqual({ machine, text: text() });
      const lines = text().split('\n');
      const key = lines.findIndex((line) => line.includes(' receive keyboard '));
      const [at = ''] = (lines[key] ?? '').split(' ');
      const [next = '', what] = (lines[key + 1] ?? '').split(' ');
      if (what !== 'PW' && what !== 'MW') continue;
      if (next === at) queued++;
      else exits++;
    }
    expect(queued).toBeGreaterThan(0);
    expect(exits).toBeGreaterThan(0);
  });

  it('has strings, and instructions of several accesses', async () => {
    const guest = code((a) => {
      a.mov(dword(Window), 0x0741_0742);
      a.mov(esi, Window);
      a.mov(edi, Window + 0x100);
      a.mov(ecx, 8);
      a.rep('movsd');
      a.mov(esi, Window);
      a.mov(edi, Nobody);
      a.movsd();
      a.add(eax, dword(Window));
      a.add(dword(Window + 4), eax);
      a.mov(al, 0x0a);
      a.out(0x70, al);
      a.mov(dx, 0x71);
      a.mov(edi, 0x2_0ffd);
      a.mov(ecx, 5);
      a.rep('insb');
      a.mov(dx, 0x80);
      a.mov(esi, 0x2_0000);
      a.mov(ecx, 6);
      a.rep('outsb');
      a.cli();
      a.hlt();
    });
    const run = await recorded(guest, {}, 10_000);
    expect(linesOf(run.text, 'SR').join('')).toMatch(/SR 71 1 3 [0-9a-f]{6} >20ffd\d+ SR 71 1 2 [0-9a-f]{4} >21000$/);
    expect(linesOf(run.text, 'SW')).toHaveLength(1);
    expect(linesOf(run.text, 'MR').length).toBeGreaterThan(8);
    expect(linesOf(run.text, 'PART').length).toBeGreaterThan(0);
    expect(linesOf(run.text, 'ENDS').length).toBeGreaterThan(0);
    const { outcome, statistics } = expectEqual(run);
    expect(outcome.reason).toBe('halted');
    expect(statistics.memoryUserspaceExits).toBeGreaterThan(8);
    // As a list of accesses it has those of the strings too.
    const { kind, address, length } = traceOf(run.text);
    const reads = [...Array(length).keys()].filter(
      (index) => kind[index] === OperationKind.In && address[index] === 0x71,
    );
    expect(reads).toHaveLength(5);
  });

  it.each<[name: string, put: (a: Assembler) => void]>([
    ['INSB', (a) => a.rep('insb')],
    ['OUTSB', (a) => a.rep('outsb')],
    ['STOSB', (a) => a.rep('stosb')],
    ['MOVSD', (a) => a.rep('movsd')],
  ])('ends where the accesses of an endless REP %s came to the limit', async (_, put) => {
    const guest = code((a) => {
      a.mov(dx, 0x71);
      a.label('again');
      a.mov(esi, Nobody);
      a.mov(edi, Nobody + 0x1_0000);
      a.mov(ecx, 1500);
      put(a);
      a.jmp('again');
    });
    const run = await recorded(guest, {}, Limit);
    const [, operations] = /# end (\d+) operations at \d+ ns: operation-limit\n$/.exec(run.text)!;
    expect(Number(operations)).toBeLessThan(Limit);
    expect(expectEqual(run).outcome).toMatchObject({ reason: 'operation-limit', operations: Number(operations) });
  });

  it('ends where the processor shuts down', async () => {
    const run = await recorded(
      code((a) => {
        a.out(0x70, al);
        a.ud2();
      }),
      {},
      10_000,
    );
    expect(linesOf(run.text, 'FAULT')).toHaveLength(1);
    expect(run.text).toMatch(/# end \d+ operations at \d+ ns: shutdown\n$/);
    expect(expectEqual(run).outcome.reason).toBe('shutdown');
  });

  it('has interrupts that the guest took when it could, by a window exit', async () => {
    // The clock asks for interrupts 8192 times a second; the guest takes them in a loop that masks them most of the time.
    const guest = code((a) => {
      for (const [port, value] of [
        ...[
          [0x20, 0x11],
          [0x21, 0x20],
          [0x21, 4],
          [0x21, 1],
          [0xa0, 0x11],
          [0xa1, 0x28],
          [0xa1, 2],
          [0xa1, 1],
        ],
        ...[
          [0x21, 0xfb],
          [0xa1, 0xfe],
          [0x70, 0x0a],
          [0x71, 0x23],
          [0x70, 0x0b],
          [0x71, 0x42],
        ],
      ] as const) {
        a.mov(al, value);
        a.out(port, al);
      }
      a.mov(word(4 * 0x28), Handler);
      a.mov(word(4 * 0x28 + 2), 0);
      a.label('loop');
      a.cli();
      a.mov(cx, 3000);
      a.label('wait');
      a.dec(cx);
      a.jnz('wait');
      a.sti();
      a.nop();
      a.jmp('loop');
      a.org(Handler);
      a.push(ax);
      a.mov(al, 0x0c);
      a.out(0x70, al);
      a.in(al, 0x71);
      a.mov(al, 0x20);
      a.out(0xa0, al);
      a.out(0x20, al);
      a.pop(ax);
      a.iret();
    }, 'real');
    const run = await recorded(guest, {}, 1_000_000);
    expect(linesOf(run.text, 'WINDOW').length).toBeGreaterThan(10);
    expect(linesOf(run.text, 'INT')).toHaveLength(linesOf(run.text, 'WINDOW').length);
    expect(expectEqual(run).statistics.summary().interruptWindowExits).toBe(linesOf(run.text, 'WINDOW').length);
  });

  it('tells where a device answers otherwise, and where an interrupt does not come', async () => {
    const { text } = await recorded(firmware, {}, 200_000);
    const other = replayOf(text.replace(/^(\d+) PR 71 1 26$/m, '$1 PR 71 1 a6'));
    expect(other.differed).toBeGreaterThan(0);
    expect(other.differences[0]?.what).toBe('in8 at 0x71 answers 0x26, recorded 0xa6');
    const none = replayOf(text.replace(/^(\d+) INT ([0-9a-f]+)$/m, '$1 INT 77'));
    expect(none.differences[0]?.what).toMatch(/^interrupt 0x[0-9a-f]+ comes, which is not in the recording$/);
  });

  it('can be read as far as it goes where the process was killed', async () => {
    const { text } = await recorded(firmware, {}, 100_000);
    const cut = text.slice(0, text.lastIndexOf('\n', text.length / 2) + 1);
    expect(replayOf(cut)).toMatchObject({ differed: 0, isCut: true, outcome: { reason: 'finished' } });
  });

  it('is refused where it says what cannot be, and where instructions take no time', async () => {
    const { text } = await recorded(firmware, {}, 1000);
    const damaged = (line: string) => text.replace(/^(\d+) PW .*$/m, `$1 ${line}`);
    for (const line of ['PART 1', 'ENDS x 0', 'PART 99999999 0', 'ENDS 1 0 0', 'WINDOW 1'])
      expectRefusal(() => traceOf(damaged(line)), 'trace-malformed');
    // In their places they make no sense, and do no harm.
    for (const line of ['PART 1 5', 'ENDS 9 9', 'WINDOW', 'FAULT', 'INT 8', 'STI', 'START', 'PAUSE 5', '+ 00', 'HLT'])
      expect(replayOf(damaged(line)).outcome.operations).toBeLessThan(5000);
    await expect(recorded(firmware, { plainCost: 0 }, 1000)).rejects.toMatchObject({ code: 'guest-not-recordable' });
    const timed = await recorded(firmware, { plainCost: 20 }, 1000);
    expectEqual(timed);
    for (const cost of ['0', '0.5', '-20'])
      expectRefusal(
        () => replayOf(timed.text.replace('"plainCost":20', `"plainCost":${cost}`)),
        'recording-header-damaged',
        'plainCost',
      );
  });
});
