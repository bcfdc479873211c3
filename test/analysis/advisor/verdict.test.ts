// @module-tag slow
import { describe, expect, it } from 'vitest';
import { VirtioRng } from '../../../devices/index.ts';
import { advise } from '../../../sdk/analysis/advisor/advise.ts';
import type { CheckRange, Suggestion } from '../../../sdk/analysis/advisor/suggestion.ts';
import { formatAdvice } from '../../../sdk/analysis/advisor/text.ts';
import { lateEffects } from '../../../sdk/analysis/advisor/verdict.ts';
import { MICROSECOND, MILLISECOND } from '../../../sdk/clock/index.ts';
import type { ConcreteDeviceClass } from '../../../sdk/device/index.ts';
import {
  addCoalescedIo,
  bit,
  bits,
  device,
  InterruptPin,
  IsaDevice,
  indexedRegisters,
  isaIrq,
  type MachineDefinition,
  mmioRegion,
  place,
  portRegion,
  reserved,
  SystemDevice,
  state,
  use,
} from '../../../sdk/index.ts';
import { checkRange } from '../../../sdk/testing/conformance/range-check.ts';
import { isapc, pcI440fx } from '../../small-machines.ts';
import { repeated, smallTrace } from '../small-trace.ts';

const at = (suggestions: readonly Suggestion[], start: number) => suggestions.find((one) => one.start === start)!;

function adviceOn(accesses: Parameters<typeof smallTrace>[0], definition: MachineDefinition = isapc) {
  return advise(smallTrace(accesses), { definition }, { check: runAlone });
}

/** As the command does. */
const runAlone: CheckRange = ({ metadata, given }, { values, addresses, ...range }) =>
  checkRange(metadata.deviceClass as ConcreteDeviceClass, range, { options: given, values, addresses });

const ports = portRegion({ name: 'doorbell', base: 0x300, size: 2, accessSizes: [1] });
const answers = portRegion({ name: 'doorbell-answer', base: 0x310, size: 1, accessSizes: [1] });

@device({ type: 'doorbell', description: 'Rings' })
@addCoalescedIo(ports, { offset: 1, size: 1, independent: [answers] })
class Doorbell extends IsaDevice {
  readonly irq = new InterruptPin();
  value = 0;
  @ports.write(0)
  ring(value: number): void {
    this.value = value;
    this.irq.set(value === 1);
  }
  @ports.write(1)
  mute(): void {}
  @answers.read(0)
  answer(): number {
    return this.value;
  }
}

const withDoorbell = { ...isapc, devices: [...isapc.devices, use(Doorbell, { interrupts: { irq: isaIrq(5) } })] };

const front = portRegion({ name: 'slate', base: 0x340, size: 1, accessSizes: [1] });
const back = portRegion({ name: 'slate-back', base: 0x350, size: 1, accessSizes: [1] });

/** Keeps what is written, and shows it elsewhere. */
@device({ type: 'slate', description: 'Shows on its back what is written on its front' })
class Slate extends IsaDevice {
  @state text = 0;
  @front.write(0)
  write(value: number): void {
    this.text = value;
  }
  @back.read(0)
  read(): number {
    return this.text;
  }
  override reset(): void {
    this.text = 0;
  }
}

const letters = portRegion({ name: 'letters', base: 0x320, size: 4, accessSizes: [1] });
const chosen = letters.register(0, { width: 8 });
const pressed = letters.register(1, { width: 8 });
const done = letters.register(2, { width: 8, access: 'write-one-to-clear' });

const mixed = letters.register(3, {
  width: 8,
  fields: { jam: bit(0, 'write-one-to-clear'), margin: bits(1, 3), rest: reserved([4, 7]) },
});

/** One register that only keeps, one with code behind it, two that are acknowledged by writing. */
@device({ type: 'typewriter', description: 'Types' })
class Typewriter extends IsaDevice {
  @chosen chosen = 0;
  @pressed pressed = 0;
  @done done = 0;
  @mixed mixed = 0;
  @state typed = 0;

  @pressed.onWrite()
  press(): void {
    this.typed = this.chosen;
  }
}

const withTypewriter = { ...isapc, devices: [...isapc.devices, use(Typewriter)] };

const hopperPorts = portRegion({ name: 'hopper', base: 0x330, size: 4, accessSizes: [1] });
const hopperControl = hopperPorts.register(1, {
  width: 8,
  fields: { on: bit(0), alarm: bit(1), rest: reserved([2, 7]) },
});
const hopperIndex = hopperPorts.register(2, { width: 8 });
const behindIndex = indexedRegisters({ index: hopperIndex, data: 3 });
const pace = behindIndex.register(0, { width: 8 });
const scratch = behindIndex.register(1, { width: 8 });
const full = behindIndex.register(2, { width: 8, reset: 1 });

/** One of the registers behind its index moves the interrupt line, and only while the hopper is on. */
@device({ type: 'hopper', description: 'Says when it is full' })
class Hopper extends IsaDevice {
  readonly irq = new InterruptPin();
  @hopperControl control = 0;
  @hopperIndex index = 0;
  @pace pace = 0;
  @scratch scratch = 0;
  @full full = 1;
  @state grains = 0;

  @hopperPorts.write(0)
  pour(): void {
    if (hopperControl.fields.on.of(this.control)) this.grains = Math.min(this.grains + 1, 15);
    this.look();
  }

  @full.onWrite()
  @hopperControl.onWrite()
  look(): void {
    this.irq.set(hopperControl.fields.alarm.of(this.control) === 1 && this.grains > 3 && this.grains >= this.full);
  }

  override reset(): void {
    super.reset();
    this.grains = 0;
    this.look();
  }
}

/** The advice on one port that is written forty times. */
const written = (port: number, definition?: MachineDefinition) =>
  at(
    adviceOn(
      repeated(40, (round) => [['out', port, round & 3], 5 * MICROSECOND]),
      definition,
    ).coalesce,
    port,
  );

describe('what is known of a write before the recording is asked', () => {
  it('is what running its device with the range and without it came to, over so many scripts', () => {
    const kept = written(0x320, withTypewriter);
    expect(kept).toMatchObject({ verdict: 'same', what: 'letters', check: { scripts: 20, seed: 1 } });
    const [ran, keeps, ...others] = kept.reasons;
    expect([ran, keeps, others]).toEqual([
      expect.stringMatching(/20 scripts, seed 1.*Typewriter/),
      expect.stringContaining('(chosen)'),
      [],
    ]);
    expect(kept.declaration).toContain('@addCoalescedIo(ports, { offset: 0x0, size: 1 })');
  });

  it('is the shortest script that differs, where one does', () => {
    const bell = written(0x300, withDoorbell);
    expect(bell.verdict).toBe('differs');
    expect(bell.check?.difference?.message).toMatch(/irq \[.*\].*irq \[.*\]/);
    expect(bell.check?.difference?.script).toMatch(
      /^guestProgram\(function\* \(guest\) \{\n {2}yield\* guest\.out8\(0x300, 0x1\);/,
    );
    expect(bell.declaration).toBe('');
    const text = formatAdvice(
      adviceOn(
        repeated(40, () => [['out', 0x300, 1], 5 * MICROSECOND]),
        withDoorbell,
      ),
      {
        rows: 5,
        explained: 1,
      },
    );
    expect(text).toMatch(/\n {5}guestProgram\(function\* \(guest\) \{\n/);
    expect(text).not.toContain('addCoalescedIo');
  });

  it('is what the conformance suite finds too, behind an index port as elsewhere', () => {
    const hopper = use(Hopper, { interrupts: { irq: isaIrq(5) }, at: [place(hopperPorts, 0x3e8)] });
    const data = written(0x3eb, { ...isapc, devices: [...isapc.devices, hopper] });
    expect(data).toMatchObject({ verdict: 'differs', declaration: '' });
    // What is printed can be run on the machine: its addresses are the machine's, not the region's own.
    expect(data.check?.difference?.script).toMatch(/guest\.out8\(0x3eb, 0x[0-9a-f]+\); \/\/ hopper \+ 0x3/);
    expect(data.check?.difference?.script).not.toMatch(/0x33[0-3]\b/);
    const index = written(0x3ea, { ...isapc, devices: [...isapc.devices, hopper] });
    expect(index).toMatchObject({ verdict: 'same' });
  });

  it('is that its device was not run, where it cannot be alone or where the caller has nothing to run it with', () => {
    const trace = smallTrace(repeated(40, (round) => [['out', 0x321, round & 3], 5 * MICROSECOND]));
    const unchecked = at(advise(trace, { definition: withTypewriter }).coalesce, 0x321);
    expect(unchecked).toMatchObject({ verdict: 'not checked' });
    expect(unchecked.check).toBeUndefined();
    expect(unchecked.reasons[0]).toContain('Typewriter');
    const refused = { scripts: 10, seed: 1, refused: 'it wants a disk.' };
    const advice = advise(trace, { definition: withTypewriter }, { check: () => refused });
    expect(at(advice.coalesce, 0x321)).toMatchObject({ verdict: 'not checked', check: refused });
    expect(at(advice.coalesce, 0x321).reasons[0]).toMatch(/Typewriter.*it wants a disk\./);
  });

  it.each([
    ['where a PC has a modem control register', 0x3ec],
    ['where a PC resets', 0xcf9],
  ])('is the same of a device that the machine has %s', (_, port) => {
    const elsewhere = use(Slate, { at: [place(front, port)] });
    const moved = written(port, { ...isapc, devices: [...isapc.devices, elsewhere] });
    const { verdict, reasons, what } = moved;
    expect({ verdict, what, said: reasons[0] }).toEqual({
      verdict: 'same',
      what: 'slate',
      said: expect.stringMatching(/^\d+ scripts, seed 1.*Slate/),
    });
    const signal = adviceOn(
      repeated(40, () => [['out', port, 7]]),
      { ...isapc, devices: [...isapc.devices, elsewhere] },
    );
    expect(at(signal.ioeventfds, port).verdict).toBe('not checked');
  });

  it.each([
    ['register', 0x322, 'done'],
    ['field', 0x323, 'mixed.jam'],
  ])(
    'is unsound, and why, where a declared %s is cleared by a written one: no declaration is printed',
    (_, port, name) => {
      const acknowledged = written(port, withTypewriter);
      expect(acknowledged).toMatchObject({ verdict: 'unsound', declaration: '' });
      expect(acknowledged.reasons).toEqual([`${lateEffects.acknowledge} (${name})`]);
      const accesses = repeated(40, () => [['out', port, 1] as const, 5 * MICROSECOND]);
      const text = formatAdvice(adviceOn(accesses, withTypewriter), { rows: 5, explained: 3 });
      expect(text).toContain(`(${name})`);
      expect(text).not.toContain('addCoalescedIo');
    },
  );

  it('is what a PC has there, where no device is modelled, or that nothing is known', () => {
    expect(written(0x1000)).toMatchObject({ verdict: 'not modelled', what: 'not modelled' });
    expect(written(0x1000).reasons).toHaveLength(1);
    expect(written(0x511).reasons[0]).toContain('firmware configuration data');
    const waiting = adviceOn(repeated(20, () => [['out', 0x1000, 1], 2 * MILLISECOND]));
    expect(at(waiting.coalesce, 0x1000)).toEqual({ ...at(waiting.coalesce, 0x1000), verdict: 'not modelled' });
  });

  it.each([
    ['0x2f8', 'transmits'],
    ['0x80', 'is made for the delay'],
    ['0x92', 'moves the map'],
    ['0x1f7', 'starts a command'],
  ])('is that a write to port %s of a PC %s', (port) => {
    expect(written(Number(port))).toMatchObject({ verdict: 'unsound' });
  });

  it('is that an index, a picture and a log may wait', () => {
    for (const port of [0x3c4, 0x3c9, 0x2ff, 0x402]) expect(written(port).verdict).toBe('waits');
  });

  it("is that virtio's features may wait, and that no script alone shows what its doorbell does", () => {
    const definition = { ...pcI440fx, devices: [...pcI440fx.devices, use(VirtioRng, { addr: '05.0' })] };
    const configure = (register: number, value: number) =>
      [
        ['out', 0xcf8, 0x8000_2800 + register, 4],
        ['out', 0xcfc, value, 4],
      ] as const;
    const { coalesce } = adviceOn(
      [
        ...configure(0x10, 0xc000),
        ...configure(0x04, 1),
        ...repeated(40, () => [
          ['out', 0xc004, 0, 4],
          ['out', 0xc010, 0, 2],
          ['out', 0xc012, 1],
        ]),
      ],
      definition,
    );
    expect(at(coalesce, 0xc004).verdict).toBe('same');
    expect(at(coalesce, 0xc010)).toMatchObject({ verdict: 'not checked', check: { unseen: ['legacyQueueNotify'] } });
    expect(at(coalesce, 0xc010).reasons).toContainEqual(expect.stringContaining('legacyQueueNotify'));
  });

  it('counts every register that a wide write reaches', () => {
    const wide = adviceOn(repeated(20, () => [['out', 0x3c4, 0x0f02, 2]]));
    expect(at(wide.coalesce, 0x3c4)).toMatchObject({
      verdict: 'unsound',
      what: 'VGA sequencer',
    });
    const index = adviceOn(repeated(20, () => [['out', 0x1ce, 4, 2]]));
    expect(at(index.coalesce, 0x1ce)).toMatchObject({ verdict: 'waits', what: 'VBE index' });
  });

  it('ranks what may wait first, then what nobody knows, then what must not', () => {
    const { coalesce } = adviceOn(
      repeated(20, () => [
        ['out', 0x2f8, 1],
        ['out', 0x2f8, 2],
        ['out', 0x1000, 1],
        ['out', 0x1000, 2],
        ['out', 0x402, 65],
        ['in', 0x9999, 0],
      ]),
    );
    expect(coalesce.map(({ start, verdict }) => [start, verdict])).toEqual([
      [0x402, 'waits'],
      [0x1000, 'not modelled'],
      [0x2f8, 'unsound'],
    ]);
  });
});

describe('what coalescing a port comes to', () => {
  it('is all its exits, where nothing else leaves for userspace', () => {
    const { coalesce } = adviceOn(repeated(40, (round) => [['out', 0x402, 0x40 + round], 5 * MICROSECOND]));
    expect(coalesce).toHaveLength(1);
    expect(coalesce[0]).toMatchObject({ verdict: 'waits', saved: 40, prediction: { taken: 40, userspaceExits: 0 } });
  });

  it('says how long writes wait: to the next exit, to the kick, to the end', () => {
    const toExit = adviceOn([...repeated(20, () => [['out', 0x402, 0x41]]), 30 * MICROSECOND, ['in', 0x71, 0]]);
    expect(at(toExit.coalesce, 0x402).prediction).toMatchObject({
      longestWait: 50 * MICROSECOND,
      meanWait: 40.5 * MICROSECOND,
      kicks: 0,
    });
    const toKick = adviceOn([...repeated(20, () => [['out', 0x402, 0x41]]), 30 * MILLISECOND, ['in', 0x71, 0]]);
    expect(at(toKick.coalesce, 0x402).prediction).toMatchObject({ longestWait: 10 * MILLISECOND, kicks: 1 });
  });

  it('needs one region with what shows the writes on a PC', () => {
    const { coalesce } = adviceOn(
      repeated(20, (round) => [
        ['out', 0x3d4, round],
        ['in', 0x3d5, 0],
      ]),
    );
    expect(at(coalesce, 0x3d4)).toMatchObject({
      verdict: 'waits',
      declaration:
        "const ports = portRegion({ name: 'port-0x3d4', base: 0x3d4, size: 2 });\n@addCoalescedIo(ports, { offset: 0x0, size: 1 })",
    });
  });

  it('asks a modelled device for its own partner, by region, and runs it with that', () => {
    const { coalesce } = adviceOn(
      repeated(20, () => [
        ['out', 0x340, 2],
        ['in', 0x350, 2],
      ]),
      { ...isapc, devices: [...isapc.devices, use(Slate)] },
    );
    expect(at(coalesce, 0x340)).toMatchObject({ verdict: 'same', device: 'slate', region: 'slate', offset: 0 });
    expect(at(coalesce, 0x340).declaration).toBe(
      "// Slate ('slate'): 'ports' stands for its region 'slate'\n" +
        '@addCoalescedIo(ports, { offset: 0x0, size: 1 })\n' +
        "@flushCoalescedIo(slateBack) // its region 'slate-back'",
    );
  });

  it('is told where a write moved an interrupt line of its device', () => {
    const { coalesce } = adviceOn(
      repeated(20, (round) => [
        ['out', 0x300, round % 2],
        ['in', 0x71, 0],
      ]),
      withDoorbell,
    );
    expect(at(coalesce, 0x300)).toMatchObject({ verdict: 'differs' });
    expect(at(coalesce, 0x300).reasons[0]).toMatch(/'doorbell' 19 times/);
  });

  it('is told where a write moved a timer of the machine', () => {
    const periodic = [
      ['out', 0x70, 0x0b],
      ['out', 0x71, 0x42],
    ] as const;
    const { coalesce } = adviceOn(repeated(3, () => [...periodic, ['out', 0x71, 0x02]]));
    expect(at(coalesce, 0x71).reasons.length).toBeGreaterThan(0);
    expect(at(coalesce, 0x71).reasons[0]).toMatch(/ (once|\d times)/);
  });

  it("differs for the data port of the machine's own clock, by a script that the clock tells apart", () => {
    const { coalesce } = adviceOn(
      repeated(3, () => [
        ['out', 0x70, 0x0a],
        ['out', 0x71, 0x26],
      ]),
    );
    expect(at(coalesce, 0x71)).toMatchObject({ verdict: 'differs', declaration: '' });
    expect(at(coalesce, 0x71).check?.difference?.script).toContain('guest.out8(0x71, ');
  });

  it('is told where a write moved the memory map', () => {
    const shadow = (value: number) =>
      [
        ['out', 0xcf8, 0x8000_0058, 4],
        ['out', 0xcfd, value],
      ] as const;
    const { coalesce } = adviceOn([...shadow(0x30), ...shadow(0x00), ...shadow(0x00)], pcI440fx);
    expect(at(coalesce, 0xcfd).reasons[0]).toContain('2 times');
    const byByte = adviceOn(
      [
        ['out', 0xcf8, 0x8000_0058, 4],
        ['out', 0xcfc, 0x3000, 4],
        ['out', 0xcfe, 0],
      ],
      pcI440fx,
    );
    expect(at(byByte.coalesce, 0xcfe).reasons[0]).toContain(' once');
  });
});

const sheet = mmioRegion({ name: "sheet's\n", base: 0xfe00_0000, size: 0x1000, accessSizes: [4] });

/** A page of which a recording may write only what keeps. */
@device({ type: 'sheet', description: 'Two registers that keep, and one that is acknowledged' })
class Sheet extends SystemDevice {
  @sheet.register(0, { width: 32 }) first = 0;
  @sheet.register(4, { width: 32 }) second = 0;
  @sheet.register(0x100, { width: 32, access: 'write-one-to-clear' }) events = 0;
}

describe('a page of registers', () => {
  it('is unsound if one of them is cleared by a written one, written in this recording or not', () => {
    const { coalesce } = adviceOn(
      repeated(30, () => [
        ['store', 0xfe00_0000, 1, 4],
        ['store', 0xfe00_0004, 2, 4],
      ]),
      { ...isapc, devices: [...isapc.devices, use(Sheet)] },
    );
    const page = coalesce.find(({ size }) => size === 0x1000)!;
    expect(page).toMatchObject({ verdict: 'unsound', declaration: '' });
    expect(page.reasons[0]).toMatch(/ \(events\)$/);
    const register = coalesce.find(({ start, size }) => start === 0xfe00_0000 && size === 4)!;
    expect(register.verdict).toBe('same');
    // What is to be pasted stays one line of comment, whatever the region is called.
    expect(register.declaration.split('\n')).toEqual([
      "// Sheet ('sheet'): 'registers' stands for its region 'sheet's\\u000a'",
      '@addCoalescedIo(registers, { offset: 0x0, size: 4 })',
    ]);
  });

  it('is called by what the names of its registers have in common', () => {
    const { coalesce } = adviceOn(
      repeated(30, () => [
        ['store', 0xfee0_0380, 1, 4],
        ['store', 0xfee0_0280, 2, 4],
        ['store', 0xfee0_00b0, 0, 4],
      ]),
    );
    expect(at(coalesce, 0xfee0_0000)).toMatchObject({ what: 'local APIC', size: 4096 });
  });

  it('is tried register by register and whole', () => {
    const { coalesce } = adviceOn(
      repeated(30, () => [
        ['store', 0xe000_0010, 1, 4],
        ['store', 0xe000_0020, 2, 4],
        ['load', 0xe000_0030, 0, 4],
      ]),
    );
    expect(coalesce.map(({ start, size, saved }) => [start, size, saved])).toEqual([
      [0xe000_0000, 4096, 60],
      [0xe000_0010, 4, 30],
      [0xe000_0020, 4, 30],
    ]);
  });
});

describe('a write as a signal', () => {
  const rings = repeated(30, () => [['out', 0x1000, 7, 2], 100 * MICROSECOND] as const);

  it('is offered where one value goes to one place and is never read back', () => {
    const { ioeventfds } = adviceOn(rings);
    expect(ioeventfds).toHaveLength(1);
    expect(ioeventfds[0]).toMatchObject({
      match: 7,
      size: 2,
      saved: 30,
      verdict: 'not modelled',
      prediction: { signals: 30 },
    });
    expect(ioeventfds[0]!.declaration).toContain('addIoeventfd({ offset: 0x0, size: 2, match: 0x7, fd })');
  });

  it('is unsound where what is written is kept or shown, and where it must not come late', () => {
    const verdictAt = (port: number) => adviceOn(repeated(30, () => [['out', port, 7]])).ioeventfds[0]!;
    expect(verdictAt(0x3c8)).toMatchObject({ verdict: 'unsound' });
    expect(verdictAt(0x80)).toMatchObject({ verdict: 'unsound' });
    expect(verdictAt(0x1f7)).toMatchObject({ verdict: 'not modelled' });
    const text = formatAdvice(adviceOn(repeated(30, () => [['out', 0x80, 7]])), { rows: 5, explained: 1 });
    expect(text).not.toContain('addIoeventfd');
  });

  it('is not offered where widths or values differ, or where it is read back', () => {
    expect(adviceOn([...rings, ['out', 0x1000, 7, 1]]).ioeventfds).toEqual([]);
    expect(adviceOn(repeated(30, (round) => [['out', 0x1000, round, 2]])).ioeventfds).toEqual([]);
    expect(adviceOn([...rings, ['in', 0x1000, 0, 2]]).ioeventfds).toEqual([]);
  });
});

describe('a guest that writes everywhere', () => {
  it('has the busiest places tried, and is told how many were not', () => {
    const everywhere = Array.from({ length: 700 }, (_, index) => ['store', 0xe000_0000 + 4096 * index, 1, 4] as const);
    const advice = adviceOn([...everywhere, ['store', 0xe100_0000, 1, 4], ['store', 0xe100_0000, 2, 4]]);
    expect([advice.coalesce.length, advice.untried]).toEqual([512, 189]);
    expect(advice.coalesce[0]).toMatchObject({ start: 0xe100_0000, writes: 2 });
    expect(formatAdvice(advice, { rows: 5, explained: 1 })).toContain('189 places');
  });
});

describe('the reasons', () => {
  it('are in the words of the golden file', async () => {
    const suggestions = [
      written(0x320, withTypewriter),
      written(0x322, withTypewriter),
      written(0x300, withDoorbell),
      ...[0x20, 0x1000, 0x511, 0x3f8, 0x80, 0x92, 0x1f7, 0xcf9, 0x40, 0x402, 0x3c4, 0x3c9].map((port) => written(port)),
      ...adviceOn(repeated(30, () => [['out', 0x3c8, 7]])).ioeventfds,
    ];
    const lines = suggestions.flatMap(({ kind, start, verdict, reasons }) => [
      `${kind} port 0x${start.toString(16)}: ${verdict}`,
      ...reasons.map((reason) => `  ${reason}`),
    ]);
    const text = formatAdvice(adviceOn(repeated(20, () => [['out', 0x402, 1]])), { rows: 5, explained: 1 });
    await expect(`${lines.join('\n')}\n\n${text}\n`).toMatchFileSnapshot('advice.golden.txt');
  });
});

describe('the advice as text', () => {
  it('says that there is nothing to gain where there is nothing', () => {
    const text = formatAdvice(adviceOn([['in', 0x71, 0]]), { rows: 5, explained: 1 });
    expect(text).not.toMatch(/^ +\d+ {2}/m);
  });

  it('leaves columns out and breaks sentences where the terminal is narrow, and never what is to be pasted', () => {
    const many = adviceOn(
      repeated(20, () => [
        ['out', 0x402, 65],
        ['out', 0x3f8, 66],
        ['in', 0x9999, 0],
      ]),
    );
    const lines = (width?: number) => formatAdvice(many, { rows: 2, explained: 1, width }).split('\n');
    expect(lines().find((line) => line.includes('exits saved'))).toContain('mean wait');
    expect(lines(100).find((line) => line.includes('exits saved'))).not.toContain('mean wait');
    const prose = lines(80).filter((line) => !line.startsWith('     '));
    expect(prose.filter((line) => line.length > 80 && !/may wait, on a PC$|unsound$/.test(line))).toEqual([]);
    expect(lines(40).filter((line) => line.startsWith('     '))).toEqual(
      lines()
        .filter((line) => line.startsWith('     '))
        .map((line) => (line.includes('exits saved') ? expect.anything() : line)),
    );
    const asOneLine = (text: readonly string[]) => text.join(' ').replaceAll(/\s+/g, ' ');
    expect(asOneLine(lines(80))).toContain(asOneLine(lines().slice(-3)));
  });

  it('ranks, explains the first, and counts what it leaves out', () => {
    const many = repeated(20, () => [
      ['out', 0x1000, 1],
      ['out', 0x1010, 2, 2],
      ['out', 0x1020, 3, 4],
      ['in', 0x9999, 0],
    ]);
    const text = formatAdvice(adviceOn(many), { rows: 2, explained: 1 });
    expect(text).toMatch(/ 1 {2}port 0x1000 {2}not modelled/);
    expect(text).toContain('(1 more)');
    expect(text).toMatch(/^1\. port 0x1000 \(not modelled\): 20 of 20/m);
    expect(text).toContain('ports 0x1010-0x1011');
  });
});
