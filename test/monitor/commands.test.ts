import { describe, expect, it } from 'vitest';
import { defineOptions, device, type OptionsOf, option, options, SystemDevice, use } from '../../sdk/index.ts';
import { Monitor } from '../../sdk/monitor/index.ts';
import { guestProgram, Machine, simulatedAccelerator } from '../../sdk/runtime.ts';
import { expectRefusal } from '../refusal.ts';
import { empty, isapc } from '../small-machines.ts';

const declared = defineOptions({
  tickLength: option.integer({ description: 'a length', default: 7, live: true }),
  gain: option.integer({ description: 'a factor', default: 1 }),
});

@device({ type: 'sensor', description: 'a sensor' })
class Sensor extends SystemDevice {
  constructor(@options(declared) readonly given: OptionsOf<typeof declared>) {
    super();
  }
}

function monitored() {
  const machine = Machine.create(isapc);
  const asked: string[] = [];
  const monitor = new Monitor(machine, {
    stop: () => void asked.push('stop'),
    cont: () => void asked.push('cont'),
    quit: () => void asked.push('quit'),
    save: async (file) => void asked.push(`save ${file}`),
  });
  return { machine, monitor, asked, say: (line: string) => monitor.execute(line) };
}

describe('the monitor beside a running machine', () => {
  it('asks the owner of the run', async () => {
    const { asked, say } = monitored();
    for (const line of ['stop', 'cont', 'save at.json', '  quit  ', '']) await say(line);
    expect(asked).toEqual(['stop', 'cont', 'save at.json', 'quit']);
    expect(await say('save x')).toBe("saved in 'x'\n");
  });

  it('looks into the machine with info', async () => {
    const { say } = monitored();
    expect(await say('info machine')).toContain('machine: isapc\n');
    expect(await say('info mtree')).toContain('address-space: memory');
    expect(await say('info mtree -f')).toContain('FlatView');
    expect(await say('info')).toBe(await say('info help'));
    await expectRefusal(() => say('info regsters'), 'unknown-operand', "'registers'");
    await expectRefusal(() => say('info qtree -f'), 'misplaced-argument', 'info mtree');
    await expectRefusal(() => say('info qtree twice'), 'malformed-monitor-command', "'twice'");
  });

  it('leaves a run that is recorded as it is', async () => {
    const { machine, asked, say } = monitored();
    machine.inbox.recorder = () => {};
    for (const line of ['i /b 0x71', 'o /b 0x70 0x10', 'save at.json'])
      await expectRefusal(() => say(line), 'monitor-while-recording', line.split(' ')[0] as string, '-record');
    expect(asked).toEqual([]);
    expect(machine.io.peek(0x70, 1)).toBe(Machine.create(isapc).io.peek(0x70, 1));
    expect(await say('info qtree')).toContain('dev: isa-serial');
  });

  it('shows what is coalesced, and delivers nothing to a run that is recorded', async () => {
    const accelerator = simulatedAccelerator({ drain: 'on-access' });
    const machine = Machine.create(isapc, { accelerator });
    const monitor = new Monitor(machine, { stop() {}, cont() {}, quit() {}, async save() {} });
    machine.run(guestProgram((guest) => guest.out8(0x70, 0x10)));
    expect(accelerator.queuedWrites).toBe(1);
    machine.inbox.recorder = () => {};
    const said = await monitor.execute('info coalesced');
    expect([said, accelerator.queuedWrites]).toEqual([expect.stringContaining('alive'), 1]);
    machine.inbox.recorder = undefined;
    expect([await monitor.execute('info coalesced'), accelerator.queuedWrites]).toEqual([said, 0]);
  });

  it('shows memory as QEMU prints it, and reads nothing with side effects', async () => {
    const { machine, say } = monitored();
    const text = [0xea, 0x5b, 0xe0, 0x00, 0xf0, 0x30, 0x36, 0x2f, 0x32, 0x33, 0x2f, 0x39, 0x39, 0x00, 0xfc, 0x00];
    machine.memory.writeBytes(0x1000, Uint8Array.from(text));
    // What QEMU 7.2 prints for the same bytes.
    expect(await say('x /3xb 0x1000')).toBe('0000000000001000: 0xea 0x5b 0xe0\n');
    expect(await say('x /9ob 0x1000')).toBe(
      '0000000000001000: 0352 0133 0340   0 0360 060 066 057\n0000000000001008: 062\n',
    );
    expect(await say('x /5xh 0x1000')).toBe('0000000000001000: 0x5bea 0x00e0 0x30f0 0x2f36 0x3332\n');
    expect(await say('x /5 0x1000')).toBe('0000000000001000: 0x5bea 0x00e0 0x30f0 0x2f36 0x3332\n');
    expect(await say('x /3dw 0x1000')).toBe('0000000000001000:   14703594  792080624  959394610\n');
    expect(await say('x /3ub 0x1000')).toBe('0000000000001000: 234  91 224\n');
    expect(await say('x /3dg 0x1000')).toBe(
      '0000000000001000:  3401960375889976298    70931939903615794\n0000000000001010:                    0\n',
    );
    expect(await say('x /3oh 0x1000')).toBe('0000000000001000: 055752   0340 030360\n');
    expect(await say('x /9c 0x1000')).toBe(
      "0000000000001000: '\\xea' '[' '\\xe0' '\\x00' '\\xf0' '0' '6' '/'\n0000000000001008: '2'\n",
    );
    expect(await say('x /2xb 0xfffffffffffffffe')).toBe('fffffffffffffffe: 0x?? 0x??\n');
  });

  it('changes a live option between two instructions, and no other', async () => {
    const machine = Machine.create({ ...empty, devices: [use(Sensor)] });
    const monitor = new Monitor(machine, { stop() {}, cont() {}, quit() {}, async save() {} });
    expect(await monitor.execute('set sensor tick_length 0x10')).toBe('');
    machine.run(
      guestProgram('one', function* (guest) {
        yield* guest.out8(0x80, 1);
      }),
    );
    expect(machine.device(Sensor).given.tickLength).toBe(16);
    for (const [line, code] of [
      ['set sensor gain 2', 'option-not-live'],
      ['set sensor tick 2', 'no-such-option'],
      ['set sensor tick_length x', 'bad-option'],
      ['set sensr tick_length 1', 'no-such-device'],
    ] as const)
      await expectRefusal(() => monitor.execute(line), code);
  });

  it('reads and writes ports as the guest does', async () => {
    const { say } = monitored();
    expect(await say('o /b 0x70 0x0d')).toBe('');
    expect(await say('i /b 0x71')).toBe('portb[0x0071] = 0x80\n');
    expect(await say('i /h 0x4000')).toBe('portw[0x4000] = 0xffff\n');
    expect(await say('i /w 0x4000')).toBe('portl[0x4000] = 0xffffffff\n');
    expect(await say('help i')).toContain('side effects');
  });

  it.each([
    ['inf', 'unknown-monitor-command', "'info'"],
    ['qiut', 'unknown-monitor-command', "'quit'"],
    ['frobnicate', 'unknown-monitor-command', "'help'"],
    ['toString', 'unknown-monitor-command', 'help'],
    ['stop now', 'malformed-monitor-command', "'now'"],
    ['save', 'malformed-monitor-command', 'save FILE'],
    ['set rtc irq', 'malformed-monitor-command', 'DEVICE OPTION VALUE'],
    ['x', 'malformed-monitor-command', 'x /FMT ADDR'],
    ['x /2z 0', 'malformed-monitor-command', "'z'"],
    ['x /99999999 0', 'malformed-monitor-command', '65536'],
    ['x foo', 'malformed-monitor-command', "'foo'"],
    ['x 0x10000000000000000', 'malformed-monitor-command', '0xffff'],
    ['x -1', 'malformed-monitor-command', "'-1'"],
    ['i /g 0x70', 'malformed-monitor-command', '/b, /h or /w'],
    ['i 0x10000', 'malformed-monitor-command', '0xffff'],
    ['o /b 0x80', 'malformed-monitor-command', 'VALUE'],
    ['o /b 0x80 0x100', 'malformed-monitor-command', '0xff'],
    ['help qiut', 'unknown-monitor-command', "'quit'"],
  ])('refuses %j', async (line, code, named) => {
    const { asked, say } = monitored();
    await expectRefusal(() => say(line), code, named);
    expect(asked).toEqual([]);
  });

  it('completes the names of commands and topics', () => {
    const { monitor } = monitored();
    expect(monitor.complete('s')).toEqual(['stop', 'save', 'set']);
    expect(monitor.complete('info m')).toEqual(['machine', 'mtree']);
    expect(monitor.complete('info mtree x')).toEqual([]);
  });

  it('has help for each command', async () => {
    const { say } = monitored();
    for (const line of (await say('help')).trimEnd().split('\n')) {
      const [name] = line.split(/[ :]/);
      expect(await say(`help ${name}`)).toBe(`${line}\n`);
    }
  });
});
