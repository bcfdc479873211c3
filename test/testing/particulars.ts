import type { ScriptStep } from '../../sdk/testing/conformance/guest-script.ts';
import type { ConformanceSettings } from '../../sdk/testing/index.ts';
import type { Random } from '../../sdk/testing/random.ts';
import { rtc } from '../conformance/rtc.ts';

/** By class name: what the declarations of our devices do not say, and what drivers do to them. */
export const particulars: Readonly<Record<string, ConformanceSettings>> = {
  // What it has printed is the host's.
  Debugcon: { scratch: ['printed', 'count'] },
  Edu: {
    computed: ['liveness', 'factorial', 'source', 'destination', 'count', 'command'],
    values: [0x40000, 0x40010, 16, 1, 3, 5, 7, 0x80, 0x100],
    idioms: eduTransfers,
  },
  I440fxPciHost: { survivesReset: ['configuration'] },
  I440fxPciHostOverlaid: { survivesReset: ['configuration'] },
  Ich9Lpc: { computed: ['resetControl'] },
  Mc146818Rtc: {
    survivesReset: ['index', 'ram', 'statusA', 'statusB', 'time', 'periodic'],
    scratch: ['time.calendar'],
    values: [0x00, 0x0a, 0x0b, 0x0c, 0x26],
    idioms: rtcIdioms,
  },
  Piix3: { computed: ['resetControl'] },
  Q35PciHost: { survivesReset: ['configuration'] },
  SerialPort: { computed: ['control.clearFifo'], values: [0x43, 0xc3], idioms: serialLoopback },
  VgaText: { survivesReset: ['view'] },
  VirtioRng: { computed: ['guestFeatures', 'queueSelect', 'queuePage', 'queueNotify', 'deviceStatus'] },
};

const Second = 1_000_000_000;

function write(space: 'ports' | 'memory', address: number, size: 1 | 4, value: number): ScriptStep {
  return { kind: 'write', space, address, size, value };
}

/** Memory to the card, and back to another place; now and then as much as the card holds, or one byte more. */
function eduTransfers(random: Random): readonly ScriptStep[] {
  const bar = 0xe000_0000;
  const count = random.pick([4, 64, random.below(0x1000), 0x1000, 0x1001]);
  const start = 0x4_0000 + random.pick([0, 0, random.below(0x1001)]);
  const transfer = (from: number, to: number, command: number): ScriptStep[] => [
    write('memory', bar + 0x80, 4, from),
    write('memory', bar + 0x88, 4, to),
    write('memory', bar + 0x90, 4, count),
    write('memory', bar + 0x98, 4, command | (random.oneIn(2) ? 4 : 0)),
    { kind: 'wait', nanoseconds: random.pick([Second / 10, Second]) },
    { kind: 'read', space: 'memory', address: bar + 0x24, size: 4 },
  ];
  const ram = random.below(0x800);
  const there = transfer(ram, start, 1);
  const back = transfer(start, 0x2000 + random.below(0x800), 3);
  return random.pick([there, back, [...there, ...back]]);
}

/** Characters come back, more of them than the buffer holds. */
function serialLoopback(random: Random): readonly ScriptStep[] {
  const ports = 0x2f0;
  const steps = [write('ports', ports + 3, 1, random.pick([0x43, 0xc3, 0x41])), write('ports', ports + 4, 1, 1)];
  for (let sent = random.below(20); sent > 0; sent--) {
    steps.push(write('ports', ports, 1, random.byte()), { kind: 'wait', nanoseconds: 20_000 });
  }
  for (let got = random.below(20); got > 0; got--)
    steps.push({ kind: 'read', space: 'ports', address: ports, size: 1 });
  return steps;
}

/** What the comparison with QEMU does to the chip: registers by index, the clock set as drivers do. */
function rtcIdioms(random: Random): readonly ScriptStep[] {
  const steps: ScriptStep[] = [];
  rtc.act(random, (...operations) => {
    for (const operation of operations) {
      if (operation.kind !== 'in' && operation.kind !== 'out') continue;
      const { port: address, size } = operation;
      if (operation.kind === 'in') steps.push({ kind: 'read', space: 'ports', address, size });
      else steps.push({ kind: 'write', space: 'ports', address, size, value: operation.value });
    }
  });
  return steps;
}
