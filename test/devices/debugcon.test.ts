import { describe, expect, it } from 'vitest';
import { Debugcon } from '../../devices/debugcon.ts';
import { MILLISECOND, use } from '../../sdk/index.ts';
import { guestProgram, loadDevice, Machine, saveDevice } from '../../sdk/runtime.ts';
import { testBench } from '../../sdk/testing/index.ts';
import { pcI440fx } from '../small-machines.ts';

const options = { iobase: 0x402 };

describe('the debug console', () => {
  it('prints at 0xe9 and answers 0xe9, as guests that look for it expect', () => {
    const bench = testBench(Debugcon);
    for (const character of 'hello') bench.out8(0xe9, character.charCodeAt(0));
    expect(bench.device.text).toBe('hello');
    expect(bench.in8(0xe9)).toBe(0xe9);
  });

  it('moves to another port and answers what it is told to', () => {
    const bench = testBench(Debugcon, { options: { iobase: 0x402, readback: 0x5a } });
    bench.out8(0x402, 0x41);
    bench.out8(0xe9, 0x42);
    expect(bench.device.text).toBe('A');
    expect([bench.in8(0x402), bench.in8(0xe9)]).toEqual([0x5a, 0xff]);
  });

  it('takes the low byte of a word: the high one belongs to the next port', () => {
    const bench = testBench(Debugcon, { options });
    bench.out16(0x402, 0x4241);
    bench.out16(0x401, 0x4443);
    expect(bench.device.text).toBe('AD');
    expect(bench.guestErrors).toEqual([]);
  });

  it('keeps the last 65,536 characters of a guest that does not stop, in order', () => {
    const bench = testBench(Debugcon);
    for (let count = 0; count < 150_000; count++) bench.out8(0xe9, 0x30 + (count % 10));
    const { text } = bench.device;
    expect(text).toHaveLength(65_536);
    expect(text).toBe(Array.from({ length: 65_536 }, (_, at) => (at + 150_000 - 65_536) % 10).join(''));
  });

  it('tells its listener each character as a byte, and keeps the text over a reset', () => {
    const bench = testBench(Debugcon);
    const heard: string[] = [];
    bench.device.output = (character) => heard.push(character);
    bench.out8(0xe9, 0x48);
    bench.out8(0xe9, 0xff);
    bench.reset();
    expect(heard).toEqual(['H', '\u00ff']);
    expect(bench.device.text).toBe('H\u00ff');
  });

  it('shows in a restored machine what it had printed', () => {
    const definition = { ...pcI440fx, devices: [...pcI440fx.devices, use(Debugcon, { options })] };
    const machine = Machine.create(definition);
    for (const character of 'so far') machine.io.write(0x402, character.charCodeAt(0), 1);
    const restored = Machine.restore(definition, machine.save());
    restored.io.write(0x402, 0x21, 1);
    expect(restored.device(Debugcon).text).toBe('so far!');
  });

  it('prints a boot log without a single exit, and shows it to whoever asks', () => {
    const machine = Machine.create({ ...pcI440fx, devices: [...pcI440fx.devices, use(Debugcon, { options })] });
    const log = 'SeaBIOS (version 1.16.2)';
    const seen: string[] = [];
    const guest = guestProgram(function* (guest) {
      for (const character of log) yield* guest.out8(0x402, character.charCodeAt(0));
      seen.push(machine.device(Debugcon).text);
      yield* guest.pause(20 * MILLISECOND);
    });
    expect(machine.run(guest)).toMatchObject({ reason: 'finished' });
    const { userspaceExits, coalescedWrites } = machine.accelerator.statistics.summary();
    expect({ userspaceExits, coalescedWrites }).toEqual({ userspaceExits: 0, coalescedWrites: log.length });
    expect([...seen, machine.device(Debugcon).text]).toEqual([log, log]);
    expect(machine.warnings).toEqual([]);
  });
});

it('keeps a long text over a snapshot: its last 65,536 characters, and those that it has not dropped yet', () => {
  const bench = testBench(Debugcon, { options });
  for (let n = 0; n < 100_000; n++) bench.out8(0x402, 0x30 + (n % 10));
  const other = testBench(Debugcon, { options });
  loadDevice(other.device, JSON.parse(JSON.stringify(saveDevice(bench.device))));
  expect(other.device.text).toBe(bench.device.text);
  expect(other.device.text).toHaveLength(65_536);
});
