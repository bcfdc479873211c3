import { defineMachine, device, IsaDevice, portRegion, use } from 'backplane';
import { empty, isapc } from 'backplane/machines';
import { describe, expect, it } from 'vitest';
import { type RecordedTrace, TraceParser } from '../../sdk/accelerator/index.ts';
import { replayTrace } from '../../sdk/analysis/replay.ts';
import { expectRefusal } from '../refusal.ts';

const ports = portRegion({ name: 'counter', base: 0x300, size: 1, accessSizes: [1] });

/** Counts its reads; its author forgot that a guest may read more than three times. */
@device({ type: 'counter', description: 'Counts up to three' })
class Counter extends IsaDevice {
  count = 0;

  @ports.read(0)
  next(): number {
    if (this.count === 3) throw new Error('three is the most that I can count to.');
    return ++this.count;
  }
}

const machine = defineMachine({ ...isapc, name: 'counting', devices: [...isapc.devices, use(Counter)] });

function recording(...lines: string[]): RecordedTrace {
  const parser = new TraceParser('notes');
  parser.push(new TextEncoder().encode(`# iotrace v1\n${lines.join('\n')}\n`));
  return parser.end();
}

describe('a replay', () => {
  it('says how far it came when a device fails half-way, and why', () => {
    const trace = recording(
      '0 PR 300 1 1',
      '1000 PR 300 1 2',
      '2000 PR 300 1 3',
      '2500000 PR 300 1 4',
      '3000000 PR 300 1 5',
    );
    const refusal = expectRefusal(
      () => replayTrace(trace, { definition: machine }),
      'replay-stopped',
      'notes',
      'counting',
      '3 of 5',
      '0.002500',
      'counter',
    );
    expect(refusal.cause).toMatchObject({ code: 'device-failure' });
  });

  it('compares what a device answers with what was recorded, and answers itself where there is none', () => {
    const trace = recording(
      '0 PR 300 1 1',
      '1000 PR 300 1 9',
      '2000 PR 301 1 5',
      '3000 PW 301 1 6',
      '4000 MR e0000000 4 7',
    );
    const { devices, unmodelled, statistics } = replayTrace(trace, { definition: machine });
    const counter = devices.find(({ device }) => device === 'counter');
    expect(counter).toMatchObject({ reads: 2, agreed: 1, differed: 1 });
    expect(counter?.examples).toMatchObject([{ address: 0x300, recorded: 9, answered: 2, position: 1 }]);
    expect(unmodelled).toEqual({ portReads: 1, portWrites: 1, memoryReads: 1, memoryWrites: 0 });
    expect(statistics.vmExits).toBe(5);
  });

  it('takes the time of the recording, and shows its progress up to the end', () => {
    const seen: [number, number][] = [];
    const trace = recording('0 PW 80 1 0', '7000000 PW 80 1 1');
    const { machine: replayed } = replayTrace(trace, { definition: empty, onProgress: (...step) => seen.push(step) });
    expect(replayed.clock.now).toBe(7_000_000);
    expect(seen).toEqual([[2, 2]]);
  });
});
