// @module-tag slow
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isapc, pcFirmware } from '../../machines/index.ts';
import type { GuestSource } from '../../sdk/accelerator/index.ts';
import { readTrace } from '../../sdk/cli/node.ts';
import { recordedRun } from '../../sdk/cli/replay/recording-file.ts';
import { Machine } from '../../sdk/machine/index.ts';
import { replayRun } from '../../sdk/recording/replay.ts';
import { assembled, guestOf, Place, populated } from '../machines/hostile/hostile-code.ts';
import { needs, whyNoX86 } from '../needs.ts';
import { eduGuest } from '../recording/dma-guests.ts';
import { expectRefusal } from '../refusal.ts';
import { backplane, expectRefused } from './fake-terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'backplane-record-'));
const at = (name: string): string => join(folder, name);
const launcher = fileURLToPath(new URL('../../sdk/cli/backplane', import.meta.url));

/** Counts through a port and reads the clock, with interrupts of the clock and a HLT in each round. */
const program = (rounds: string): string => `import { guestProgram } from 'backplane/runtime';
  export default guestProgram('rounds', function* (guest) {
    for (const [port, value] of [[0x20, 0x11], [0x21, 0x20], [0x21, 4], [0x21, 1], [0xa0, 0x11], [0xa1, 0x28], [0xa1, 2], [0xa1, 1], [0x21, 0xfb], [0xa1, 0xfe], [0x70, 0x0b], [0x71, 0x46]])
      yield* guest.out8(port, value);
    guest.onInterrupt(0x28, function* () {
      yield* guest.out8(0x70, 0x0c);
      yield* guest.in8(0x71);
      yield* guest.out8(0xa0, 0x20);
      yield* guest.out8(0x20, 0x20);
    });
    for (let round = 0; round < ${rounds}; round++) {
      yield* guest.repOuts8(0x80, [round & 0xff, 1, 2]);
      yield* guest.pause(700_000);
      yield* guest.sti();
      yield* guest.hlt();
      yield* guest.cli();
    }
  });`;

beforeAll(() => {
  writeFileSync(at('guest.ts'), program('50'));
  writeFileSync(at('endless.ts'), program('Infinity'));
  writeFileSync(at('note.txt'), 'a note');
});
afterAll(() => rmSync(folder, { recursive: true }));

const run = (...words: string[]) => backplane('run', at('guest.ts'), '-machine', 'isapc', ...words);
/** All counts of a report, and the time. */
const countsOf = (json: string) => {
  const { exits, ports, memory, guestTime } = JSON.parse(json);
  return { exits, ports, memory, guestTime };
};

describe('run -record', () => {
  it('records what a replay repeats without the program, with equal counts', async () => {
    const recorded = await run('-record', at('run.iotrace.gz'), '-json');
    const replayed = await backplane('replay', at('run.iotrace.gz'), '-json');
    expect([recorded.status, replayed.status, replayed.noted]).toEqual([0, 0, '']);
    expect(countsOf(replayed.printed)).toEqual(countsOf(recorded.printed));
    expect(countsOf(recorded.printed).exits.injectedInterrupts).toBe(50);
    expect(JSON.parse(replayed.printed)).toMatchObject({ version: 2, differed: 0, isCut: false });
  });

  it('is not repeated where its end says another number of operations, or another time', async () => {
    const whole = at('end.iotrace');
    await run('-record', whole);
    const text = readFileSync(whole, 'latin1');
    for (const [pattern, edited] of [
      [/# end \d+/, '# end 7'],
      [/ at \d+ ns/, ' at 1 ns'],
    ] as const) {
      expect(text).toMatch(pattern);
      writeFileSync(at('edited.iotrace'), text.replace(pattern, edited));
      const said = await backplane('replay', at('edited.iotrace'));
      expect([said.status, said.code]).toEqual([1, 'replay-parted']);
      expect(said.noted).toContain('at the end');
    }
  });

  it('repeats it with the options of its accelerator and of its machine', async () => {
    const options = [
      '-accel',
      'kvm-sim,coalesced-pio=off,userspace-exit-cost=5000',
      '-m',
      '8',
      '-global',
      'mc146818rtc.base_year=2000',
    ];
    const recorded = await run('-record', at('options.iotrace'), '-json', ...options.slice(0, 4));
    const replayed = await backplane('replay', at('options.iotrace'), '-json');
    expect(countsOf(replayed.printed)).toEqual(countsOf(recorded.printed));
  });

  it('stops where the limit was', async () => {
    const recorded = await run('-record', at('limit.iotrace'), '-limit', '77', '-json');
    const replayed = await backplane('replay', at('limit.iotrace'), '-json');
    expect(countsOf(replayed.printed)).toEqual(countsOf(recorded.printed));
  });

  it('gives its accesses to a comparison and to advise', async () => {
    await run('-record', at('run.iotrace'));
    const compared = await backplane('replay', at('run.iotrace'), '-compare');
    expect(compared.printed).toMatch(/userspace exits saved/);
    const advised = await backplane('advise', at('run.iotrace'));
    expect([advised.status, advised.noted]).toEqual([0, '']);
    expect(advised.printed).toContain('run on isapc');
  });

  it('names a device that was plugged in, and is missing where its accesses are replayed', async () => {
    const both = ['-device', 'isa-debugcon', '-device', 'isa-debugcon,id=second,iobase=0xea'];
    await run(...both, '-record', at('plugged.iotrace'));
    for (const words of [['replay', '-compare'], ['advise']]) {
      const [command = '', ...options] = words;
      for (const missing of [both, both.slice(2)]) {
        const given = both.slice(missing.length);
        const without = await backplane(command, at('plugged.iotrace'), ...options, ...given);
        expect(without.status).toBe(0);
        expect(without.noted).toMatch(
          /^warning: not modelled: . recorded devices? that this machine lacks\. Add -device isa-debugcon/,
        );
      }
      const plugged = await backplane(command, at('plugged.iotrace'), ...options, ...both);
      expect([plugged.status, plugged.noted]).toEqual([0, '']);
    }
    const whole = await backplane('replay', at('plugged.iotrace'));
    expectRefused(whole, 'recording-of-another-machine', "'isapc' with other devices", ': -device isa-debugcon.');
  });

  it('overwrites recordings, and nothing else', async () => {
    expectRefused(await run('-record', at('note.txt')), 'file-exists', 'is not a recording');
    expect((await run('-record', at('run.iotrace'))).status).toBe(0);
    writeFileSync(at('other.gz'), gzipSync('something else'));
    expectRefused(await run('-record', at('other.gz')), 'file-exists');
    expectRefused(await run('-record', folder), 'not-a-file');
    expectRefused(await run('-record', at('x'), '-save', `${folder}/./x`), 'misplaced-argument', '-record and -save');
    expectRefused(await run('-record', at('x'), '-watch'), 'misplaced-argument', '-watch');
    expectRefused(await run('-record', at('x'), '-loadvm', at('y')), 'misplaced-argument', '-loadvm');
  });
});

it('a run that cannot be recorded leaves the recording that is there, and makes no new one', async () => {
  const guest: GuestSource = { name: 'under way', next: () => false, interrupt() {} };
  writeFileSync(at('kept.iotrace'), '# iotrace v2\n');
  for (const name of ['kept.iotrace', 'new.iotrace.gz']) {
    const machine = Machine.create(isapc);
    const recorded = {
      machine,
      guests: [guest],
      images: [],
      timers: {},
      note: () => {},
      run: () => machine.run(guest),
    };
    await expectRefusal(() => recordedRun(at(name), recorded), 'guest-not-recordable', 'under way');
  }
  expect(readFileSync(at('kept.iotrace'), 'latin1')).toBe('# iotrace v2\n');
  expect(existsSync(at('new.iotrace.gz'))).toBe(false);
});

describe('a recording that was cut off', () => {
  it('is read up to its last whole line or block, with a warning, wherever it ends', async () => {
    await run('-record', at('whole.iotrace'));
    const text = readFileSync(at('whole.iotrace'));
    const blocks = [text.subarray(0, 2000), text.subarray(2000)].map((block) => gzipSync(block));
    for (const [name, bytes] of [
      ['cut.iotrace', text],
      ['cut.iotrace.gz', Buffer.concat(blocks)],
    ] as const) {
      writeFileSync(at(name), bytes);
      truncateSync(at(name), bytes.length - 40);
      const { status, noted, printed } = await backplane('replay', at(name));
      expect([status, noted]).toEqual([0, expect.stringContaining('was cut off')]);
      expect(printed).toContain('up to where it was cut off');
    }
    writeFileSync(at('cut.iotrace.gz'), Buffer.concat(blocks));
    appendFileSync(at('cut.iotrace.gz'), 'and something else');
    expectRefused(await backplane('replay', at('cut.iotrace.gz')), 'trace-damaged');
  });

  it('by SIGKILL, has all whole blocks', async () => {
    const file = at('killed.iotrace.gz');
    const child = spawn(launcher, ['run', at('endless.ts'), '-machine', 'isapc', '-record', file], { stdio: 'ignore' });
    const exit = new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal)));
    while (!existsSync(file) || statSync(file).size < 60_000) await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill('SIGKILL');
    expect(await exit).toBe('SIGKILL');
    const trace = await readTrace(file);
    expect(trace.run?.end).toBeUndefined();
    expect(trace.run?.entries.length).toBeGreaterThan(4000);
    const replay = replayRun(trace, { definition: isapc });
    expect([replay.isCut, replay.differed]).toEqual([true, 0]);
  });
});

describe('a recorded run of machine code', needs('host', whyNoX86()), () => {
  const file = at('firmware.iotrace.gz');
  const exitsOf = (text: string) => (JSON.parse(text) as { exits: unknown }).exits;

  it('is replayed with equal counts, and its accesses are compared, advised on and reported', async () => {
    const run = await backplane('run', '-limit', '150000', '-serial', 'null', '-m', '32', '-record', file, '-json');
    expect(run.status).toBe(0);
    const replay = await backplane('replay', file, '-json');
    expect(replay.status).toBe(0);
    expect(exitsOf(replay.printed)).toEqual(exitsOf(run.printed));
    expect((await backplane('replay', file)).printed).toContain('150,000 instructions in ');
    const compared = await backplane('replay', file, '-compare', '-report', at('firmware.html'), '-json');
    const { modes } = JSON.parse(compared.printed) as {
      modes: { name: string; exits: { userspaceExits: number }; devices: { device: string; differed: number }[] }[];
    };
    expect(modes.map(({ name }) => name)).toEqual(['off', 'overlay', 'ours']);
    expect(modes[2]!.exits.userspaceExits).toBeLessThan(modes[0]!.exits.userspaceExits);
    // The chips of the recorded machine answer, and as they did.
    expect(modes[2]!.devices).toEqual(
      expect.arrayContaining([expect.objectContaining({ device: 'vga', differed: 0 })]),
    );
    expect(readFileSync(at('firmware.html'), 'utf8')).toContain('<html');
    const advised = await backplane('advise', file);
    expect(advised.printed).toMatch(/port 0x3f8 +serial/);
    expect((await backplane('diff', file, file)).status).toBe(0);
  }, 120_000);

  it('says of what image it is, which a replay prints and a recording from before lacks', async () => {
    const sum = createHash('sha256').update(pcFirmware()).digest('hex');
    const { printed } = await backplane('replay', file);
    expect(printed).toContain(`\n  firmware 'backplane firmware', 65,536 bytes, SHA-256 ${sum}\n`);
    const text = gunzipSync(readFileSync(file)).toString();
    writeFileSync(at('before.iotrace'), text.replace(/^# image: .*\n/m, ''));
    const before = await backplane('replay', at('before.iotrace'));
    expect([before.status, before.printed.includes('SHA-256')]).toEqual([0, false]);
    expect((await backplane('diff', file, at('before.iotrace'))).printed).toContain('# image: {"kind":"firmware"');
    for (const [from, to] of [
      [sum, sum.slice(1)],
      [sum, sum.toUpperCase()],
      ['"firmware","name"', '"disk","name"'],
      ['"size":65536', '"size":-1'],
      ['"size":65536', '"size":65536,"more":1'],
    ] as const) {
      writeFileSync(at('damaged.iotrace'), text.replace(from, to));
      expectRefused(await backplane('replay', at('damaged.iotrace')), 'recording-header-damaged', 'image');
    }
    writeFileSync(
      at('damaged.iotrace'),
      text.replace(/^# image: .*\n/m, (line) => line.repeat(65)),
    );
    expectRefused(await backplane('replay', at('damaged.iotrace')), 'recording-header-damaged', 'at most 64');
  });

  it('has what a card read by DMA: the whole run is the same, and accesses alone come with a warning', async () => {
    writeFileSync(at('driver.bin'), assembled(eduGuest));
    const card = ['-device', 'edu,id=edu,addr=04.0'];
    const loader = `loader,file=${at('driver.bin')},addr=${Place.code},cpu-num=0`;
    const words = ['run', '-device', loader, '-cpu-mode', 'protected', ...card, '-m', '4', '-serial', 'null'];
    const run = await backplane(...words, '-record', at('edu.iotrace'), '-json');
    expect([run.status, run.noted]).toEqual([0, '']);
    const replay = await backplane('replay', at('edu.iotrace'), ...card);
    expect([replay.status, replay.noted]).toEqual([0, '']);
    expect(replay.printed).toContain('The same: 2 transfers by DMA.');
    expect(replay.printed).toContain("  binary 'driver.bin', ");
    const data = JSON.parse((await backplane('replay', at('edu.iotrace'), ...card, '-json')).printed);
    expect(data).toMatchObject({ exits: exitsOf(run.printed), dma: { same: 2, unrecorded: 0 } });
    for (const words of [['replay', '-compare'], ['advise']]) {
      const [command = '', ...options] = words;
      const alone = await backplane(command, at('edu.iotrace'), ...options, ...card);
      expect([alone.status, alone.noted]).toEqual([0, expect.stringContaining('not replayed: DMA.')]);
    }
    expect((await backplane('diff', at('edu.iotrace'), at('edu.iotrace'))).status).toBe(0);
  }, 120_000);

  it('where it lacks what a card read, or has it otherwise, the replay says so', async () => {
    const card = ['-device', 'edu,id=edu,addr=04.0'];
    const text = readFileSync(at('edu.iotrace'), 'latin1');
    writeFileSync(at('none.iotrace'), text.replace(/^# dma.*\n/gm, '').replace(/"dmaLimit":\d+/, '"dmaLimit":0'));
    const none = await backplane('replay', at('none.iotrace'), ...card);
    expect(none.status).toBe(0);
    expect(none.printed).toContain(
      '2 transfers by DMA are not in the recording, and what devices read by them may differ.',
    );
    writeFileSync(at('other.iotrace'), text.replace(/^(# dma \d+ \w+ ..)../m, '$1ff'));
    const other = await backplane('replay', at('other.iotrace'), ...card);
    expect([other.status, other.code]).toEqual([1, 'replay-parted']);
    expect(other.noted).toContain('DMA writes other bytes to 0x30000 than recorded');
    expect(other.printed).toContain('1 difference from the recording:');
  });

  it('of which more was read by DMA than a recording holds says so at its end', async () => {
    const { machine } = await populated();
    const guest = guestOf('driver', assembled(eduGuest));
    const notes: string[] = [];
    const { outcome } = await recordedRun(at('limit.iotrace'), {
      ...{ machine, guests: [guest], images: [], timers: { dmaLimit: 2999 }, note: (line) => notes.push(line) },
      run: (guests) => machine.run(guests, { operationLimit: 1_000_000 }),
    });
    expect([outcome.reason, notes]).toEqual([
      'halted',
      [expect.stringMatching(/^warning: devices read more by DMA .* 2 transfers behind that are not in it/)],
    ]);
  });

  it('is no longer the same with another machine, and says so', async () => {
    const other = await backplane('replay', file, '-device', 'edu');
    expectRefused(other, 'recording-of-another-machine', 'edu');
  });
});
