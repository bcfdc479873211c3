import { type MachineDefinition, use } from 'backplane';
import { memoryImage } from 'backplane/backend';
import { Debugcon } from 'backplane/devices';
import { pcFirmware, pcI440fx } from 'backplane/machines';
import { Machine, simulatedAccelerator } from 'backplane/runtime';
import { loadX86 } from 'backplane/x86';
import { AccessHash, hashedAccesses } from '../machines/access-hash.ts';

/** Files of the host, in base64: a page under a strict policy may load scripts, and nothing else. */
export interface PageFiles {
  readonly wasm: string;
  /** SeaBIOS and its VGA BIOS, where they are installed. */
  readonly firmware?: string | undefined;
  readonly vgaBios?: string | undefined;
}

export interface BootRequest {
  readonly firmware: 'seabios' | 'own';
  readonly ram: number;
  readonly instructions: number;
}

export interface BootHash {
  readonly digest: string;
  readonly accesses: number;
  readonly log: string;
}

const pc: MachineDefinition = {
  ...pcI440fx,
  devices: [...pcI440fx.devices, use(Debugcon, { id: 'console', options: { iobase: 0x402 } })],
} as MachineDefinition;

const bytesOf = (base64 = ''): Uint8Array => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

/** What a firmware accesses. No names of Node or of a page here. */
export async function bootHash(files: PageFiles, request: BootRequest): Promise<BootHash> {
  const hash = new AccessHash();
  const machineCode = hashedAccesses(await loadX86({ wasm: bytesOf(files.wasm) }), hash);
  const isOwn = request.firmware === 'own';
  const machine = Machine.create(pc, {
    ram: request.ram,
    options: { chips: 'all' },
    accelerator: simulatedAccelerator({ machineCode }),
    firmware: isOwn ? pcFirmware() : bytesOf(files.firmware),
    backends: isOwn ? [] : [memoryImage({ id: 'vgabios', bytes: bytesOf(files.vgaBios), readOnly: true })],
  });
  machine.run({ name: 'the firmware', pieces: [], start: 'reset' }, { operationLimit: request.instructions });
  return { digest: hash.digest, accesses: hash.accesses, log: machine.device(Debugcon).text };
}
