import type { RingBuffer } from '../../../sdk/backend.ts';
import type { Machine } from '../../../sdk/runtime.ts';
import { whyNoLinuxI386 } from '../../linux-i386.ts';
import { seaBiosFiles, whyNoSeaBios } from '../../machines/boots.ts';
import { whyNoX86 } from '../../needs.ts';
import type { BenchCase } from '../bench-case.ts';

const table = 'Machine code: boots, in processor time';
/** To 'No bootable device'. */
const SeaBiosInstructions = 19_500_000;
const LinuxInstructions = 450_000_000;
const Slice = 2_000_000;

/** Answers how to make a machine that executes the firmware. */
async function seaBios(): Promise<() => void> {
  const { pcI440fx } = await import('../../../machines/index.ts');
  const { memoryImage } = await import('../../../sdk/backend.ts');
  const { Machine, simulatedAccelerator } = await import('../../../sdk/runtime.ts');
  const { x86MachineCode } = await import('../../../sdk/cli/x86-wasm.ts');
  const [machineCode, files] = [await x86MachineCode(), seaBiosFiles()];
  return () => {
    const machine = Machine.create(pcI440fx, {
      ram: 64 * 2 ** 20,
      firmware: files['bios-256k.bin'],
      options: { chips: 'all' },
      accelerator: simulatedAccelerator({ machineCode }),
      backends: [memoryImage({ id: 'vgabios', bytes: files['vgabios-stdvga.bin'], readOnly: true })],
    });
    machine.run({ name: 'seabios', pieces: [], start: 'reset' }, { operationLimit: SeaBiosInstructions });
    machine.dispose();
  };
}

interface Linux {
  readonly machine: Machine;
  readonly instructions: number;
}

/** Answers how to make a machine with 48 MiB whose Linux, unpacked when it is loaded, has come to its shell. */
async function linux(): Promise<() => Linux> {
  const { readFileSync } = await import('node:fs');
  const { pcFirmware, pcI440fx } = await import('../../../machines/index.ts');
  const { ringBuffer } = await import('../../../sdk/backend.ts');
  const { linuxKernel } = await import('../../../sdk/boot/index.ts');
  const { Machine, simulatedAccelerator } = await import('../../../sdk/runtime.ts');
  const { x86MachineCode } = await import('../../../sdk/cli/x86-wasm.ts');
  const { linuxI386, ShellReady, shellInitramfs } = await import('../../linux-i386.ts');
  const ram = 48 * 2 ** 20;
  const machineCode = await x86MachineCode();
  const guest = linuxKernel({
    ...{ name: 'linux', ramSize: ram, commandLine: 'console=ttyS0 tsc=reliable cryptomgr.notests' },
    ...{ kernel: readFileSync(linuxI386().kernel), initrd: shellInitramfs(linuxI386()) },
  });
  return () => {
    const serial: RingBuffer = ringBuffer({ id: 'serial0' });
    const machine = Machine.create(pcI440fx, {
      ...{ ram, firmware: pcFirmware(), options: { chips: 'all' }, backends: [serial] },
      accelerator: simulatedAccelerator({ machineCode }),
      deviceOptions: { 'isa-serial': { instant: true } },
    });
    machine.load(guest, {});
    let [instructions, text] = [0, ''];
    while (!text.includes(ShellReady)) {
      const { operations, reason } = machine.resume({ operationLimit: Slice });
      instructions += operations;
      if (reason !== 'operation-limit' || instructions > LinuxInstructions)
        throw new Error(`Linux did not come to its shell: ${reason} after ${instructions} instructions.`);
      text = (text + serial.text).slice(-2000);
      serial.clear();
    }
    return { machine, instructions };
  };
}

const seaBiosCases: readonly BenchCase[] = [
  {
    ...{ table, name: 'SeaBIOS with its VGA BIOS, to "No bootable device"', processorTime: true },
    targetMilliseconds: 1500,
    prepare: async () => ({ operations: 1, run: await seaBios() }),
  },
];

const linuxCases: readonly BenchCase[] = [
  {
    ...{ table, name: 'Linux, from reset to its shell', processorTime: true, targetMilliseconds: 9000 },
    async prepare() {
      const boot = await linux();
      let millions = '';
      const run = () => {
        const { machine, instructions } = boot();
        millions = (instructions / 1e6).toFixed(0);
        machine.dispose();
      };
      return { operations: 1, run, note: () => `${millions} million instructions, to within 2 million (goal: 380)` };
    },
  },
  {
    ...{ table, name: 'a snapshot of the booted Linux, as a text', processorTime: true },
    async prepare() {
      const { formatSnapshot } = await import('../../../sdk/runtime.ts');
      const { machine } = (await linux())();
      let length = 0;
      const run = () => {
        ({ length } = formatSnapshot(machine.save()));
      };
      return {
        operations: 1,
        run,
        note: () => `${(length / 2 ** 20).toFixed(1)} MiB, of a machine with 48 MiB of RAM`,
      };
    },
  },
];

const has = (missing: string | undefined): boolean => whyNoX86() === undefined && missing === undefined;

export const cases: readonly BenchCase[] = [
  ...(has(whyNoSeaBios()) ? seaBiosCases : []),
  ...(has(whyNoLinuxI386()) ? linuxCases : []),
];
