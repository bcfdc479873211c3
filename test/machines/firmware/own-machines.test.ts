import { describe, expect, it } from 'vitest';
import { Debugcon, Edu, FwCfg } from '../../../devices/index.ts';
import { isapc, pcFirmware, pcI440fx, q35 } from '../../../machines/index.ts';
import { ringBuffer } from '../../../sdk/backend.ts';
import { x86MachineCode } from '../../../sdk/cli/x86-wasm.ts';
import { KiB, type MachineDefinition, MiB, use } from '../../../sdk/index.ts';
import { Machine, simulatedAccelerator } from '../../../sdk/runtime.ts';
import { whyNoQemu } from '../../../sdk/testing/qemu/process.ts';
import { needs, whyNoX86 } from '../../needs.ts';
import { inQemu } from './in-qemu.ts';
import { EndOfText, elfKernel, Report } from './kernel.ts';

const missing = whyNoX86();
const machineCode = missing === undefined ? await x86MachineCode() : undefined;
const guest = { name: 'the firmware', pieces: [], start: 'reset' } as const;
const Halted = 'Halted. A key restarts the machine.\r\n';

/** The machine with a debug console, and more devices. */
class FirmwareRun {
  readonly serial = ringBuffer({ id: 'serial0' });
  readonly machine: Machine;

  constructor(definition: MachineDefinition, ramSize = 64 * MiB, more: MachineDefinition['devices'] = []) {
    const devices = [...definition.devices, use(Debugcon, { id: 'console' }), ...more];
    this.machine = Machine.create({ ...definition, devices } as MachineDefinition, {
      firmware: pcFirmware(),
      ram: ramSize,
      accelerator: simulatedAccelerator(machineCode && { machineCode }),
      backends: [this.serial],
    });
  }

  get console(): Debugcon {
    return this.machine.devices.find(({ id }) => id === 'console')?.device as Debugcon;
  }

  /** Runs for a number of instructions. */
  run(instructions: number): this {
    this.machine.run(guest, { operationLimit: instructions });
    return this;
  }

  get text(): string {
    return this.serial.text;
  }
}

describe('the firmware on machines of the SDK', needs('host', missing), () => {
  it.each([pcI440fx, q35, isapc])('halts on $name within 200,000 instructions', (definition) => {
    const run = new FirmwareRun(definition).run(200_000);
    expect(run.text.startsWith('backplane firmware\r\nMemory: 640 KiB below 1 MiB, 64512 KiB above\r\n')).toBe(true);
    expect(run.text.endsWith(Halted)).toBe(true);
    expect(run.console.text).toBe(run.text);
  });

  it.each([pcI440fx, q35])('begins on $name also where its ROM is as large as the RAM', (definition) => {
    const { text } = new FirmwareRun(definition, 256 * KiB).run(20_000);
    expect(text.startsWith('backplane firmware\r\nMemory: 256 KiB below 1 MiB, 0 KiB above\r\n')).toBe(true);
  });

  const edu = use(Edu, { id: 'edu', addr: '05.0' });

  it('prints on pc what it prints on the same machine of QEMU', needs('qemu', whyNoQemu()), async () => {
    const run = new FirmwareRun(pcI440fx, 64 * MiB, [edu]).run(200_000);
    const options = { rtcBase: '2026-01-01T00:00:00', arguments: ['-device', 'edu,addr=05.0'] };
    const theirs = await inQemu(options, async (firmware) => {
      await firmware.until(() => firmware.serial().endsWith(Halted));
      return firmware.serial();
    });
    // QEMU has two more functions of the PIIX3. Whether there is fw_cfg is another line.
    const lines = (text: string) =>
      text.split('\r\n').filter((line) => !/^PCI 00:01\.[13]|BAR 4 ports|^No kernel: /.test(line));
    const ours = lines(run.text);
    expect(ours).toEqual(lines(theirs));
    expect(ours).toContain('  BAR 0 memory 0xe0000000 size 0x00100000');
  });

  it('starts a kernel that fw_cfg has', () => {
    const run = new FirmwareRun(pcI440fx, 32 * MiB, [use(FwCfg)]);
    const { device } = run.machine.devices.find((one) => one.device instanceof FwCfg) ?? {};
    (device as FwCfg).addFile('opt/backplane/multiboot', elfKernel());
    (device as FwCfg).addFile('opt/backplane/cmdline', Buffer.from('quiet'));
    const text = run.run(200_000).console.text;
    const report = Buffer.from(text.slice(text.indexOf('Entry') + 'Entry 0x00000000\r\n'.length), 'latin1');
    expect(report.readUInt32LE(Report.eax)).toBe(0x2bad_b002);
    expect(report.readUInt32LE(Report.info + 8)).toBe(31 * 1024);
    expect(report.subarray(Report.size).toString('latin1')).toBe(`quiet${String.fromCharCode(EndOfText)}`);
  });

  it('is restarted by a character on COM1', () => {
    const run = new FirmwareRun(pcI440fx).run(200_000);
    const first = run.text;
    run.serial.send('x');
    expect(run.machine.resume()).toMatchObject({ reason: 'reset' });
    expect(run.text).toBe(`${first}Restart\r\n`);
    run.serial.clear();
    run.machine.resume({ operationLimit: 200_000 });
    const withoutClock = (text: string) => text.split('\r\n').filter((line) => !line.startsWith('Clock: '));
    expect(withoutClock(run.text)).toEqual(withoutClock(first));
    expect(run.text).not.toBe(first);
  });

  it('causes no exit by an index of the clock or of PCI, and few by characters on the screen', () => {
    const { statistics } = new FirmwareRun(pcI440fx).run(200_000).machine.accelerator;
    const rowOf = (key: string) =>
      [...statistics.portRows()!, ...statistics.memoryRows()!].find((row) => row.key === key);
    for (const key of ['0x70:POUT', '0xcf8:POUT']) {
      expect(rowOf(key)?.samples).toBeGreaterThan(50);
      expect(rowOf(key)?.userspaceExits).toBe(0);
    }
    // Whole screens are written at once: the ring is full at times.
    const { samples = 0, userspaceExits = samples } = rowOf('0xb8000:W') ?? {};
    expect(samples).toBeGreaterThan(1000);
    expect(userspaceExits).toBeLessThan(samples / 20);
    expect(rowOf('0x71:PIN')?.userspaceExits).toBe(rowOf('0x71:PIN')?.samples);
  });

  it('does the same each time, to the instruction', () => {
    const states = [0, 1].map(() => JSON.stringify(new FirmwareRun(pcI440fx).run(1_000_000).machine.save()));
    expect(states[0] === states[1]).toBe(true);
  });
});
