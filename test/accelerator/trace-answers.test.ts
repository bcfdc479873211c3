import { describe, expect, it } from 'vitest';
import { type ConditionalModel, TraceAnswers } from '../../sdk/accelerator/index.ts';
import { TraceGuest } from '../../sdk/accelerator/trace/guest.ts';
import { TraceParser } from '../../sdk/accelerator/trace/parser.ts';
import { plainPort, type SmallDevice, SmallMachine } from './small-machine.ts';

function traceOf(lines: readonly string[]): TraceGuest {
  const parser = new TraceParser('test', 1 << 20);
  const text = lines.map((line, index) => `${index * 1000} ${line}\n`).join('');
  parser.push(new TextEncoder().encode(`# iotrace v1\n${text}`));
  return new TraceGuest(parser.end());
}

function replay(
  lines: readonly string[],
  devices: readonly SmallDevice[],
  conditional: readonly ConditionalModel[] = [],
) {
  const guest = traceOf(lines);
  let answers: TraceAnswers | undefined;
  const machine = new SmallMachine(devices, {
    ram: 0,
    intercept: (access, host) => {
      answers = new TraceAnswers(access, host, guest, conditional);
      return answers;
    },
  });
  machine.accelerator.load([guest]);
  machine.accelerator.run();
  return { machine, answers: answers! };
}

describe('a recording under replay', () => {
  it('answers for what no device claims and counts it apart, reads and writes, ports and memory', () => {
    const { machine, answers } = replay(
      [
        'PR 92 1 2',
        'PW 92 1 3',
        'MR fee00030 4 50014',
        'MW fee00080 4 0',
        'MR fee00000 8 1122334455667788',
        'PR 80 1 0',
      ],
      [plainPort()],
    );
    expect(answers.unmodelled).toEqual({ portReads: 1, portWrites: 1, memoryReads: 2, memoryWrites: 1 });
    expect(machine.seen).toEqual(['in 0x80']);
    expect(machine.accelerator.statistics.userspaceExits).toBe(6);
  });

  it('compares what a device answers with what was recorded, per device, with examples', () => {
    const clock: SmallDevice = { name: 'clock', at: 0x70, size: 2, read: (offset) => (offset === 1 ? 0x26 : 0xff) };
    const wide: SmallDevice = { name: 'wide', at: 0xd0000, size: 16, space: 'memory', read: () => 7 };
    const { answers } = replay(
      ['PR 71 1 26', 'PR 71 1 80', 'PR 70 1 ff', 'MR d0000 8 7', 'MR d0000 8 8', 'MR d0004 4 7'],
      [clock, wide],
    );
    expect(answers.devices).toEqual([
      {
        device: 'clock',
        reads: 3,
        agreed: 2,
        differed: 1,
        examples: [{ isPort: true, address: 0x71, size: 1, recorded: 0x80, answered: 0x26, position: 1 }],
      },
      {
        device: 'wide',
        reads: 3,
        agreed: 2,
        differed: 1,
        examples: [{ isPort: false, address: 0xd0000, size: 8, recorded: 8, answered: 7, position: 4 }],
      },
    ]);
    expect(answers.unmodelled).toEqual({ portReads: 0, portWrites: 0, memoryReads: 0, memoryWrites: 0 });
  });

  it('asks at each access who answers where that changes: a configuration port whose function may be absent', () => {
    let selected = 0;
    const devices: SmallDevice[] = [
      {
        name: 'host bridge',
        at: 0xcf8,
        size: 8,
        read: () => 0x12378086,
        write: (value, offset) => {
          if (offset === 0) selected = value;
        },
      },
    ];
    const dataPort: ConditionalModel = {
      isPort: true,
      address: 0xcfc,
      size: 4,
      device: () => (selected === 0x80000000 ? 'i440fx' : undefined),
    };
    const { machine, answers } = replay(
      [
        'PW cf8 4 80000000',
        'PR cfc 4 12378086',
        'PW cf8 4 80001800',
        'PR cfc 4 100e8086',
        'PW cfc 4 0',
        'PR cf8 4 12378086',
      ],
      devices,
      [dataPort],
    );
    expect(answers.devices.map(({ device, reads, agreed }) => ({ device, reads, agreed }))).toEqual([
      { device: 'host bridge', reads: 1, agreed: 1 },
      { device: 'i440fx', reads: 1, agreed: 1 },
    ]);
    expect(answers.unmodelled).toMatchObject({ portReads: 1, portWrites: 1 });
    // A write is handed over all the same: the bridge itself knows what an absent function does with it.
    expect(machine.seen.filter((line) => line.startsWith('out'))).toHaveLength(3);
  });

  it('lets memory be answered conditionally too, and its neighbours in the same region by their device', () => {
    const wide: SmallDevice = { name: 'wide', at: 0xd0000, size: 16, space: 'memory', read: () => 7 };
    const hole: ConditionalModel = { isPort: false, address: 0xd0004, size: 4, device: () => undefined };
    const { answers } = replay(['MR d0000 4 7', 'MR d0004 4 9', 'MR d0008 4 7', 'MW d0004 4 1'], [wide], [hole]);
    expect(answers.unmodelled).toEqual({ portReads: 0, portWrites: 0, memoryReads: 1, memoryWrites: 1 });
    expect(answers.devices).toMatchObject([{ device: 'wide', reads: 2, differed: 0 }]);
  });

  it('finds out anew who answers when the map changes under it', () => {
    const devices: SmallDevice[] = [
      {
        name: 'switch',
        at: 0x90,
        size: 1,
        write: (value) =>
          machine()
            .regions.get('late')!
            .setEnabled(value === 1),
      },
      { name: 'late', at: 0x94, size: 1, read: () => 5 },
    ];
    let current: SmallMachine | undefined;
    const machine = () => current!;
    const guest = traceOf(['PR 94 1 5', 'PW 90 1 0', 'PR 94 1 9', 'PW 90 1 1', 'PR 94 1 5']);
    let answers: TraceAnswers | undefined;
    current = new SmallMachine(devices, {
      intercept: (access, host) => {
        answers = new TraceAnswers(access, host, guest);
        return answers;
      },
    });
    current.accelerator.load([guest]);
    current.accelerator.run();
    expect(answers!.devices).toMatchObject([{ device: 'late', reads: 2, agreed: 2 }]);
    expect(answers!.unmodelled.portReads).toBe(1);
    answers!.detach();
  });
});
