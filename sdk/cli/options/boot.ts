import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { CodePiece, GuestCode } from '../../accelerator/guest/code.ts';
import { memoryImage } from '../../backend/memory-backends.ts';
import type { Backend } from '../../backend/transport.ts';
import { BackplaneError } from '../../base/errors.ts';
import { hex } from '../../base/text.ts';
import type { RecordedImage } from '../../recording/header.ts';
import type { Arguments, OptionSyntax } from '../command.ts';
import { readWhole } from '../files.ts';
import { type MachineChoice, withInstantLines, withTextMode } from './machine.ts';

/** Options that boot a machine: from its ROM, or a kernel directly. */
export const bootSyntax = {
  bios: 'FILE',
  kernel: 'FILE',
  initrd: 'FILE',
  append: 'TEXT',
} as const satisfies OptionSyntax;

export const bootHelp = `  -bios FILE            boot this firmware, such as SeaBIOS's bios-256k.bin; the VGA card has vgabios-stdvga.bin, if that is beside
                        it. Another VGA BIOS: -drive if=none,id=vgabios,file=FILE,readonly=on
  -kernel FILE          boot a kernel without firmware: Linux's bzImage or vmlinux, or a multiboot image
  -initrd FILE          its initial RAM disk, or the first module of a multiboot image
  -append TEXT          its command line: 'console=ttyS0 tsc=reliable'`;

/** The back end that a VGA card has its ROM from, and the file of SeaBIOS for it. */
const VgaBios = { id: 'vgabios', file: 'vgabios-stdvga.bin' } as const;

/** A file that a machine boots from, or the firmware of the package. */
export interface BootImage {
  readonly kind: RecordedImage['kind'];
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** What a machine boots. */
export interface BootRequest {
  readonly images: readonly BootImage[];
  /** For the ROM of a VGA card, unless the command line has a back end for it. */
  readonly vgaBios?: Uint8Array | undefined;
  /** What is in its ROM. */
  readonly firmware?: Uint8Array;
  /** What is in the ROM of a PC whose processor begins elsewhere: Linux finds the routing of interrupts there. */
  readonly rom?: Uint8Array;
  /** What is odd about its file, as a sentence: told where it cannot go on. */
  readonly doubt?: string | undefined;
  /** What its processor executes, for so many bytes of RAM. */
  code(ramSize: number): Promise<GuestCode>;
}

/** The first serial port of what boots is at the terminal, unless the command line says otherwise or a screen has the terminal. */
export function bootArguments(args: Arguments, isShown: boolean): Arguments {
  const hasTerminal = isShown || ['serial', 'chardev'].some((option) => args.has(option));
  if (hasTerminal) return args;
  return { ...args, all: (option) => (option === 'serial' ? ['stdio'] : args.all(option)) };
}

/** The machine that boots. */
export function bootMachine(
  choice: MachineChoice,
  { firmware, rom, vgaBios }: Pick<BootRequest, 'firmware' | 'rom' | 'vgaBios'>,
  isShown = false,
): MachineChoice {
  const { definition, request, backends } = choice;
  const hasChips = definition.options?.declarations['chips'] !== undefined;
  const instant = withInstantLines(definition);
  return {
    ...choice,
    definition: isShown && firmware === undefined ? withTextMode(instant) : instant,
    backends: vgaBios !== undefined && lacksVgaBios(choice) ? [...backends, vgaImage(vgaBios)] : backends,
    request: {
      ...request,
      ...(hasChips ? { options: { chips: 'all', ...request.options } } : {}),
      ...(hasChips && rom !== undefined ? { firmware: rom } : {}),
      ...(firmware === undefined ? {} : { firmware }),
    },
  };
}

/** A card of the machine asks for that back end, and the command line has none. */
function lacksVgaBios({ definition, request, backends }: MachineChoice): boolean {
  if (request.options?.['chips'] === 'basic' || backends.some(({ id }) => id === VgaBios.id)) return false;
  return definition.devices.some(({ options }) => Object.values(options ?? {}).includes(VgaBios.id));
}

const vgaImage = (bytes: Uint8Array): Backend => memoryImage({ id: VgaBios.id, bytes, readOnly: true });

const LargestFirmware = 2 ** 20;
const LargestKernel = 2 ** 30;

/** What the command line asks to boot. Nothing is asked where it has a program: then it is undefined. */
export async function chooseBoot(
  args: Arguments,
  hasLoaders: boolean,
  isShown = false,
): Promise<BootRequest | undefined> {
  const [bios, kernel] = [args.value('bios'), args.value('kernel')];
  const lonely = kernel === undefined ? ['initrd', 'append'].find((option) => args.has(option)) : undefined;
  if (lonely !== undefined) throw misplaced(`-${lonely} is for a kernel. Give the kernel too: -kernel FILE.`);
  if (bios !== undefined && kernel !== undefined)
    throw misplaced('-bios and -kernel: firmware here cannot start a kernel from the command line. Give one of them.');
  if (kernel !== undefined) {
    const images = [imageOf('kernel', kernel, LargestKernel)];
    const initrd = args.value('initrd');
    if (initrd !== undefined) images.push(imageOf('initrd', initrd, LargestKernel));
    const append = args.value('append') ?? '';
    return { images, rom: await ownImage(), code: (ramSize) => kernelCode(images, append, { ramSize, isShown }) };
  }
  if (bios === undefined) {
    if (hasLoaders || args.positional.length > 0) return undefined;
    return fromRom([{ kind: 'firmware', name: 'backplane firmware', bytes: await ownImage() }]);
  }
  const image = imageOf('firmware', bios, LargestFirmware, '-bios');
  const doubt = doubtOf(bios, image.bytes);
  const images = [image];
  const beside = join(dirname(bios), VgaBios.file);
  if (existsSync(beside)) images.push(imageOf('firmware', beside, LargestFirmware, '-bios'));
  // A reset puts its bytes into the ROM again, as in QEMU, and a snapshot tells it from others.
  const pieces = [{ address: 2 ** 32 - image.bytes.length, bytes: image.bytes }];
  return { ...fromRom(images, pieces), doubt, vgaBios: images[1]?.bytes };
}

const imageOf = (kind: BootImage['kind'], file: string, most: number, option = `-${kind}`): BootImage => ({
  ...{ kind, name: basename(file) },
  bytes: readFile(option, file, most),
});

/** Where a processor begins, at the end of the firmware: room for one jump. */
const ResetVector = 16;
/** JMP rel16 or rel32, JMP ptr16:16, JMP rel8. */
const Jumps = [0xe9, 0xea, 0xeb];

/** Refuses an image that is blank where a processor begins. Answers what is odd there otherwise. */
function doubtOf(file: string, image: Uint8Array): string | undefined {
  const vector = new Uint8Array(ResetVector).fill(0xff);
  const end = image.subarray(-ResetVector);
  vector.set(end, ResetVector - end.length);
  const [first = 0] = vector;
  if ((first === 0 || first === 0xff) && vector.every((byte) => byte === first)) {
    const what = `its last ${ResetVector} bytes, where a processor begins, are all ${hex(first, 2)}`;
    throw new BackplaneError(
      'bad-firmware',
      `-bios ${file}: it is no firmware: ${what}. Give an image that ends in code, such as bios-256k.bin.`,
    );
  }
  if (vector.some((byte) => Jumps.includes(byte))) return undefined;
  return ` The last ${ResetVector} bytes of ${file}, where a processor begins, have no jump: is it a firmware for a PC?`;
}

/** The firmware of the package. */
async function ownImage(): Promise<Uint8Array> {
  const { pcFirmware } = await import('../../../machines/index.ts');
  return pcFirmware();
}

/** Firmware begins where a processor begins after a reset. */
const fromRom = (images: readonly BootImage[], pieces: readonly CodePiece[] = []): BootRequest => {
  const { name, bytes: firmware } = images[0] as BootImage;
  return { images, firmware, code: async () => ({ name, pieces, start: 'reset' }) };
};

async function kernelCode(
  [kernel, initrd]: readonly BootImage[],
  commandLine: string,
  { ramSize, isShown }: { readonly ramSize: number; readonly isShown: boolean },
): Promise<GuestCode> {
  const { linuxKernel, multibootImage, isMultiboot } = await import('../../boot/index.ts');
  const { name, bytes } = kernel as BootImage;
  const common = { name, commandLine, ramSize };
  try {
    if (!isMultiboot(bytes))
      return linuxKernel({ ...common, kernel: bytes, initrd: initrd?.bytes, textScreen: isShown });
    return multibootImage({ ...common, bytes, modules: initrd === undefined ? [] : [initrd] });
  } catch (cause) {
    // Its message begins with the name of the file.
    throw explained(cause, '-kernel');
  }
}

const FirmwareRefusals: readonly string[] = ['bad-firmware', 'no-rom'];

/** Makes the machine that boots. A refusal of its firmware names the option, or says where the firmware is from. */
export async function withFirmware<M>(args: Arguments, make: () => M | Promise<M>): Promise<M> {
  try {
    return await make();
  } catch (cause) {
    if (!(cause instanceof BackplaneError && FirmwareRefusals.includes(cause.code))) throw cause;
    const bios = args.value('bios');
    throw explained(
      cause,
      bios === undefined ? 'run: there is no program, so that the machine boots its firmware.' : `-bios ${bios}:`,
    );
  }
}

const explained = (cause: unknown, before: string): unknown =>
  cause instanceof BackplaneError ? new BackplaneError(cause.code, `${before} ${cause.message}`, { cause }) : cause;

function readFile(option: string, file: string, most: number): Uint8Array {
  const refusal = (code: string, why: string, cause?: unknown) =>
    new BackplaneError(code, `${option} ${file}: it cannot be read: ${why}`, { cause });
  const bytes = readWhole(file, most, refusal);
  if (bytes.length === 0) throw refusal('file-empty', 'it is empty.');
  return bytes;
}

const misplaced = (why: string): BackplaneError => new BackplaneError('misplaced-argument', why);
