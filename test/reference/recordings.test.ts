import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { Interruption } from '../../sdk/accelerator/kvm/scheduled/kernel.ts';
import { TraceGuest } from '../../sdk/accelerator/trace/guest.ts';
import type { RecordedTrace } from '../../sdk/accelerator/trace/recorded-trace.ts';
import { readTrace } from '../../sdk/cli/replay/trace-file.ts';
import { KernelBench } from '../accelerator/kernel-bench.ts';

const None: readonly (readonly [number, number, number])[] = [];
const Qemu = [
  [0x70, 1, 1],
  [0xcf8, 1, 1],
  [0xcfa, 2, 1],
  [0xa0000, 0x20000, 0],
] as const;
const Whole = [
  [0x70, 1, 1],
  [0xcf8, 4, 1],
  [0xa0000, 0x20000, 0],
] as const;
const LongestWait = 10_000_000;

interface ReplayCounts {
  vmExits: number;
  exits: number;
  portExits: number;
  coalesced: number;
  ringFull: number;
  drains: number;
  left: number;
  kicks: number;
}

/** Replays a recording with the given zones and a userspace that does nothing but empty the ring at each return. */
function replay(
  trace: RecordedTrace,
  zones: readonly (readonly [number, number, number])[],
  only?: 'ports',
): ReplayCounts {
  const bench = new KernelBench();
  for (const [address, size, pio] of zones) expect(bench.zone(address, size, pio)).toBe(0);
  bench.attach(new TraceGuest(trace, only === undefined ? {} : { only }));
  bench.kernel.kickWhenQueuedFor(LongestWait);
  const [vcpu] = bench.vcpuFds;
  let drains = 0;
  let kicks = 0;
  while (true) {
    const interrupted = bench.run() !== 0;
    const why = bench.kernel.processor(vcpu!).interruption;
    const delivered = bench.ring.pending;
    while (!bench.ring.isEmpty) bench.ring.advance();
    if (!interrupted) drains += delivered > 0 ? 1 : 0;
    else if (why === Interruption.Queued) kicks++;
    else {
      expect(why).toBe(Interruption.GuestFinished);
      const { vmExits, userspaceExits, portUserspaceExits, coalescedWrites, ringFullExits } = bench.kernel.counts;
      return {
        vmExits,
        exits: userspaceExits,
        portExits: portUserspaceExits,
        coalesced: coalescedWrites,
        ringFull: ringFullExits,
        drains,
        left: delivered,
        kicks,
      };
    }
  }
}

describe.each([
  {
    recording: 'linux61-boot-rtc',
    accesses: 208_954,
    ports: 103_291,
    expected: [
      { exits: 208_954, portExits: 103_291, coalesced: 0, ringFull: 0, drains: 0, left: 0, kicks: 0 },
      { exits: 119_160, portExits: 98_356, coalesced: 89_794, ringFull: 498, drains: 5_540, left: 0, kicks: 1 },
      { exits: 114_753, portExits: 93_949, coalesced: 94_201, ringFull: 498, drains: 9_947, left: 0, kicks: 1 },
    ],
  },
  {
    recording: 'seabios-pc-tcg',
    accesses: 41_342,
    ports: 4_027,
    expected: [
      { exits: 41_342, portExits: 4_027, coalesced: 0, ringFull: 0, drains: 0, left: 0, kicks: 0 },
      { exits: 4_481, portExits: 4_002, coalesced: 36_861, ringFull: 216, drains: 430, left: 1, kicks: 0 },
      { exits: 4_098, portExits: 3_619, coalesced: 37_244, ringFull: 216, drains: 813, left: 1, kicks: 0 },
    ],
  },
])('the recording $recording, on the kernel alone', ({ recording, accesses, ports, expected }) => {
  let trace: RecordedTrace;
  beforeAll(async () => {
    trace = await readTrace(
      fileURLToPath(new URL(`../../examples/recordings/${recording}.iotrace.gz`, import.meta.url)),
    );
  });

  it.each([
    ['no zones', None, 0],
    ["QEMU's zones, cut at 0xcf9", Qemu, 1],
    ['0xcf8 whole', Whole, 2],
  ] as const)('%s', (_name, zones, row) => {
    expect(trace).toHaveLength(accesses);
    expect(replay(trace, zones)).toEqual({ vmExits: accesses, ...expected[row] });
  });

  it.each([
    ['no zones', None, 0],
    ["QEMU's zones, cut at 0xcf9", Qemu, 1],
    ['0xcf8 whole', Whole, 2],
  ] as const)('the same port exits, and no kick, with the memory accesses left out: %s', (_name, zones, row) => {
    const counts = replay(trace, zones, 'ports');
    const { portExits } = expected[row]!;
    expect(counts).toMatchObject({ vmExits: ports, exits: portExits, portExits, kicks: 0 });
  });
});
