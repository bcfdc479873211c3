import { describe, expect, it } from 'vitest';
import { Edu } from '../../devices/edu.ts';
import { pcI440fx } from '../../machines/index.ts';
import { TraceParser } from '../../sdk/accelerator/index.ts';
import { replayTrace } from '../../sdk/analysis/replay.ts';
import { defineMachine, MILLISECOND, SECOND, use } from '../../sdk/index.ts';
import { recordFunction } from '../../sdk/serve/recording.ts';
import { checkDevice } from '../../sdk/testing/index.ts';
import * as client from './client.ts';
import { ScriptedClient } from './scripted-client.ts';

const Bar = 0xe000_0000;
// The slot of a served device that is given none.
const edu = use(Edu, { addr: '05.0' });

/** A guest that finds the card, places it, and computes a factorial; `more` is what it does then. */
function recorded(more: (one: ScriptedClient) => void = () => {}): string {
  const one = new ScriptedClient(use(Edu)).attach();
  one.link.files.set(50, new Uint8Array(0x4000).fill(0x5a));
  one.ask(client.map(0n, 0x4000n), [50]);
  const lines: string[] = [];
  const end = recordFunction(one.served, { write: (line) => void lines.push(line) });
  one.ask(client.read(7, 0, 256));
  one.ask(client.read(7, 0, 4));
  one.ask(client.write(7, 0x10, Bar, 4));
  one.ask(client.write(7, 4, 6, 2));
  one.ask(client.write(0, 4, 0x1234_5678, 4));
  one.ask(client.read(0, 4, 4));
  one.ask(client.write(0, 0x20, 0x80, 4));
  one.ask(client.write(0, 8, 6, 4));
  one.ask(client.read(0, 0x20, 4));
  one.advance(2 * MILLISECOND);
  one.ask(client.read(0, 8, 4));
  one.ask(client.read(0, 0x24, 4));
  more(one);
  end();
  one.ask(client.read(0, 0, 4));
  return lines.join('');
}

const parsed = (text: string) => {
  const parser = new TraceParser('edu');
  parser.push(new TextEncoder().encode(text));
  return parser.end();
};

const machine = defineMachine({ ...pcI440fx, name: 'pc-with-edu', devices: [...pcI440fx.devices, edu] });

describe('a recording of a served device', () => {
  it('has absolute addresses, the registers of configuration space behind its ports, and where each BAR lay', () => {
    const lines = recorded().trim().split('\n');
    expect(lines.slice(0, 9).map((line) => line.replace(/^\d+ /, ''))).toEqual([
      '# iotrace v1',
      '# device: edu, addr=05.0',
      'PW cf8 4 80002800',
      'PR cfc 4 11e81234',
      'PW cf8 4 80002810',
      'PW cfc 4 e0000000',
      'PW cf8 4 80002804',
      'PW cfc 2 6',
      '# bar 0 memory 0xe0000000 1048576',
    ]);
    expect(lines[9]).toMatch(/^\d+ MW e0000004 4 12345678$/);
  });

  it('is replayed on a machine with the device in its slot, and all answers agree', () => {
    const { devices, unmodelled } = replayTrace(parsed(recorded()), { definition: machine });
    expect(unmodelled.memoryReads).toBe(0);
    expect(devices.find(({ device }) => device === 'edu')).toMatchObject({ reads: 4, agreed: 4, differed: 0 });
  });

  it('is one of the programs that the conformance suite does, with resets where the client made them', () => {
    const programs = [
      recorded(),
      recorded((one) => {
        one.ask(client.reset());
        one.ask(client.write(7, 0x10, Bar, 4));
        one.ask(client.write(7, 4, 6, 2));
        one.ask(client.read(0, 4, 4));
        one.ask(client.read(0, 8, 4));
      }),
    ];
    const recordings = programs.map((text, index) => ({
      name: `guest ${index}`,
      bytes: new TextEncoder().encode(text),
    }));
    expect(checkDevice(Edu, { recordings, runs: 1, hostileAccesses: 100, lint: 'off' })).toEqual([]);
  });

  it('has what the device read by DMA; a replay counts it, and does not make it', () => {
    const text = recorded((one) => {
      one.ask(client.write(0, 0x80, 0x1000n, 8));
      one.ask(client.write(0, 0x88, 0x4_0000n, 8));
      one.ask(client.write(0, 0x90, 4n, 8));
      one.ask(client.write(0, 0x98, 1n, 8));
      one.advance(1 * SECOND);
    });
    expect(text).toMatch(/^# dma \d+ 1000 5a5a5a5a$/m);
    const trace = parsed(text);
    expect(trace.transfers).toBe(1);
    expect(trace.header).toEqual(['device: edu, addr=05.0']);
    expect(parsed(recorded()).transfers).toBeUndefined();
  });

  it('says where a reset by the client was, and that no BAR is mapped then', () => {
    const text = recorded((one) => one.ask(client.reset()));
    expect(text).toMatch(/# reset \d+\n# bar 0 memory unmapped 1048576\n$/);
  });
});
