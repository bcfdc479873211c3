import { describe, expect, it } from 'vitest';
import { I8042 } from '../../devices/index.ts';
import { isapc } from '../../machines/index.ts';
import { ringBuffer } from '../../sdk/backend.ts';
import { MICROSECOND, MILLISECOND, use } from '../../sdk/index.ts';
import { Machine } from '../../sdk/runtime.ts';
import { testBench } from '../../sdk/testing/index.ts';

const Data = 0x60;
const Command = 0x64;
const Byte = 880 * MICROSECOND;
const OutputFull = 0x01;
const InputFull = 0x02;
const System = 0x04;
const Auxiliary = 0x20;
const TimeOut = 0x40;
const Translate = 0x40;

/** A guest that waits for each byte as long as a byte takes on the line. */
function board(options: { readonly instant?: boolean } = {}) {
  const bench = testBench(I8042, { options });
  const self = {
    bench,
    status: () => bench.in8(Command),
    command: (value: number, ...parameters: number[]) => {
      bench.out8(Command, value);
      for (const parameter of parameters) bench.out8(Data, parameter);
    },
    /** Everything that comes within so many milliseconds. */
    receive: (milliseconds = 20) => {
      const bytes: number[] = [];
      for (let waited = 0; waited < milliseconds; waited++) {
        if (self.status() & OutputFull) bytes.push(bench.in8(Data));
        bench.clock.advance(MILLISECOND);
      }
      return bytes;
    },
    /** Sends bytes to the keyboard, and answers what comes for each. */
    keyboard: (...bytes: number[]) =>
      bytes.map((byte) => {
        bench.out8(Data, byte);
        return self.receive();
      }),
    type: (text: string) => bench.backend('chardev').type(text),
    get pins() {
      return [bench.interrupts.irq.level, bench.interrupts.auxiliaryIrq.level];
    },
  };
  return self;
}

describe('8042', () => {
  it('answers its own commands, and shows the flag SYS once its self test has passed', () => {
    const chip = board();
    expect(chip.status()).toBe(0x10);
    chip.command(0xaa);
    expect([chip.status(), chip.receive(1), chip.status()]).toEqual([0x1d, [0x55], 0x1c]);
    const answers = [0xab, 0xa9, 0xc0, 0x20].map((command) => {
      chip.command(command);
      return chip.receive(1);
    });
    expect(answers).toEqual([[0x00], [0x00], [0x80], [0x07]]);
  });

  it('keeps the command byte, by its own commands and by those for one bit', () => {
    const chip = board();
    const modes = [[0x60, 0x45], [0xad], [0xa7], [0xae], [0xa8]].map(([command, ...parameters]) => {
      chip.command(command as number, ...(parameters as number[]));
      chip.command(0x20);
      return chip.receive(1)[0];
    });
    expect(modes).toEqual([0x45, 0x55, 0x75, 0x65, 0x45]);
    expect(chip.status() & System).toBe(System);
  });

  it('interrupts for each byte while the command byte enables it, on the line of its origin', () => {
    const chip = board();
    chip.command(0xd2, 0x11);
    expect([chip.pins, chip.status() & (OutputFull | Auxiliary)]).toEqual([[true, false], OutputFull]);
    expect(chip.bench.in8(Data)).toBe(0x11);
    expect(chip.pins).toEqual([false, false]);
    chip.command(0xd3, 0x22);
    expect([chip.pins, chip.status() & (OutputFull | Auxiliary)]).toEqual([[false, true], OutputFull | Auxiliary]);
    chip.command(0x60, 0x00);
    expect([chip.pins, chip.bench.in8(Data)]).toEqual([[false, false], 0x22]);
  });

  it('holds an answer back while the byte before has not been read', () => {
    const chip = board();
    chip.command(0xd2, 0x11);
    chip.command(0xaa);
    expect([chip.bench.in8(Data), chip.status() & OutputFull, chip.bench.in8(Data)]).toEqual([0x11, 1, 0x55]);
    expect([chip.status() & OutputFull, chip.bench.in8(Data)]).toEqual([0, 0x55]);
  });

  it('keeps the bit A20, by the output port and by commands of its own', () => {
    const chip = board();
    const ports = [[], [0xd1, 0xdd], [0xdf], [0xdd]].map(([command, ...parameters]) => {
      if (command !== undefined) chip.command(command, ...parameters);
      chip.command(0xd0);
      return chip.receive(1)[0];
    });
    expect(ports).toEqual([0xcf, 0xcd, 0xcf, 0xcd]);
  });

  it('shows its interrupts in the output port', () => {
    const chip = board();
    chip.command(0xd2, 0x11);
    chip.command(0xd0);
    expect([chip.bench.in8(Data), chip.bench.in8(Data)]).toEqual([0x11, 0xdf]);
  });

  it('resets the machine by a pulse of bit 0, and by bit 0 of the output port', () => {
    for (const [words, resets] of [
      [[0xfe], 1],
      [[0xf0], 1],
      [[0xff], 0],
      [[0xd1, 0xdf], 0],
      [[0xd1, 0xde], 1],
    ] as const) {
      const chip = board();
      const [command, ...parameters] = words;
      chip.command(command, ...parameters);
      expect(chip.bench.requestedResets).toHaveLength(resets);
    }
  });

  it('reports a time-out where no auxiliary device answers', () => {
    const chip = board();
    chip.command(0xd4, 0xff);
    chip.bench.clock.advance(14 * MILLISECOND);
    expect(chip.status() & (OutputFull | InputFull)).toBe(0);
    chip.bench.clock.advance(MILLISECOND);
    expect([chip.status() & 0x61, chip.pins, chip.bench.in8(Data)]).toEqual([0x61, [false, true], 0xfe]);
    chip.command(0xab);
    expect([chip.status() & TimeOut, chip.receive(1)]).toEqual([0, [0x00]]);
  });

  it('takes one byte more while one is on its way, and shows that its input buffer is full', () => {
    const chip = board();
    chip.bench.out8(Data, 0xee);
    expect(chip.status() & InputFull).toBe(0);
    chip.bench.out8(Command, 0xaa);
    expect(chip.status() & InputFull).toBe(InputFull);
    chip.bench.out8(Command, 0xab);
    expect(chip.bench.guestErrors).toHaveLength(1);
    chip.bench.clock.advance(Byte);
    expect([chip.status() & (InputFull | OutputFull), chip.receive()]).toEqual([OutputFull, [0x00, 0xee]]);
  });

  it('reports a command that does nothing', () => {
    const chip = board();
    chip.command(0x99);
    expect(chip.bench.guestErrors.map(({ message }) => message)).toEqual([
      'command 0x99 of the keyboard controller does nothing',
    ]);
  });
});

describe('the keyboard', () => {
  it('answers after the time of two bytes on its line', () => {
    const chip = board();
    chip.bench.out8(Data, 0xee);
    chip.bench.clock.advance(2 * Byte - 1);
    expect(chip.status() & OutputFull).toBe(0);
    chip.bench.clock.advance(1);
    expect([chip.status() & OutputFull, chip.bench.in8(Data)]).toEqual([OutputFull, 0xee]);
  });

  it('acknowledges its commands, with their parameters', () => {
    const chip = board();
    expect(chip.keyboard(0xed, 0x07, 0xf3, 0x20, 0xf4, 0xf5, 0xf6, 0xf2, 0xfa)).toEqual([
      ...[[0xfa], [0xfa], [0xfa], [0xfa], [0xfa], [0xfa], [0xfa]],
      ...[[0xfa, 0xab, 0x83], [0xfa]],
    ]);
  });

  it('asks for a byte again that is no command, or a parameter out of range', () => {
    expect(board().keyboard(0x12, 0xf0, 0x03)).toEqual([[0xfe], [0xfa], [0xfe]]);
  });

  it('takes a command where a parameter is due, and repeats its last byte', () => {
    const chip = board();
    expect(chip.keyboard(0xed, 0xf2, 0xfe)).toEqual([[0xfa], [0xfa, 0xab, 0x83], [0x83]]);
  });

  it('says that its self test has passed 300 ms after it has acknowledged the reset', () => {
    const chip = board();
    chip.bench.out8(Data, 0xff);
    expect([chip.receive(290), chip.receive(20)]).toEqual([[0xfa], [0xaa]]);
  });

  it('has the scan code sets 1 and 2', () => {
    const chip = board();
    expect(chip.keyboard(0xf0, 0x00)).toEqual([[0xfa], [0xfa, 0x02]]);
    chip.type('a');
    expect(chip.receive()).toEqual([0x1c, 0xf0, 0x1c]);
    expect(chip.keyboard(0xf0, 0x01)).toEqual([[0xfa], [0xfa]]);
    chip.type('a');
    expect(chip.receive()).toEqual([0x1e, 0x9e]);
  });

  it('is translated to set 1 by the controller, its identification and set included', () => {
    const chip = board();
    chip.command(0x60, Translate | 3);
    expect(chip.keyboard(0xf2, 0xf0, 0x00)).toEqual([[0xfa, 0xab, 0x41], [0xfa], [0xfa, 0x41]]);
    chip.type('A\r\x03\x1b');
    expect(chip.receive(40)).toEqual([0x2a, 0x1e, 0x9e, 0xaa, 0x1c, 0x9c, 0x1d, 0x2e, 0xae, 0x9d, 0x01, 0x81]);
  });

  it('makes keys of the escape sequences of a terminal', () => {
    const chip = board();
    chip.command(0x60, Translate | 3);
    chip.type('\x1b[A\x1bOB\x1b[3~');
    expect(chip.receive(40)).toEqual([0xe0, 0x48, 0xe0, 0xc8, 0xe0, 0x50, 0xe0, 0xd0, 0xe0, 0x53, 0xe0, 0xd3]);
    chip.type('\x1bx');
    expect(chip.receive()).toEqual([0x2d, 0xad]);
  });

  it.each([
    ['~', [0x2a, 0x29, 0xa9, 0xaa]],
    ['\\', [0x2b, 0xab]],
    ['"', [0x2a, 0x28, 0xa8, 0xaa]],
    [' ', [0x39, 0xb9]],
    ['0', [0x0b, 0x8b]],
    ['?', [0x2a, 0x35, 0xb5, 0xaa]],
    ['é', []],
  ])('types %j on a US keyboard', (text, codes) => {
    const chip = board();
    chip.command(0x60, Translate | 3);
    chip.type(text);
    expect(chip.receive()).toEqual(codes);
  });

  it('types one character after the other, and leaves the rest to the host while it is disabled', () => {
    const chip = board();
    chip.keyboard(0xf5);
    chip.type('ab');
    expect(chip.receive()).toEqual([]);
    expect(chip.keyboard(0xf4)).toEqual([[0xfa, 0x1c, 0xf0, 0x1c, 0x32, 0xf0, 0x32]]);
  });

  it('waits while its line is disabled, and a byte of the guest enables it', () => {
    const chip = board();
    chip.command(0xad);
    chip.type('a');
    expect(chip.receive()).toEqual([]);
    expect(chip.keyboard(0xee)).toEqual([[0xee, 0x1c, 0xf0, 0x1c]]);
  });

  it('interrupts anew for each byte, also where bytes take no time', () => {
    const chip = board({ instant: true });
    const levels: boolean[] = [];
    chip.bench.device.irq.observer = (level) => levels.push(level);
    chip.type('a');
    expect([0, 0, 0].map(() => chip.bench.in8(Data))).toEqual([0x1c, 0xf0, 0x1c]);
    expect(levels).toEqual([true, false, true, false, true, false]);
  });
});

describe('the keyboard of a machine', () => {
  const machine = { ...isapc, devices: [...isapc.devices, use(I8042, { options: { chardev: 'keys' } })] };
  const create = () => {
    const keys = ringBuffer({ id: 'keys' });
    return { keys, machine: Machine.create(machine, { backends: [keys] }) };
  };

  it('is in the reset that its guest asks for', () => {
    const { machine: built } = create();
    built.io.write(Command, 0xfe, 1);
    built.io.write(Command, 0x20, 1);
    built.settle();
    expect([built.io.read(Command, 1), built.device(I8042).irq.level]).toEqual([0x10, false]);
  });

  it('goes on from a snapshot between two bytes of a key', () => {
    const { keys, machine: left } = create();
    keys.send('A');
    while (left.inbox.deliver(0));
    left.clock.advanceTo(left.clock.now + Byte);
    expect(left.io.read(Data, 1)).toBe(0x12);
    left.clock.advanceTo(left.clock.now + Byte / 2);
    const right = Machine.restore(machine, left.save(), { backends: [ringBuffer({ id: 'keys' })] });
    const rest = (one: typeof left) =>
      Array.from({ length: 6 }, () => {
        one.clock.advanceTo(one.clock.now + Byte / 2);
        const before = one.io.read(Command, 1);
        one.clock.advanceTo(one.clock.now + Byte / 2);
        return [before, one.io.read(Command, 1), one.io.read(Data, 1)];
      });
    const expected = rest(left);
    expect(expected.map(([, , code]) => code)).toEqual([0x1c, 0xf0, 0x1c, 0xf0, 0x12, 0x12]);
    expect(rest(right)).toEqual(expected);
  });
});
