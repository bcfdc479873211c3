import type { BackendKind } from '../../backend/kinds.ts';
import type { Backend } from '../../backend/transport.ts';
import { BackplaneError } from '../../base/errors.ts';
import { didYouMean } from '../../base/text.ts';
import { backendKinds } from '../catalogue.ts';
import type { Arguments, OptionSyntax } from '../command.ts';
import type { LoadedPlugin } from '../plugins/plugin.ts';
import { type BackendRequest, requiredId, withoutNegations } from './backend-request.ts';
import { parseBlockdev, parseDrive } from './drives.ts';
import { parseSerial } from './serial.ts';
import { parseDashed, parseKeyValues } from './settings.ts';

/** Options that connect devices with the world outside of the machine. */
export const backendSyntax = {
  chardev: 'KIND,id=ID',
  serial: 'WHERE',
  drive: 'file=FILE,if=none,id=ID',
  blockdev: 'driver=file,node-name=ID,filename=FILE',
  nodefaults: true,
} as const satisfies OptionSyntax;

export const backendHelp = `  -chardev KIND,id=ID   a back end for characters: stdio, file, pipe, socket, ringbuf, null; -chardev help lists their settings
  -serial WHERE         the first, second, ... serial port: stdio, null, none, file:PATH, pipe:PATH, chardev:ID,
                        unix:PATH,server=on,wait=off, tcp:HOST:PORT,server=on
  -drive SETTINGS       a disk: file=disk.img,if=none,id=d0,format=raw,readonly=on,snapshot=on; a device takes it with drive=d0
  -blockdev SETTINGS    the same in QEMU's other form: driver=file,node-name=d0,filename=disk.img,read-only=on
  -nodefaults           leave out the devices that the machine has by default only`;

/** All back ends of a command line, in its order. Nothing is opened yet. */
export async function chooseBackends(args: Arguments, plugins: readonly LoadedPlugin[]): Promise<readonly Backend[]> {
  const requests: BackendRequest[] = args.all('chardev').map(parseChardev);
  for (const [index, text] of args.all('serial').entries()) {
    const serial = parseSerial(text, `serial${index}`);
    if (serial === undefined) continue;
    if ('chardev' in serial) rename(requests, serial, text);
    else requests.push(serial);
  }
  requests.push(...args.all('drive').map(parseDrive), ...parseBlockdev(args.all('blockdev')));
  refuseTwice(requests);
  const kinds = await backendKinds(plugins);
  return requests.map((request) => made(request, kinds));
}

/** `socket,id=c0,path=line.sock,server=on` or `backend=socket,id=c0,...`. */
function parseChardev(text: string): BackendRequest {
  const owner = `-chardev ${text}`;
  const { subject, settings, asksForHelp } = parseKeyValues('-chardev', text, {
    subjectKey: 'backend',
    switches: true,
  });
  if (asksForHelp)
    throw new BackplaneError('misplaced-argument', "to list the kinds of back ends, write 'backplane -chardev help'.");
  if (subject === '')
    throw new BackplaneError('malformed-setting', `${owner}: the kind is missing. Write -chardev KIND,id=ID.`);
  const { id, ...rest } = Object.fromEntries(settings);
  return { owner, id: requiredId(owner, id), kind: subject, settings: withoutNegations(new Map(Object.entries(rest))) };
}

/** `-serial chardev:ID`: that back end is the serial port's, and has its name. */
function rename(requests: BackendRequest[], { chardev, id }: { chardev: string; id: string }, text: string): void {
  const index = requests.findIndex((request) => request.id === chardev);
  const found = requests[index];
  if (found === undefined) {
    const known = requests.map((request) => request.id);
    const other = requests.find(
      ({ owner }) => owner.startsWith('-chardev ') && owner.split(',').includes(`id=${chardev}`),
    );
    const hint =
      other !== undefined
        ? `It is '${other.id}' already: give one of them a back end of its own.`
        : didYouMean(chardev, known, `Add -chardev KIND,id=${chardev}.`);
    throw new BackplaneError('no-such-backend', `-serial ${text}: there is no back end '${chardev}'. ${hint}`);
  }
  requests[index] = { ...found, id };
}

function refuseTwice(requests: readonly BackendRequest[]): void {
  const seen = new Map<string, string>();
  for (const { id, owner } of requests) {
    const first = seen.get(id);
    if (first !== undefined)
      throw new BackplaneError(
        'duplicate-backend',
        `${owner}: '${id}' is also the name in '${first}'. Give one another name.`,
      );
    seen.set(id, owner);
  }
}

/** Kinds of QEMU that this command does not have, and what to use instead. */
const instead: Readonly<Record<string, string>> = {
  pty: "Write 'socket,path=FILE,server=on,wait=off', and connect with socat.",
  vc: "Write 'stdio', or 'socket,path=FILE,server=on,wait=off'.",
  serial: "Write 'pipe,path=NAME', or 'socket'.",
  tty: "Write 'pipe,path=NAME', or 'socket'.",
  udp: "Write 'socket,host=HOST,port=PORT'.",
  memory: "Write 'ringbuf'.",
};

function made({ owner, id, kind, settings }: BackendRequest, kinds: readonly BackendKind[]): Backend {
  const found = kinds.find((one) => one.kind === kind);
  const type = /^-(drive|blockdev)/.test(owner) ? 'block' : 'char';
  if (found === undefined || found.type !== type) {
    const names = kinds.filter((one) => one.type === type).map((one) => one.kind);
    const other = Object.hasOwn(instead, kind) ? instead[kind] : undefined;
    const hint =
      other ?? didYouMean(kind, names, `Known: ${names.join(', ')}. If a plugin brings it, add -plugin FILE.`);
    throw new BackplaneError('unknown-backend-kind', `${owner}: there is no kind of back ends '${kind}'. ${hint}`);
  }
  refuseWindows(owner);
  return found.create(id, parseDashed(found.options, settings, `${owner}: kind '${kind}'`, ['id']));
}

function refuseWindows(owner: string): void {
  if (process.platform !== 'win32') return;
  throw new BackplaneError('not-on-windows', `${owner}: back ends are not for Windows yet. Use Linux, macOS or WSL.`);
}

/** The same for a look into a machine that does not run: nothing listens, and no file is emptied. */
export async function withoutTheHost(backends: readonly Backend[]): Promise<readonly Backend[]> {
  const { openBackends } = await import('../../backend/index.ts');
  const inert = backends.map((backend): Backend => {
    if (backend.type === 'block') return backend;
    const transport = { start() {}, write() {}, close() {}, describe: () => 'not opened' };
    return { ...backend, open: () => transport };
  });
  return openBackends(inert);
}
