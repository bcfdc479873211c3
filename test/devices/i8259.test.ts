import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { I8259 } from '../../devices/i8259.ts';
import { type TestBench, testBench } from '../../sdk/testing/index.ts';
import { NaivePicPair } from './pic-model.ts';

type PicBench = TestBench<I8259>;

const Master = 0x20;
const Slave = 0xa0;

/** Both PICs as a PC's firmware leaves them: vectors 8 and 0x70, cascade on 2, everything unmasked. */
function pics(icw4 = 0x01, options: { ltim?: boolean } = {}, icw1 = 0x11): PicBench {
  const bench = testBench(I8259, { options });
  initialize(bench, Master, icw1, 0x08, 0x04, icw4);
  initialize(bench, Slave, icw1, 0x70, 0x02, icw4);
  return bench;
}

function initialize(bench: PicBench, port: number, icw1: number, ...words: readonly number[]): void {
  bench.out8(port, icw1);
  for (const word of words) bench.out8(port + 1, word);
}

/** Input 2 of the master has no pin: what stands for its slave drives it here. */
function drive(bench: PicBench, line: number, level: boolean): void {
  if (line === 2) bench.device.master.setInput(2, level);
  else bench.setPin(`line[${line}]`, level);
}

function edge(bench: PicBench, line: number): void {
  drive(bench, line, false);
  drive(bench, line, true);
}

const requests = (bench: PicBench, port = Master): number => {
  bench.out8(port, 0x0a);
  return bench.in8(port);
};

const inService = (bench: PicBench, port = Master): number => {
  bench.out8(port, 0x0b);
  return bench.in8(port);
};

describe('the PICs at power-on', () => {
  it('mask nothing, ask for nothing and take every input for an edge', () => {
    const bench = testBench(I8259);
    expect([0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1].map((port) => bench.in8(port))).toEqual([0, 0, 0, 0, 0, 0]);
    expect(bench.device.pending).toBe(false);
  });
});

describe('an interrupt', () => {
  it('goes to the processor with the vector of its input, and is in service until its end', () => {
    const bench = pics();
    edge(bench, 4);
    expect(bench.interrupts.interrupt.level).toBe(true);
    expect(requests(bench)).toBe(0x10);
    expect(bench.device.acknowledge()).toBe(0x0c);
    expect(bench.interrupts.interrupt.level).toBe(false);
    expect([requests(bench), inService(bench)]).toEqual([0, 0x10]);
    bench.out8(0x20, 0x20);
    expect(inService(bench)).toBe(0);
  });

  it('of the slave goes through input 2 of the master, and is in service in both', () => {
    const bench = pics();
    edge(bench, 8);
    expect([requests(bench), requests(bench, Slave)]).toEqual([0x04, 0x01]);
    expect(bench.device.acknowledge()).toBe(0x70);
    expect([inService(bench), inService(bench, Slave)]).toEqual([0x04, 0x01]);
    bench.out8(0xa0, 0x20);
    bench.out8(0x20, 0x20);
    expect([inService(bench), inService(bench, Slave)]).toEqual([0, 0]);
  });

  it('arrives on sixteen pins, of which number 2 leads nowhere', () => {
    const bench = testBench(I8259);
    bench.setPin('line[2]', true);
    expect(bench.device.pending).toBe(false);
    bench.setPin('line[1]', true);
    bench.setPin('line[14]', true);
    expect([requests(bench), requests(bench, Slave)]).toEqual([0x06, 0x40]);
  });

  it('that is masked waits, and comes when it is unmasked', () => {
    const bench = pics();
    bench.out8(0x21, 0x10);
    edge(bench, 4);
    expect(bench.device.pending).toBe(false);
    expect(requests(bench)).toBe(0x10);
    bench.out8(0x21, 0x00);
    expect(bench.device.pending).toBe(true);
    expect(bench.in8(0x21)).toBe(0);
  });

  it('of a lower input waits for the one in service; a higher one does not', () => {
    const bench = pics();
    edge(bench, 4);
    bench.device.acknowledge();
    edge(bench, 5);
    expect(bench.device.pending).toBe(false);
    edge(bench, 3);
    expect(bench.device.acknowledge()).toBe(0x0b);
    bench.out8(0x20, 0x20);
    expect(inService(bench)).toBe(0x10);
    bench.out8(0x20, 0x20);
    expect(bench.device.acknowledge()).toBe(0x0d);
  });

  it('that is gone before the processor asks has the spurious vector, and nothing is in service', () => {
    const bench = pics();
    bench.out8(0x4d0, 0x20);
    bench.setPin('line[5]', true);
    bench.setPin('line[5]', false);
    expect(bench.device.acknowledge()).toBe(0x0f);
    expect(inService(bench)).toBe(0);
  });

  it('by an edge is gone too when its line falls before the processor asks: the default IR7', () => {
    const bench = pics();
    bench.setPin('line[3]', true);
    expect(bench.interrupts.interrupt.level).toBe(true);
    bench.setPin('line[3]', false);
    expect(bench.interrupts.interrupt.level).toBe(false);
    expect(bench.device.acknowledge()).toBe(0x0f);
    expect([requests(bench), inService(bench)]).toEqual([0, 0]);
  });

  it('that is gone from the slave is gone from the master too', () => {
    const bench = pics();
    edge(bench, 12);
    bench.out8(0xa1, 0xff);
    expect(bench.interrupts.interrupt.level).toBe(false);
    expect(bench.device.acknowledge()).toBe(0x0f);
    expect([inService(bench), inService(bench, Slave)]).toEqual([0, 0]);
  });

  it('that goes from the slave while the master is frozen has the spurious vector of the slave, and input 2 is in service', () => {
    const bench = pics();
    edge(bench, 12);
    bench.out8(0x20, 0x0c);
    bench.setPin('line[12]', false);
    expect(bench.interrupts.interrupt.level).toBe(true);
    expect(bench.device.acknowledge()).toBe(0x77);
    expect(bench.in8(0x20)).toBe(0);
    expect([inService(bench), inService(bench, Slave)]).toEqual([0x04, 0]);
  });
});

describe('edges and levels', () => {
  it('an edge is requested until it is acknowledged or its line falls, and a high line asks once', () => {
    const bench = pics();
    bench.setPin('line[3]', true);
    expect(requests(bench)).toBe(0x08);
    bench.setPin('line[3]', false);
    expect(requests(bench)).toBe(0);
    bench.setPin('line[3]', true);
    bench.device.acknowledge();
    bench.out8(0x20, 0x20);
    bench.setPin('line[3]', true);
    expect(requests(bench)).toBe(0);
    edge(bench, 3);
    expect(requests(bench)).toBe(0x08);
  });

  it('a line that is high asks as soon as its register says that it is a level, and stops when it is an edge again', () => {
    const bench = pics();
    edge(bench, 11);
    bench.device.acknowledge();
    bench.out8(0xa0, 0x20);
    bench.out8(0x20, 0x20);
    expect(bench.interrupts.interrupt.level).toBe(false);
    bench.out8(0x4d1, 0x08);
    expect(requests(bench, Slave)).toBe(0x08);
    expect(bench.interrupts.interrupt.level).toBe(true);
    bench.out8(0x4d1, 0x00);
    expect(requests(bench, Slave)).toBe(0);
    expect(bench.interrupts.interrupt.level).toBe(false);
  });

  it('a level is requested while the line is high, acknowledged or not', () => {
    const bench = pics();
    bench.out8(0x4d1, 0x08);
    bench.setPin('line[11]', true);
    expect(bench.device.acknowledge()).toBe(0x73);
    expect(requests(bench, Slave)).toBe(0x08);
    bench.setPin('line[11]', false);
    expect(requests(bench, Slave)).toBe(0);
  });

  it('the lines of timer, keyboard, cascade, clock and coprocessor cannot be levels', () => {
    const bench = pics();
    bench.out8(0x4d0, 0xff);
    bench.out8(0x4d1, 0xff);
    expect([bench.in8(0x4d0), bench.in8(0x4d1)]).toEqual([0xf8, 0xde]);
  });

  it('a 16-bit access at 0x4d0 stays with the first register, byte after byte', () => {
    const bench = pics();
    bench.out16(0x4d0, 0xaaff);
    expect([bench.in8(0x4d0), bench.in8(0x4d1)]).toEqual([0xa8, 0x00]);
    expect(bench.in16(0x4d0)).toBe(0xa8a8);
  });

  it('the level bit of ICW1 means nothing in a PIIX3, and everything on a chip of its own', () => {
    for (const ltim of [false, true]) {
      const bench = pics(0x01, { ltim }, 0x19);
      bench.setPin('line[3]', true);
      bench.device.acknowledge();
      expect(requests(bench)).toBe(ltim ? 0x08 : 0);
    }
  });
});

describe('initialization', () => {
  it('forgets masks, services and edges, keeps level requests and the ELCR', () => {
    const bench = pics();
    bench.out8(0x4d0, 0x80);
    bench.setPin('line[7]', true);
    edge(bench, 4);
    edge(bench, 1);
    bench.device.acknowledge();
    bench.out8(0x21, 0x55);
    bench.out8(0x20, 0x11);
    expect([requests(bench), inService(bench), bench.in8(0x21), bench.in8(0x4d0)]).toEqual([0x80, 0, 0, 0x80]);
  });

  it('resets the edge sense: a line that is high has to fall before it is an edge', () => {
    const bench = pics();
    bench.setPin('line[4]', true);
    bench.out8(0x20, 0x11);
    expect(requests(bench)).toBe(0);
    bench.setPin('line[4]', true);
    expect(requests(bench)).toBe(0);
    edge(bench, 4);
    expect(requests(bench)).toBe(0x10);
  });

  it('clears special mask mode and the choice of the register to be read', () => {
    const bench = pics();
    bench.out8(0x20, 0x6b);
    initialize(bench, Master, 0x11, 0x08, 0x04, 0x01);
    edge(bench, 4);
    expect(bench.in8(0x20)).toBe(0x10);
    bench.device.acknowledge();
    bench.out8(0x21, 0x10);
    edge(bench, 5);
    expect(bench.device.pending).toBe(false);
  });

  it('without ICW4 leaves special fully nested mode and automatic ends off', () => {
    const bench = pics(0x13);
    initialize(bench, Master, 0x10, 0x08, 0x04);
    edge(bench, 12);
    expect(bench.device.acknowledge()).toBe(0x74);
    expect(inService(bench)).toBe(0x04);
    edge(bench, 8);
    expect(bench.device.pending).toBe(false);
  });

  it('tells the master by ICW3 where a slave is: at other inputs, and alone, it brings the vector itself', () => {
    for (const [icw1, icw3] of [
      [0x11, [0x00]],
      [0x13, []],
    ] as const) {
      const bench = pics();
      initialize(bench, Master, icw1, 0x08, ...icw3, 0x01);
      edge(bench, 12);
      expect(bench.device.acknowledge()).toBe(0x0a);
      expect([inService(bench), inService(bench, Slave)]).toEqual([0x04, 0]);
    }
  });

  it('tells the slave by ICW3 which number it answers to; no chip drives the bus for another', () => {
    const bench = pics();
    initialize(bench, Slave, 0x11, 0x70, 0x03, 0x01);
    edge(bench, 12);
    expect(bench.device.acknowledge()).toBe(0xff);
    expect([inService(bench), inService(bench, Slave)]).toEqual([0x04, 0]);
  });

  it('takes as many words as ICW1 says, then data is the mask again', () => {
    const bench = testBench(I8259);
    initialize(bench, Master, 0x11, 0x08, 0x04, 0x01, 0xa5);
    expect(bench.in8(0x21)).toBe(0xa5);
    initialize(bench, Master, 0x10, 0x08, 0x04, 0xa6);
    expect(bench.in8(0x21)).toBe(0xa6);
    initialize(bench, Master, 0x13, 0x08, 0x03, 0xa7);
    expect(bench.in8(0x21)).toBe(0xa7);
    initialize(bench, Master, 0x12, 0x08, 0xa8);
    expect(bench.in8(0x21)).toBe(0xa8);
  });

  it('in one 32-bit write is command, data, data, data', () => {
    const bench = testBench(I8259);
    bench.out32(0x20, 0x01_04_38_11);
    bench.out8(0x21, 0xa5);
    expect([bench.in8(0x21), bench.device.master.vectorBase]).toEqual([0xa5, 0x38]);
    expect(bench.in32(0x20)).toBe(0xa5a5a500);
  });

  it('leaves nothing of a rotation, of automatic ends, or of a poll', () => {
    const bench = pics(0x03);
    bench.out8(0x20, 0xc4);
    bench.out8(0x20, 0x0c);
    initialize(bench, Master, 0x11, 0x08, 0x04, 0x01);
    edge(bench, 5);
    edge(bench, 0);
    expect(bench.in8(0x20)).toBe(0x21);
    expect(bench.device.acknowledge()).toBe(0x08);
    expect(inService(bench)).toBe(0x01);
  });
});

describe('priorities', () => {
  it('rotate with the end of an interrupt: who was served goes last', () => {
    const bench = pics();
    edge(bench, 4);
    bench.device.acknowledge();
    bench.out8(0x20, 0xa0);
    edge(bench, 4);
    edge(bench, 5);
    expect(bench.device.acknowledge()).toBe(0x0d);
  });

  it('are set by naming who goes last', () => {
    const bench = pics();
    bench.out8(0x20, 0xc0 | 6);
    edge(bench, 0);
    edge(bench, 7);
    expect(bench.device.acknowledge()).toBe(0x0f);
    expect(inService(bench)).toBe(0x80);
  });

  it('end by name, whatever is first', () => {
    const bench = pics();
    edge(bench, 4);
    bench.device.acknowledge();
    edge(bench, 3);
    bench.device.acknowledge();
    bench.out8(0x20, 0x60 | 4);
    expect(inService(bench)).toBe(0x08);
    bench.out8(0x20, 0xe0 | 3);
    edge(bench, 3);
    edge(bench, 4);
    expect(bench.device.acknowledge()).toBe(0x0c);
  });

  it('with automatic end nothing is ever in service, and rotate only if told', () => {
    const bench = pics(0x03);
    edge(bench, 0);
    edge(bench, 1);
    expect(bench.device.acknowledge()).toBe(0x08);
    expect(inService(bench)).toBe(0);
    bench.out8(0x20, 0x80);
    expect(bench.device.acknowledge()).toBe(0x09);
    edge(bench, 1);
    edge(bench, 2);
    expect(bench.device.acknowledge()).toBe(0x77);
    bench.out8(0x20, 0x00);
    edge(bench, 1);
    edge(bench, 3);
    expect(bench.device.acknowledge()).toBe(0x0b);
  });

  it('in special mask mode a masked interrupt in service blocks no other', () => {
    const bench = pics();
    edge(bench, 1);
    bench.device.acknowledge();
    edge(bench, 4);
    bench.out8(0x21, 0x02);
    expect(bench.device.pending).toBe(false);
    bench.out8(0x20, 0x68);
    expect(bench.interrupts.interrupt.level).toBe(true);
    expect(bench.device.acknowledge()).toBe(0x0c);
    bench.out8(0x20, 0x48);
    edge(bench, 5);
    expect(bench.device.pending).toBe(false);
  });

  it('special mask mode at the slave raises its INT at once, and the pin if the master lets the slave through', () => {
    for (const [icw4, ended, pin] of [
      [0x01, false, false],
      [0x01, true, true],
      [0x11, false, true],
    ] as const) {
      const bench = pics(icw4);
      edge(bench, 12);
      expect(bench.device.acknowledge()).toBe(0x74);
      if (ended) bench.out8(0x20, 0x20);
      bench.out8(0xa1, 0x10);
      edge(bench, 14);
      expect([requests(bench), bench.interrupts.interrupt.level]).toEqual([0, false]);
      bench.out8(0xa0, 0x68);
      expect([requests(bench), bench.interrupts.interrupt.level]).toEqual([0x04, pin]);
      expect(bench.device.pending).toBe(pin);
      bench.out8(0xa0, 0x48);
      expect([requests(bench), bench.interrupts.interrupt.level]).toEqual([0, false]);
    }
  });

  it('in special mask mode an end without a name passes over what is masked, an end by name does not', () => {
    const bench = pics();
    edge(bench, 4);
    bench.device.acknowledge();
    edge(bench, 1);
    bench.device.acknowledge();
    bench.out8(0x21, 0x02);
    bench.out8(0x20, 0x68);
    bench.out8(0x20, 0x20);
    expect(inService(bench)).toBe(0x02);
    bench.out8(0x20, 0x20);
    expect(inService(bench)).toBe(0x02);
    bench.out8(0x20, 0x61);
    expect(inService(bench)).toBe(0);
  });

  it('command 2 of OCW2 does nothing, and an end with nothing in service rotates nothing', () => {
    const bench = pics();
    bench.out8(0x20, 0x45);
    bench.out8(0x20, 0xa5);
    edge(bench, 0);
    edge(bench, 6);
    expect(bench.device.acknowledge()).toBe(0x08);
    bench.out8(0x20, 0x45);
    expect(inService(bench)).toBe(0x01);
  });

  it('with automatic end at both chips every interrupt of the slave comes, one after the other', () => {
    const bench = testBench(I8259);
    initialize(bench, Master, 0x11, 0x20, 0x04, 0x03);
    initialize(bench, Slave, 0x11, 0x28, 0x02, 0x03);
    edge(bench, 12);
    edge(bench, 9);
    expect(bench.device.acknowledge()).toBe(0x29);
    expect(bench.interrupts.interrupt.level).toBe(true);
    expect(bench.device.acknowledge()).toBe(0x2c);
    expect(bench.interrupts.interrupt.level).toBe(false);
    expect([inService(bench), inService(bench, Slave)]).toEqual([0, 0]);
  });

  it('in special fully nested mode a second interrupt of the slave comes while the first is served', () => {
    for (const [icw4, second] of [
      [0x11, 0x70],
      [0x01, undefined],
    ] as const) {
      const bench = pics(icw4);
      edge(bench, 12);
      expect(bench.device.acknowledge()).toBe(0x74);
      edge(bench, 8);
      expect(bench.device.pending).toBe(second !== undefined);
      if (second !== undefined) expect(bench.device.acknowledge()).toBe(second);
    }
  });

  it('special fully nested mode means nothing to the slave itself, whose input 2 is an input like any other', () => {
    const bench = pics(0x11);
    edge(bench, 10);
    expect(bench.device.acknowledge()).toBe(0x72);
    edge(bench, 11);
    expect(bench.device.pending).toBe(false);
    bench.out8(0xa0, 0x20);
    expect(bench.device.acknowledge()).toBe(0x73);
  });
});

describe('a poll', () => {
  it('acknowledges at the next read, by either port, and answers who it was', () => {
    const bench = pics();
    edge(bench, 4);
    bench.out8(0x20, 0x0c);
    expect(bench.in8(0x21)).toBe(0x84);
    expect([requests(bench), inService(bench)]).toEqual([0, 0x10]);
    expect(bench.in8(0x21)).toBe(0);
  });

  it('answers 0 when there is nobody, and only once', () => {
    const bench = pics();
    bench.out8(0x21, 0xff);
    bench.out8(0x20, 0x0c);
    expect(bench.in8(0x20)).toBe(0);
    expect(bench.in8(0x21)).toBe(0xff);
  });

  it('freezes the requests until it is read: what comes between waits, what goes between is acknowledged', () => {
    const bench = pics();
    edge(bench, 4);
    bench.out8(0x20, 0x0c);
    bench.setPin('line[4]', false);
    edge(bench, 1);
    expect(bench.in8(0x20)).toBe(0x84);
    expect(requests(bench)).toBe(0x02);
    expect(inService(bench)).toBe(0x10);
    expect(bench.interrupts.interrupt.level).toBe(true);
  });

  it('goes before a choice of the register to be read, which the next read follows', () => {
    const bench = pics();
    edge(bench, 4);
    bench.out8(0x20, 0x0f);
    expect(bench.in8(0x20)).toBe(0x84);
    expect(bench.in8(0x20)).toBe(0x10);
  });

  it('of the slave with automatic ends makes an edge for each interrupt at the master', () => {
    const bench = pics(0x03);
    edge(bench, 9);
    edge(bench, 12);
    bench.out8(0x20, 0x0c);
    expect(bench.in8(0x20)).toBe(0x82);
    expect(bench.interrupts.interrupt.level).toBe(false);
    bench.out8(0xa0, 0x0c);
    expect(bench.in8(0xa0)).toBe(0x81);
    expect(requests(bench)).toBe(0x04);
    expect(bench.interrupts.interrupt.level).toBe(true);
  });

  it('of the master says 2 for the slave, and leaves the slave alone', () => {
    const bench = pics();
    edge(bench, 9);
    bench.out8(0x20, 0x0c);
    expect(bench.in8(0x20)).toBe(0x82);
    expect([requests(bench), requests(bench, Slave), inService(bench, Slave)]).toEqual([0, 0x02, 0]);
  });
});

describe('a reset', () => {
  it('makes every input an edge again and forgets everything else', () => {
    const bench = pics();
    bench.out8(0x4d0, 0xf8);
    bench.setPin('line[5]', true);
    bench.out8(0xa1, 0xff);
    bench.reset();
    expect([0x21, 0xa1, 0x4d0].map((port) => bench.in8(port))).toEqual([0, 0, 0]);
    expect(bench.interrupts.interrupt.level).toBe(false);
  });
});

describe('any sequence of commands and lines', () => {
  const byte = fc.integer({ min: 0, max: 255 });
  const chip = fc.boolean();
  const step = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('line' as const),
        line: fc.integer({ min: 0, max: 15 }).filter((line) => line !== 2),
        high: fc.boolean(),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant('command' as const), slave: chip, value: byte.map((v) => v & 0xef) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('command' as const),
        slave: chip,
        value: byte.map((v) => (v & 0x07) | 0x10),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('data' as const), slave: chip, value: byte }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('levels' as const), slave: chip, value: byte }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('read' as const), slave: chip, data: fc.boolean() }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('acknowledge' as const) }) },
  );

  it('has the outcome that the datasheet, read naively, gives', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 200 }), (steps) => {
        const bench = pics();
        const naive = new NaivePicPair();
        for (const s of steps) {
          const slave = 'slave' in s && s.slave;
          const port = slave ? Slave : Master;
          const model = slave ? naive.slave : naive.master;
          if (s.kind === 'line') {
            bench.setPin(`line[${s.line}]`, s.high);
            (s.line < 8 ? naive.master : naive.slave).input(s.line & 7, s.high);
          } else if (s.kind === 'command') {
            bench.out8(port, s.value);
            model.command(s.value);
          } else if (s.kind === 'data') {
            bench.out8(port + 1, s.value);
            model.data(s.value);
          } else if (s.kind === 'levels') {
            bench.out8(slave ? 0x4d1 : 0x4d0, s.value);
            model.setLevel(s.value);
          } else if (s.kind === 'read') {
            expect(bench.in8(s.data ? port + 1 : port)).toBe(model.read(s.data ? 'data' : 'command'));
          } else {
            const line = naive.acknowledge();
            const { master, slave: other } = bench.device;
            const base = line !== undefined && line < 8 ? master.vectorBase : other.vectorBase;
            expect(bench.device.acknowledge()).toBe(line === undefined ? 0xff : base + (line & 7));
          }
          expect(bench.device.pending).toBe(naive.pending);
          expect(bench.interrupts.interrupt.level).toBe(naive.pending);
        }
      }),
      { numRuns: 150 },
    );
  });
});
