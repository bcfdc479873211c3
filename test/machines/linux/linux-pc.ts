import { readFileSync } from 'node:fs';
import { Edu } from '../../../devices/index.ts';
import { pcFirmware, pcI440fx } from '../../../machines/index.ts';
import { type RingBuffer, ringBuffer } from '../../../sdk/backend.ts';
import { linuxKernel } from '../../../sdk/boot/index.ts';
import { x86MachineCode } from '../../../sdk/cli/x86-wasm.ts';
import { type MachineDefinition, MiB, use } from '../../../sdk/index.ts';
import { Machine, type MachineRequest, type RunOutcome, simulatedAccelerator } from '../../../sdk/runtime.ts';
import { linuxI386, ShellReady, shellInitramfs, whyNoLinuxI386 } from '../../linux-i386.ts';
import { whyNoX86 } from '../../needs.ts';
import { AccessHash, type AccessHashState, hashedAccesses } from '../access-hash.ts';
import { Prompt, SerialTerminal } from './terminal.ts';

export const ramSize = 48 * MiB;
export const commandLine = 'console=ttyS0 tsc=reliable cryptomgr.notests';
/** More than a boot needs, and less than a test waits. */
export const BootLimit = 450_000_000;

/** Why Linux cannot be booted; undefined where it can. */
export const whyNoLinux = (): string | undefined => whyNoX86() ?? whyNoLinuxI386();

/** A PC with a card. */
export const pcWithEdu: MachineDefinition = {
  ...pcI440fx,
  devices: [...pcI440fx.devices, use(Edu, { id: 'edu', addr: '05.0' })],
} as MachineDefinition;

/** What it boots from that the repository does not have. */
export const linuxFiles = (): Record<string, Uint8Array> => {
  const { kernel, busybox } = linuxI386();
  return { linux: new Uint8Array(readFileSync(kernel)), busybox: new Uint8Array(readFileSync(busybox)) };
};

export interface LinuxOptions {
  readonly commandLine?: string;
  /** Linux's console can be the screen: the card is in text mode. */
  readonly textScreen?: boolean;
  readonly initrd?: Uint8Array | undefined;
  readonly definition?: MachineDefinition;
}

/** A machine as it is between two instructions, for JSON. */
export interface SavedLinux {
  readonly snapshot: unknown;
  readonly hash: AccessHashState;
  readonly received: string;
  readonly instructions: number;
}

/** Linux 6.1 of 32 bits on the kit's PC, with a terminal on its first serial port and keys for its keyboard. */
export class LinuxPc {
  readonly keys: RingBuffer;

  private constructor(
    readonly machine: Machine,
    readonly terminal: SerialTerminal,
    readonly hash: AccessHash,
    keys: RingBuffer,
  ) {
    this.keys = keys;
    terminal.watch(machine);
  }

  /** At its first instruction; or where it was saved, with the same options. */
  static async create(options: LinuxOptions = {}, saved?: SavedLinux): Promise<LinuxPc> {
    const { textScreen = false, definition = pcWithEdu } = options;
    const hash = new AccessHash(saved?.hash);
    const [terminal, keys] = [new SerialTerminal(), ringBuffer({ id: 'keyboard' })];
    const request: MachineRequest = {
      firmware: pcFirmware(),
      ram: ramSize,
      options: { chips: 'all' },
      accelerator: simulatedAccelerator({ machineCode: hashedAccesses(await x86MachineCode(), hash) }),
      backends: [terminal, keys],
      deviceOptions: { 'isa-serial': { instant: true }, vga: { textMode: textScreen } },
    };
    const guests = linuxKernel({
      name: 'linux',
      kernel: readFileSync(linuxI386().kernel),
      initrd: 'initrd' in options ? options.initrd : shellInitramfs(linuxI386(), { after: ['stty cols 250'] }),
      commandLine: options.commandLine ?? commandLine,
      ramSize,
      textScreen,
    });
    if (saved !== undefined) {
      const machine = Machine.restore(definition, saved.snapshot, { ...request, guests });
      return new LinuxPc(machine, terminal.continue(saved), hash, keys);
    }
    const machine = Machine.create(definition, request);
    machine.load(guests, {});
    return new LinuxPc(machine, terminal, hash, keys);
  }

  /** From the first instruction to the prompt of the shell. */
  static async boot(options: LinuxOptions = {}): Promise<LinuxPc> {
    const linux = await LinuxPc.create(options);
    linux.untilShell();
    return linux;
  }

  /** Answers after how many instructions the guest has said that its shell is ready. */
  untilShell(): number {
    this.terminal.waitFor(ShellReady, BootLimit);
    const { instructions } = this.terminal;
    this.terminal.waitFor(Prompt, BootLimit);
    return instructions;
  }

  command(line: string, limit?: number): string {
    return this.terminal.command(line, limit);
  }

  run(limit: number): RunOutcome {
    return this.terminal.run(limit);
  }

  save(): SavedLinux {
    const { received, instructions } = this.terminal;
    return { snapshot: this.machine.save(), hash: this.hash.save(), received, instructions };
  }
}
