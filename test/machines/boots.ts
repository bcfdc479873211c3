import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Debugcon } from '../../devices/index.ts';
import { pcFirmware, pcI440fx } from '../../machines/index.ts';
import { memoryImage } from '../../sdk/backend.ts';
import { x86MachineCode } from '../../sdk/cli/x86-wasm.ts';
import { type MachineDefinition, MiB, use } from '../../sdk/index.ts';
import { Machine, type MachineRequest, simulatedAccelerator } from '../../sdk/runtime.ts';
import { AccessHash, type AccessHashState, hashedAccesses } from './access-hash.ts';

/** Where distributions put SeaBIOS. */
const Folders = ['/usr/share/seabios', '/usr/share/qemu'];
const Files = ['bios-256k.bin', 'vgabios-stdvga.bin'] as const;
const seaBiosFolder = Folders.find((folder) => Files.every((file) => existsSync(join(folder, file))));

/** Why SeaBIOS cannot be booted; undefined where it can. */
export const whyNoSeaBios = (): string | undefined =>
  seaBiosFolder === undefined
    ? `SeaBIOS is not installed: no ${Files.join(', ')} in ${Folders.join(', ')}.`
    : undefined;

/** Where its files are; there is nothing unless `whyNoSeaBios()` answers undefined. */
export const seaBiosPaths = (
  folder = seaBiosFolder ?? '',
): { readonly firmware: string; readonly vgaBios: string } => ({
  firmware: join(folder, Files[0]),
  vgaBios: join(folder, Files[1]),
});

/** Only where `whyNoSeaBios()` answers undefined. */
export function seaBiosFiles(): Record<(typeof Files)[number], Uint8Array> {
  const [firmware, vgaBios] = Files.map((file) => new Uint8Array(readFileSync(join(seaBiosFolder!, file))));
  return { 'bios-256k.bin': firmware!, 'vgabios-stdvga.bin': vgaBios! };
}

/** What boots in the tests of this room: Debian's SeaBIOS with its VGA BIOS, or the firmware of the package. */
export type FirmwareName = 'seabios' | 'own';

/** Of each machine here, in bytes. */
export const BootRam = 64 * MiB;
const FirmwareMachine = { ram: BootRam, options: { chips: 'all' } } as const;

export const firmwareGuest = { name: 'the firmware', pieces: [], start: 'reset' } as const;

/** Firmware prints here, SeaBIOS and ours. */
export const firmwarePc: MachineDefinition = {
  ...pcI440fx,
  devices: [...pcI440fx.devices, use(Debugcon, { id: 'console', options: { iobase: 0x402 } })],
} as MachineDefinition;

/** A boot as it is between two instructions, for JSON. */
export interface SavedBoot {
  readonly firmware: FirmwareName;
  readonly snapshot: unknown;
  readonly hash: AccessHashState;
}

/** A machine that boots a firmware, with a hash over its accesses. */
export class Boot {
  #isBegun: boolean;

  private constructor(
    readonly firmware: FirmwareName,
    readonly machine: Machine,
    readonly hash: AccessHash,
    readonly guestErrors: readonly string[],
    isRestored: boolean,
  ) {
    this.#isBegun = isRestored;
  }

  /** From power-on, or from where another process has saved it. */
  static async create(from: FirmwareName | SavedBoot, more: Pick<MachineRequest, 'defaults'> = {}): Promise<Boot> {
    const saved = typeof from === 'string' ? undefined : from;
    const firmware = typeof from === 'string' ? from : from.firmware;
    const hash = new AccessHash(saved?.hash);
    const guestErrors: string[] = [];
    const request = {
      ...filesOf(firmware),
      accelerator: simulatedAccelerator({ machineCode: hashedAccesses(await x86MachineCode(), hash) }),
      onGuestError: (device: string, message: string) => guestErrors.push(`${device}: ${message}`),
    };
    const machine =
      saved === undefined
        ? Machine.create(firmwarePc, { ...FirmwareMachine, ...request, ...more })
        : Machine.restore(firmwarePc, saved.snapshot, { ...request, guests: firmwareGuest });
    return new Boot(firmware, machine, hash, guestErrors, saved !== undefined);
  }

  /** Goes on for so many instructions, whatever they access: at its beginning a firmware accesses more than it executes. */
  run(instructions: number): this {
    const options = { operationLimit: instructions, accessLimit: Number.POSITIVE_INFINITY };
    if (this.#isBegun) this.machine.resume(options);
    else this.machine.run(firmwareGuest, options);
    this.#isBegun = true;
    return this;
  }

  save(): SavedBoot {
    return { firmware: this.firmware, snapshot: this.machine.save(), hash: this.hash.save() };
  }

  /** What the firmware has printed on the debug console. */
  get log(): string {
    return this.machine.device(Debugcon).text;
  }
}

const filesOf = (firmware: FirmwareName): Pick<MachineRequest, 'firmware' | 'backends'> =>
  firmware === 'own' ? { firmware: pcFirmware() } : seaBiosRequest();

/** The machine that SeaBIOS boots on; the accelerator is the caller's. */
export function seaBiosRequest(): Pick<MachineRequest, 'firmware' | 'backends' | 'ram' | 'options'> {
  const files = seaBiosFiles();
  return {
    ...FirmwareMachine,
    firmware: files['bios-256k.bin'],
    backends: [memoryImage({ id: 'vgabios', bytes: files['vgabios-stdvga.bin'], readOnly: true })],
  };
}
