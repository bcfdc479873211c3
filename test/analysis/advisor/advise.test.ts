// @module-tag slow
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Debugcon } from '../../../devices/index.ts';
import { pcI440fx } from '../../../machines/index.ts';
import type { RecordedTrace } from '../../../sdk/accelerator/index.ts';
import { advise } from '../../../sdk/analysis/advisor/advise.ts';
import { withSuggestion } from '../../../sdk/analysis/advisor/changes.ts';
import type { Advice, Suggestion } from '../../../sdk/analysis/advisor/suggestion.ts';
import { lateEffects } from '../../../sdk/analysis/advisor/verdict.ts';
import { replayTrace } from '../../../sdk/analysis/replay.ts';
import { readTrace } from '../../../sdk/cli/replay/trace-file.ts';
import { MILLISECOND } from '../../../sdk/clock/index.ts';
import type { MachineDefinition } from '../../../sdk/machine/index.ts';
import { use } from '../../../sdk/machine/wiring.ts';
import { thoroughly } from '../../needs.ts';

const recordings = new Map<string, Promise<{ trace: RecordedTrace; advice: Advice }>>();

function advised(name: string) {
  let known = recordings.get(name);
  if (known === undefined) {
    const path = fileURLToPath(new URL(`../../../examples/recordings/${name}.iotrace.gz`, import.meta.url));
    known = readTrace(path, { name }).then((trace) => ({ trace, advice: advise(trace, { definition: pcI440fx }) }));
    recordings.set(name, known);
  }
  return known;
}

const counts = (trace: RecordedTrace, definition: MachineDefinition) => {
  const { userspaceExits, coalescedWrites, ringFullExits, kicks } = replayTrace(trace, { definition }).statistics;
  return { userspaceExits, coalescedWrites, ringFullExits, kicks };
};

const predicted = ({ prediction }: Suggestion) => {
  const { userspaceExits, coalescedWrites, ringFullExits, kicks } = prediction;
  return { userspaceExits, coalescedWrites, ringFullExits, kicks };
};

describe.each([
  { name: 'linux61-boot-rtc', exits: 114_753, best: ['0x402', '0x3c9', '0x3c8'], saved: [3_196, 1_630, 418] },
  { name: 'seabios-pc-tcg', exits: 4_098, best: ['0x3c9', '0x402', '0x3d4'], saved: [767, 711, 428] },
])('what coalescing more would save on $name', ({ name, exits, best, saved }) => {
  it('starts from what a replay really gives', async () => {
    const { trace, advice } = await advised(name);
    expect(advice.today.userspaceExits).toBe(exits);
    const { coalescedWrites, ringFullExits, kicks } = advice.today;
    expect(counts(trace, pcI440fx)).toEqual({ userspaceExits: exits, coalescedWrites, ringFullExits, kicks });
    // The advice is made here, on a busy machine with coverage too.
  });

  it('names the best three', async () => {
    const { advice } = await advised(name);
    const top = advice.coalesce.slice(0, 3);
    expect(top.map(({ start }) => `0x${start.toString(16)}`)).toEqual(best);
    expect(top.map((suggestion) => suggestion.saved)).toEqual(saved);
    expect(top.every(({ verdict }) => verdict === 'waits')).toBe(true);
  });

  it.each([0, 1, 2])(
    'and suggestion %i, carried out and replayed, gives exactly the predicted counts',
    async (rank) => {
      const { trace, advice } = await advised(name);
      const suggestion = advice.coalesce[rank]!;
      const replayed = counts(trace, withSuggestion(pcI440fx, suggestion));
      expect(replayed).toEqual(predicted(suggestion));
      expect(exits - replayed.userspaceExits).toBe(saved[rank]);
    },
  );
});

const port = ({ coalesce }: Advice, start: number) => coalesce.find((one) => one.isPort && one.start === start)!;

describe('the boot of SeaBIOS', () => {
  it('leads to the debug console at 0x402 by itself, which may wait on a PC', async () => {
    const { advice } = await advised('seabios-pc-tcg');
    const suggestion = port(advice, 0x402);
    expect(suggestion).toMatchObject({ verdict: 'waits', writes: 712, saved: 711 });
    expect(suggestion.prediction.longestWait).toBeLessThan(1 * MILLISECOND);
    expect(suggestion.declaration).toBe(
      "const ports = portRegion({ name: 'port-0x402', base: 0x402, size: 1 });\n@addCoalescedIo(ports, { offset: 0x0, size: 1 })",
    );
  });

  it('is what a debug console with a coalesced port makes of it, to the exit', async () => {
    const { trace, advice } = await advised('seabios-pc-tcg');
    const console402 = use(Debugcon, { options: { iobase: 0x402 } });
    const definition = { ...pcI440fx, devices: [...pcI440fx.devices, console402] };
    const replay = replayTrace(trace, { definition });
    const { userspaceExits } = replay.statistics;
    expect(userspaceExits).toBe(port(advice, 0x402).prediction.userspaceExits);
    expect(userspaceExits).toBe(4_098 - 711);
    const { text } = replay.machine.device(Debugcon);
    expect(text).toMatch(/^SeaBIOS \(version /);
    expect(text).toHaveLength(712);
    expect(text.trimEnd().split('\n').at(-1)).toBe('set VGA mode 3');
  });

  it("cannot help 0xcf8 where QEMU's overlay splits it, and says how many writes that concerns", async () => {
    const { trace } = await advised('seabios-pc-tcg');
    const advice = advise(trace, { definition: pcI440fx, request: { options: { resetControl: 'overlay' } } });
    expect(advice.unreachable).toBe(383);
    expect(advice.coalesce.filter(({ start }) => start === 0xcf8)).toEqual([]);
  });

  it('warns of the ports where a late write would be noticed', async () => {
    const { advice } = await advised('seabios-pc-tcg');
    expect(port(advice, 0xcfc)).toMatchObject({ verdict: 'unsound', device: 'pci-host', saved: 109 });
    expect(port(advice, 0xcfc).reasons[0]).toContain('6 times');
    expect(port(advice, 0x21).reasons[0]).toContain("'pic'");
    expect(port(advice, 0x64).verdict).toBe('unsound');
  });
});

describe('the boot of Linux', () => {
  it.each([0x3f8, 0x3f9])(
    'calls port %i of the serial port unsound, since its interrupt is seen to move',
    async (at) => {
      const { advice } = await advised('linux61-boot-rtc');
      expect(port(advice, at)).toMatchObject({ verdict: 'unsound', device: 'com1' });
      expect(port(advice, at).reasons[0]).toContain("an interrupt line of 'com1'");
    },
  );

  it.each([
    ['0x3c2', 'map'],
    ['0x3c4', 'map', 'VGA sequencer data'],
    ['0x1cf', 'map'],
    ['0xf0', 'interrupts'],
    ['0x7e', 'work'],
    ['0x604', 'reset'],
  ] as const)('calls port %s unsound, by its datasheet: %s', async (port, effect, name?: string) => {
    const { advice } = await advised('linux61-boot-rtc');
    const suggestion = advice.coalesce.find(({ isPort, start }) => isPort && start === Number(port))!;
    expect(suggestion).toMatchObject({ verdict: 'unsound' });
    expect(suggestion.reasons.join('\n')).toContain(lateEffects[effect]);
    expect(suggestion.reasons.join('\n')).toContain(name ?? '');
  });

  it('calls port 0xcfd unsound, by what the machine that has it did in the replay', async () => {
    const { advice } = await advised('linux61-boot-rtc');
    const suggestion = advice.coalesce.find(({ isPort, start }) => isPort && start === 0xcfd)!;
    expect(suggestion).toMatchObject({ verdict: 'unsound' });
    expect(suggestion.reasons).toEqual([expect.stringContaining('4 times')]);
  });

  it("leaves the data port of the machine's own clock to a run of the device", async () => {
    const { advice } = await advised('linux61-boot-rtc');
    const suggestion = advice.coalesce.find(({ isPort, start }) => isPort && start === 0x71)!;
    expect(suggestion).toMatchObject({ verdict: 'not checked' });
  });

  it.each([
    [true, '0x3c8', { base: '0x3c6', size: 4, offset: '0x2' }],
    [true, '0x3c9', { base: '0x3c6', size: 4, offset: '0x3' }],
    [true, '0x510', { base: '0x510', size: 2, offset: '0x0' }],
    [true, '0x1f2', { base: '0x1f0', size: 8, offset: '0x2' }],
    [false, '0xfec00000', { base: '0xfec00000', size: '0x14', offset: '0x0' }],
  ])(
    'lets an index or a parameter wait (ports: %j, %i) in one region with what shows it',
    async (ports, start, told) => {
      const { advice } = await advised('linux61-boot-rtc');
      const suggestion = advice.coalesce.find((one) => one.isPort === ports && one.start === Number(start))!;
      expect(suggestion).toMatchObject({ verdict: 'waits' });
      expect(suggestion.declaration).toContain(`base: ${told.base}, size: ${told.size} });`);
      expect(suggestion.declaration).toContain(`{ offset: ${told.offset}, size:`);
    },
  );

  it('has no port of a PC of which nothing is known', async () => {
    const { advice } = await advised('linux61-boot-rtc');
    expect(advice.coalesce.filter(({ verdict }) => verdict === 'not modelled')).toEqual([]);
  });

  it('offers the acknowledgements of the local APIC as a signal, calls that unsound, and predicts it exactly', async () => {
    const { trace, advice } = await advised('linux61-boot-rtc');
    const [acknowledge] = advice.ioeventfds;
    expect(acknowledge).toMatchObject({
      start: 0xfee0_00b0,
      match: 0,
      writes: 2_255,
      saved: 2_255,
      verdict: 'unsound',
    });
    const replayed = counts(trace, withSuggestion(pcI440fx, acknowledge!));
    expect(replayed).toEqual(predicted(acknowledge!));
  });

  it(
    "cannot help 0xcf8 where QEMU's overlay splits it, and says how many writes that concerns",
    thoroughly,
    async () => {
      const { trace } = await advised('linux61-boot-rtc');
      const advice = advise(trace, { definition: pcI440fx, request: { options: { resetControl: 'overlay' } } });
      expect(advice.unreachable).toBe(4_407);
      expect(advice.coalesce.filter(({ start }) => start === 0xcf8)).toEqual([]);
    },
  );
});
