import { TraceParser } from '../../sdk/accelerator/index.ts';
import { recordRun } from '../../sdk/recording/recorder.ts';
import { replayRun } from '../../sdk/recording/replay.ts';
import { guestProgram, Machine } from '../../sdk/runtime.ts';
import { goldenMessages } from '../golden-messages.ts';
import { empty, isapc } from '../small-machines.ts';

const program = guestProgram('guest', function* (guest) {
  yield* guest.out8(0x80, 1);
});

const record = (): string => {
  const machine = Machine.create(empty);
  const lines: string[] = [];
  const recording = recordRun(machine, program, { write: (line) => lines.push(line) });
  recording.end(machine.run(recording.guests));
  return lines.join('');
};

const replay = (text: string, definition = empty) => {
  const parser = new TraceParser('run');
  parser.push(new TextEncoder().encode(text));
  return replayRun(parser.end(), { definition });
};

goldenMessages('recording', {
  'guest-not-recordable': () =>
    recordRun(Machine.create(empty), { name: 'other', next: () => false, interrupt() {} }, { write() {} }),
  'machine-not-recordable': () => {
    const machine = Machine.create(empty);
    machine.run(program);
    recordRun(machine, program, { write() {} });
  },
  'recording-header-damaged': () => replay(record().replace('"processors":1', '"processors":"one","extra":1')),
  'recording-line-damaged': () => replay(`${record().replace(/# end.*\n/, '')}9999999 IN 1 receive serial0 68\n`),
  'recording-of-another-machine': () => replay(record(), isapc),
});
