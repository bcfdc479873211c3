import { describe, expect, it } from 'vitest';
import { bit, bits, device, indexedRegisters, portRegion, reserved, SystemDevice } from '../../../sdk/index.ts';
import { constructDevice, saveDevice } from '../../../sdk/runtime.ts';
import { checkDevice, testBench } from '../../../sdk/testing/index.ts';
import { expectRefusal } from '../../refusal.ts';
import { DeviceBench, expectReports } from '../device-bench.ts';

const uart = portRegion({ name: 'uart', base: 0x3f8, size: 8, implements: { max: 1 } });
const line = uart.register(3, {
  width: 8,
  fields: { bits: bits(0, 1), rest: reserved([2, 6]), divisorLatch: bit(7) },
});
const banks = indexedRegisters({ index: line, field: 'divisorLatch', data: 0 });
const received = banks.register(0, { width: 8, access: 'read-only' });
const transmitted = banks.register(0, { width: 8, access: 'write-only' });
const identification = uart.register(2, {
  width: 8,
  reset: 1,
  fields: { none: bit(0, 'read-only'), cause: bits(1, 3, 'read-to-clear'), rest: reserved([4, 7]) },
});
const fifoControl = uart.register(2, {
  width: 8,
  fields: {
    enable: bit(0, 'write-only'),
    clear: bit(1, 'write-only'),
    dma: bit(3, 'unimplemented'),
    rest: reserved([2, 2], [4, 7]),
  },
});

@device({ type: 'uart', description: 'One register is read where another is written' })
class Uart extends SystemDevice {
  readonly sent: number[] = [];
  @line line = 0;
  @received received = 0;
  @transmitted transmitted = 0;
  @banks.register(1, { width: 8, reset: 12 }) divisor = 12;
  @identification identification = 1;
  @fifoControl fifoControl = 0;

  @transmitted.onWrite()
  send(value: number): void {
    this.sent.splice(0, this.sent.length > 15 ? 1 : 0);
    this.sent.push(value);
    this.received = value;
  }

  @received.onRead()
  take(value: number): number {
    this.received = 0;
    return value;
  }

  @fifoControl.onWrite('clear')
  clear(value: number): void {
    if (value === 1) this.received = 0;
  }
}

describe('two registers in one place, one to be read and one to be written', () => {
  const uartBench = () => {
    const bench = new DeviceBench();
    return {
      bench,
      made: bench.realize(
        constructDevice(() => new Uart()),
        'uart',
      ),
    };
  };

  it('each take their own accesses, and their own hooks', () => {
    const { bench, made } = uartBench();
    made.identification = 0x0d;
    bench.io.write(0x3fa, 0x03, 1);
    expect([made.identification, made.fifoControl, bench.io.read(0x3fa, 1)]).toEqual([0x0d, 3, 0x0d]);
    expect([made.identification, made.fifoControl]).toEqual([0x01, 3]);
  });

  it('also behind an index, of which a field chooses that is not the lowest', () => {
    const { bench, made } = uartBench();
    made.received = 0x41;
    bench.io.write(0x3f8, 0x42, 1);
    expect([bench.io.read(0x3f8, 1), bench.io.read(0x3f8, 1), made.sent]).toEqual([0x42, 0, [0x42]]);
    bench.io.write(0x3fb, 0x83, 1);
    bench.io.write(0x3f8, 0x60, 1);
    expect([bench.io.read(0x3f8, 1), made.divisor, made.sent]).toEqual([0x60, 0x60, [0x42]]);
  });

  it('have bits without a meaning that follow the others: write-only ones make a register write-only', () => {
    const { bench } = uartBench();
    bench.io.write(0x3fa, 0x1b, 1);
    expectReports(bench.log, ['uart:', "'dma'", "'fifoControl'"], ['uart:', 'reserved', '4 to 7', "'fifoControl'"]);
  });

  it('are reset and saved each for itself', () => {
    const { made } = uartBench();
    Object.assign(made, { identification: 5, fifoControl: 1, received: 7, transmitted: 8 });
    expect(saveDevice(made).fields).toMatchObject({ identification: 5, fifoControl: 1, received: 7, transmitted: 8 });
    made.reset();
    expect([made.identification, made.fifoControl, made.received, made.transmitted]).toEqual([1, 0, 0, 0]);
  });
});

describe('on a bench', () => {
  it('they are known by their names, and each refuses what it does not take', () => {
    const bench = testBench(Uart);
    bench.register(fifoControl).field('enable').write(1);
    bench.register('fifoControl').field('clear').write(1);
    expect(bench.device.fifoControl).toBe(3);
    bench.register(identification).expect(1);
    expectRefusal(() => bench.register('fifoControl').read(), 'write-only-register', "'fifoControl'", '0x2', "'uart'");
    expectRefusal(() => bench.register(identification).write(1), 'read-only-register', "'uart'");
  });

  it('those behind an index are chosen without a change of its other bits', () => {
    const bench = testBench(Uart);
    bench.register('line').write(0x03);
    bench.register('divisor').expect(12);
    expect(bench.device.line).toBe(0x83);
    bench.register('transmitted').write(0x55);
    expect([bench.device.line, bench.device.sent]).toEqual([0x03, [0x55]]);
  });

  it('they pass the tests that every device gets', () => {
    const why = 'this UART is a part of one';
    const notExercised = { 'line.bits': why, 'fifoControl.enable': why, identification: why };
    const found = checkDevice(Uart, { hostileAccesses: 2000, runs: 3, notExercised });
    expect(found.map(({ check, text }) => `${check}: ${text.slice(0, 400)}`)).toEqual([]);
  });
});

const keyboard = portRegion({ name: 'keyboard', base: 0x64, size: 1, accessSizes: [1] });
const keyboardStatus = keyboard.register(0, {
  width: 8,
  fields: { full: bit(0, 'read-only'), wasCommand: bit(3, 'read-only'), rest: reserved([1, 2], [4, 7]) },
});

/** Where it is written a method takes commands, where it is read a register shows what became of them. */
@device({ type: 'keyboard', description: 'Status and command in one place' })
class Keyboard extends SystemDevice {
  @keyboardStatus status = 0;

  @keyboard.write(0)
  command(value: number): void {
    this.status = (value & 1) | ((value & 2) << 2);
  }
}

it('A register that is read where a method hears the writes is not taken for one that changes by itself', () => {
  const bench = testBench(Keyboard);
  bench.out8(0x64, 0xff);
  bench.register('status').expect(0x09);
  expect(checkDevice(Keyboard, { hostileAccesses: 2000, runs: 3 }).map(({ text }) => text)).toEqual([]);
  const misspelt = (name: string) =>
    checkDevice(Keyboard, { notExercised: { [name]: '' }, firstOnly: true })[0]?.message;
  expect([misspelt('statsu'), misspelt('status.fulll'), misspelt('status.full')]).toEqual([
    "notExercised names 'statsu', and the device has no such member, timer or pin. Did you mean 'status'?",
    "notExercised names 'status.fulll', and register 'status' has no such field. Did you mean 'full'?",
    undefined,
  ]);
});
