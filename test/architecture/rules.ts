import type { SourceFile, SourceImport } from './source-files.ts';

/** The rooms of which machines are made: those that look at machines may import them all. */
const Ground = ['base', 'memory', 'clock', 'state', 'device', 'bus', 'backend', 'accelerator', 'coalescing', 'machine'];

/** Which rooms of the SDK each room may import, and which packages. Everything else is refused. */
const Rooms: Readonly<Record<string, { rooms: readonly string[]; packages?: RegExp }>> = {
  base: { rooms: [] },
  memory: { rooms: ['base'] },
  clock: { rooms: ['base'] },
  state: { rooms: ['base', 'clock'] },
  device: { rooms: ['base', 'memory', 'clock', 'state'] },
  bus: { rooms: ['base', 'memory', 'clock', 'state', 'device'] },
  // The files below `node/` only: a page runs the rest.
  backend: { rooms: ['base', 'clock', 'state', 'device'], packages: /^node:/ },
  accelerator: { rooms: ['base', 'memory', 'clock'] },
  // A processor for the simulated kernel, which it knows by ProcessorSeam only.
  processor: { rooms: ['base', 'memory', 'accelerator'] },
  assembler: { rooms: ['base'] },
  boot: { rooms: ['base', 'memory', 'accelerator'], packages: /^fflate$/ },
  // The package in one file only: KoffiFile.
  native: { rooms: ['base'], packages: /^(node:.*|koffi)$/ },
  'host-kvm': { rooms: ['base', 'memory', 'clock', 'accelerator', 'native'], packages: /^node:/ },
  coalescing: { rooms: ['base', 'memory', 'device'] },
  machine: {
    rooms: ['base', 'memory', 'clock', 'state', 'device', 'bus', 'backend', 'accelerator', 'coalescing'],
    packages: /^(inversify|fflate)$/,
  },
  // The files below `node/` have sockets, and libc; inversify for the services around a served function.
  serve: { rooms: [...Ground, 'native', 'recording'], packages: /^(node:|inversify$)/ },
  recording: { rooms: Ground },
  monitor: { rooms: Ground },
  testing: { rooms: [...Ground, 'monitor', 'native', 'serve'], packages: /^node:/ },
  // The type of the plotting library only: the command loads it.
  analysis: { rooms: [...Ground, 'monitor'], packages: /^@observablehq\/plot$/ },
  cli: {
    rooms: [...Ground, 'monitor', 'recording', 'analysis', 'testing', 'host-kvm', 'serve', 'boot', 'processor'],
    packages: /^(node:|esbuild$|inversify$|reflect-metadata$|@observablehq\/plot$)/,
  },
};

/** All rooms but the command's, the host's KVM and its libc run in a page too: they import no `node:` module and use no Buffer and no process. */
const runsInPage = (path: string): boolean =>
  ![undefined, 'cli', 'host-kvm', 'native'].includes(roomOf(path)) &&
  !/^sdk\/(testing\/qemu|backend\/node|serve\/node)\//.test(path);

/** The userspace of KVM knows a kernel by its interface. Each of these folders is for the folders and files beside it only. */
const KvmFolder = 'sdk/accelerator/kvm/';
const OwnKernel = 'sdk/accelerator/simulated-accelerator.ts';
const KernelFolders: readonly (readonly [folder: string, knownTo: readonly string[], why: string])[] = [
  [`${KvmFolder}simulated-kernel/`, [OwnKernel], 'the userspace of KVM knows a kernel by kernel.ts only'],
  [
    `${KvmFolder}scheduled/`,
    [`${KvmFolder}simulated-kernel/`, OwnKernel],
    'what takes turns is for the simulated kernel only',
  ],
];

/** What the simulated kernel and a processor of it agree on. */
const ProcessorSeam = `${KvmFolder}simulated-kernel/processor.ts`;

/** Plays a recording in the place of a processor. */
const ReplayedCodeFiles = /^sdk\/recording\/(replayed-code|replay-processor)\.ts$/;

/** Only the package's entries lead into it: other rooms know buses by `Bus`. */
const PciFolder = 'sdk/bus/pci/';
/** Its devices are functions of the PCI bus. */
const VirtioFolder = 'sdk/bus/virtio/';
/** What the package is entered by: names of the rooms, and nothing else. */
const Entries = /^sdk\/\w+\.ts$/;
/** Those for authors: a device is written with them. */
const AuthorEntries = /^sdk\/(index|bus|pci|i2c|spi|virtio|backend)\.ts$/;
/** The one file of the device room that may know the container. */
const DecoratorsFile = 'sdk/device/decorators.ts';
const DecoratorsMayImport = /^sdk\/(device\/class-(recorder|builder)|base\/decorated-member)\.ts$/;
/** The one file that may read the host's time. */
export const HostTimeFile = 'sdk/clock/host-time.ts';

/** The one file that may load koffi, and so call libc. */
const KoffiFile = 'sdk/native/koffi.ts';
/** `backplane/node`: no file of the command imports it. */
const NodeEntry = 'sdk/cli/node.ts';

export const roomOf = (path: string): string | undefined => /^sdk\/([^/]+)\//.exec(path)?.[1];

/** Sentences about the imports of a file that break the table; none for most files. */
export function brokenImportRules(file: SourceFile): string[] {
  return file.imports.flatMap((one) => {
    const why = refusal(file.path, one);
    return why === undefined ? [] : [`${file.path} imports '${one.specifier}': ${why}`];
  });
}

function refusal(path: string, one: SourceImport): string | undefined {
  const top = path.split('/')[0];
  if (top === 'test') return undefined;
  if (top === 'examples') return fromExample(one);
  if (Entries.test(path))
    return roomOf(one.file ?? '') === undefined ? 'an entry re-exports the names of rooms only' : undefined;
  if (top === 'sdk') return fromRoom(path, one);
  if (top === 'devices') return fromDevice(path, one);
  if (top === 'machines') return fromMachine(one);
  return undefined;
}

function fromRoom(path: string, { form, specifier, file }: SourceImport): string | undefined {
  const room = roomOf(path) as string;
  const rule = Rooms[room];
  if (rule === undefined) return `there is no rule for the room '${room}'; add it to the table`;
  if (file === undefined) {
    if (path === DecoratorsFile && specifier === 'inversify') return undefined;
    if (runsInPage(path) && specifier.startsWith('node:')) return 'a page has no such module';
    if (specifier === 'koffi' && path !== KoffiFile) return `only ${KoffiFile} loads it`;
    return rule.packages?.test(specifier) ? undefined : `the room '${room}' may not use it`;
  }
  if (path === DecoratorsFile && form === 'value' && !DecoratorsMayImport.test(file)) {
    return 'decorators only record: class-recorder.ts, class-builder.ts, types and inversify';
  }
  const kernel = KernelFolders.find(([folder]) => file.startsWith(folder));
  const isSeam =
    file === ProcessorSeam &&
    (room === 'processor' || ReplayedCodeFiles.test(path) || path === 'sdk/accelerator/index.ts');
  if (kernel !== undefined && !isSeam && ![kernel[0], ...kernel[1]].some((known) => path.startsWith(known)))
    return kernel[2];
  const knowsPci = path.startsWith(PciFolder) || path.startsWith(VirtioFolder) || room === 'serve';
  if (file.startsWith(PciFolder) && !knowsPci) return 'what knows PCI is the bus, entry and devices of PCI';
  const target = roomOf(file);
  if (target === 'host-kvm' && room === 'cli' && form === 'value' && path !== NodeEntry)
    return 'only for -accel kvm: use import()';
  if (target === room || (target !== undefined && rule.rooms.includes(target))) return undefined;
  const late = /^(devices|machines)\//.test(file) && form !== 'value';
  if (room === 'cli' && (late || Entries.test(file))) return undefined;
  return room === 'cli' ? 'by name, only when asked for: use import()' : `the room '${room}' may not know it`;
}

function fromDevice(path: string, { file }: SourceImport): string | undefined {
  if (file !== undefined && AuthorEntries.test(file)) return undefined;
  if (file === undefined || !file.startsWith('devices/')) {
    return 'a device imports ../sdk/index.ts, the entry of its bus such as ../sdk/pci.ts, and nothing else';
  }
  if (path.endsWith('/index.ts') || file.startsWith('devices/parts/')) return undefined;
  return chipOf(path) === chipOf(file) ? undefined : 'a device never imports another device';
}

/** `devices/rtc.ts` and `devices/rtc/alarm.ts` are one chip. */
const chipOf = (path: string): string => path.split('/')[1]?.replace(/\.ts$/, '') ?? '';

function fromMachine({ specifier, file }: SourceImport): string | undefined {
  if (file === undefined) return specifier === 'inversify' ? undefined : 'a machine uses no package but inversify';
  return Entries.test(file) || /^(devices|machines)\//.test(file)
    ? undefined
    : 'a machine imports entries such as ../sdk/index.ts, and devices';
}

function fromExample({ specifier, file }: SourceImport): string | undefined {
  if (file?.startsWith('examples/')) return undefined;
  return /^(backplane(\/\w+)*|inversify|node:.*|vitest|esbuild)$/.test(specifier)
    ? undefined
    : 'an example uses the package by its public names';
}

/** What reads the host's time or dice. */
const HostTime =
  /\b(Date\.now|new Date(?!\s*\(\s*[^\s)])|(?<!new )Date\(\s*\)|performance\.|setTimeout|setInterval|Math\.random|hrtime|random(UUID|Bytes|Int)|getRandomValues)|=\s*(Date|Math|performance)\s*;/;

export function hostTimeReads(file: SourceFile): string[] {
  if (file.path === HostTimeFile) return [];
  return file.code.split('\n').flatMap((line) => {
    const read = HostTime.exec(line)?.[0];
    return read === undefined ? [] : [`${file.path} uses ${read}: ask a VirtualClock, or ${HostTimeFile}`];
  });
}

/** What only Node has. */
const NodeGlobal = /(?<![.\w'"`])(Buffer\.|process\.|setImmediate\(|require\(|__dirname)/;

export function nodeGlobals({ path, code }: SourceFile): string[] {
  if (!runsInPage(path)) return [];
  const used = NodeGlobal.exec(code)?.[1];
  return used === undefined ? [] : [`${path} uses ${used}: a page has no such thing`];
}

const LongestFile: Readonly<Record<string, number>> = { devices: 250, sdk: 300, examples: 60 };

/** A file over its number is split, or says why in one line: `// Longer than 300 lines: ...`. */
export function tooLong({ path, lines }: SourceFile): string[] {
  const longest = LongestFile[path.split('/')[0] ?? ''];
  if (longest === undefined || lines.length <= longest) return [];
  const excused = lines.slice(0, 3).some((line) => line.startsWith(`// Longer than ${longest} lines: `));
  return excused ? [] : [`${path} has ${lines.length} lines, more than ${longest}: split it`];
}

/** What a device file must not say, and what it says instead. */
const DeviceHabits: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [/@\w+\.(?:read|write)\w*\(\s*(?:0x[1-9a-f]|0x0[0-9a-f]|[1-9])/i, 'name the register: only offset 0 may be a number'],
  [
    /^\s*(?:(?:private|protected|readonly|public)\s+)*\w+!\s*:/m,
    'a field is set where it is declared, or in the constructor',
  ],
  [/\bSymbol\(/, 'the abstract class is the token'],
];

export function brokenDeviceHabits({ path, code }: SourceFile): string[] {
  return DeviceHabits.flatMap(([pattern, instead]) => {
    const found = pattern.exec(code)?.[0].trim();
    return found === undefined ? [] : [`${path} says '${found}': ${instead}`];
  });
}

/** `needs()` of test/needs.ts gives a skipped test its reason, which the end of the run counts, and its tag. */
export function skipsWithoutReason({ path, code }: SourceFile): string[] {
  const skips = [...code.matchAll(/\b(?:it|test|describe)\.(?:skip|skipIf|runIf|todo)\(.*/g)];
  return skips.map(([text]) => `${path}: '${text}' gives no reason`);
}

/** Words of single buses. The machine room knows buses as values. */
const BusWords = /pci|Pci|PCI|\bISA\b|\bIsa[A-Z]|\bisa[A-Z]|\bisa\b/;

/** Lines of the machine room that name a bus, comments too. */
export function namedBuses({ path, lines }: SourceFile): string[] {
  if (roomOf(path) !== 'machine') return [];
  return lines.flatMap((line, index) => {
    const word = BusWords.exec(line)?.[0];
    return word === undefined ? [] : [`${path}:${index + 1} says '${word}': a bus is a value here`];
  });
}
