import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseArguments } from '../../sdk/cli/command.ts';
import { chooseMachine, machineSyntax } from '../../sdk/cli/options/machine.ts';
import { loadPlugin } from '../../sdk/cli/plugins/load.ts';
import { type ConcreteDeviceClass, use } from '../../sdk/index.ts';
import { infoQtree, Machine, metadataOf } from '../../sdk/runtime.ts';
import { checkDevice, testBench } from '../../sdk/testing/index.ts';
import { expectRefusal } from '../refusal.ts';
import { backplane, expectRefused } from './fake-terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'backplane-single-wire-'));
const plugin = join(folder, 'single-wire.ts');
const program = join(folder, 'measure.ts');
const devices = ['-device', 'wire-master,id=master', '-device', 'thermometer,bus=master,addr=28'];
const board = ['-machine', 'empty', '-m', '1M', '-plugin', plugin];
let classes: Readonly<Record<string, ConcreteDeviceClass>> = {};

beforeAll(async () => {
  for (const path of [plugin, program])
    copyFileSync(new URL(path.replace(folder, './single-wire'), import.meta.url), path);
  const loaded = await loadPlugin(plugin);
  classes = Object.fromEntries(loaded.devices.map(({ deviceClass }) => [metadataOf(deviceClass).type, deviceClass]));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const thermometer = (): ConcreteDeviceClass => classes['thermometer'] as ConcreteDeviceClass;

async function built(): Promise<{ machine: Machine; choice: Awaited<ReturnType<typeof chooseMachine>> }> {
  const choice = await chooseMachine(parseArguments([...board, ...devices], machineSyntax));
  return { machine: Machine.create(choice.definition, choice.request), choice };
}

/** The guest selects a thermometer by its code and sends bytes; then it reads so many. */
function transfer({ io }: Machine, code: number, bytes: readonly number[], count = 0): number[] {
  io.write(0x561, 0, 1);
  for (const byte of [0x55, code, ...bytes]) io.write(0x560, byte, 1);
  return Array.from({ length: count }, () => io.read(0x560, 1));
}

describe('a bus of a plugin outside the tree, on the command line', () => {
  it('runs a guest that measures', async () => {
    const { status, noted } = await backplane('run', program, ...board, ...devices);
    expect({ status, noted }).toEqual({ status: 0, noted: expect.not.stringContaining('error') });
  });

  it('is in the device tree, below its controller, with its devices', async () => {
    const { printed } = await backplane('info', 'qtree', ...board, ...devices);
    expect(printed).toContain(`
    dev: wire-master, id "master"
      ports 0000000000000560/0000000000000002
      bus: master.wire
        type single-wire
        dev: thermometer, id "thermometer"
          gpio-out "alarm" 1
          addr = 28
          code = 0x28`);
  });

  it('is listed and documented with the devices', async () => {
    const { printed: list } = await backplane('-plugin', plugin, '-device', 'help');
    expect(list).toMatch(/thermometer +A thermometer on a single wire \[single-wire\]/);
    const { printed: help } = await backplane('-plugin', plugin, '-device', 'thermometer,help');
    expect(help).toMatch(/bus=<str> .*single-wire/);
    expect(help).toMatch(/addr=<str> .*two hexadecimal digits/);
    const { printed: doc } = await backplane('doc', '-plugin', plugin, '-device', 'thermometer');
    expect(doc).toContain('Bus: single-wire.');
    expect(doc).toContain('`alarm`');
  });

  it.each<[string, ...string[]]>([
    ['thermometer,bus=master,addr=2z', 'invalid-bus-address', "'2z'", "'master.wire'", 'hexadecimal'],
    ['thermometer,bus=mastre,addr=29', 'no-such-bus', "'mastre'", "'master'"],
    ['thermometer,bus=isa.0,addr=29', 'wrong-bus-kind', "'single-wire'", "'master.wire'"],
    ['thermometer,bus=master,addr=28', 'bus-address-taken', "'thermometer'", 'at 28'],
    ['thermometer,bus=master', 'missing-bus-address', 'hexadecimal'],
  ])('refuses -device %s', async (device, _code, ...named) => {
    const refused = await backplane('info', 'qtree', ...board, ...devices, '-device', device);
    expectRefused(refused, 'wiring-mistakes', ...named);
  });

  it('refuses a device without a controller', async () => {
    const refused = await backplane('info', 'qtree', ...board, '-device', 'thermometer,addr=28');
    expectRefused(refused, 'wiring-mistakes', "'thermometer'", "'single-wire'", 'isa.0');
  });
});

describe('a bus of a plugin outside the tree, in a machine', () => {
  it('is saved and restored in mid-transfer, with a device that was plugged in', async () => {
    const { machine, choice } = await built();
    machine.plug(use(thermometer(), { id: 'late', bus: 'master', addr: '30' }));
    for (const code of [0x28, 0x28, 0x30]) transfer(machine, code, [0x44]);
    expect(transfer(machine, 0x28, [0xbe], 1)).toEqual([14]);
    const saved = JSON.parse(JSON.stringify(machine.save()));
    const other = Machine.restore(choice.definition, saved, { deviceClasses: [thermometer()] });
    expect([other.io.read(0x560, 1), other.io.read(0x560, 1)]).toEqual([0xff, 0x50]);
    expect(transfer(other, 0x30, [0xbe], 1)).toEqual([7]);
    expect(infoQtree(other)).toBe(
      infoQtree(machine).replace(', selected', '').replace('code = 0x30', 'code = 0x30, selected'),
    );
  });

  it('loses a device in mid-transfer without a word, and keeps its controller while it has one', async () => {
    const { machine } = await built();
    transfer(machine, 0x28, [0xbe]);
    expectRefusal(() => machine.unplug('master'), 'device-in-use', "'thermometer'", "'master.wire'");
    machine.unplug('thermometer');
    expect([machine.io.read(0x560, 1), transfer(machine, 0x28, [0xbe], 1)]).toEqual([0xff, [0xff]]);
    machine.io.write(0x560, 1, 1);
    machine.unplug('master');
    expect(machine.devices).toEqual([]);
  });
});

describe('a device on a bus of a plugin, alone', () => {
  it('is on a bench with one transfer a line', () => {
    const bench = testBench(thermometer());
    bench.transfer([0x44]);
    expect(bench.transfer([0xbe], 4)).toEqual([7, 0xff, 0x50, 0xff]);
    bench.transfer([0x4e, 3]);
    expect((bench.interrupts as Readonly<Record<string, { level: boolean }>>)['alarm']?.level).toBe(true);
    bench.detach();
    expect(bench.transfer([0xbe], 1)).toEqual([]);
  });

  it.each(['thermometer', 'wire-master'])('passes the contract of the suite: %s', (type) => {
    const failures = checkDevice(classes[type] as ConcreteDeviceClass, { runs: 3, lint: 'off' });
    expect(failures.map(({ text }) => text)).toEqual([]);
  });
});
