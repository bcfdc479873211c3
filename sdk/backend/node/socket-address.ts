import { lstatSync, unlinkSync } from 'node:fs';
import { connect, isIP } from 'node:net';
import { BackplaneError } from '../../base/errors.ts';
import { reasonOf, systemCodeOf } from '../../base/system-errors.ts';

export interface SocketSettings {
  readonly id: string;
  /** A Unix socket. */
  readonly path?: string;
  /** TCP. Default of host: 127.0.0.1, this host alone. */
  readonly host?: string;
  readonly port?: number;
  /** Listens, and takes one client at a time. Default: connects. */
  readonly server?: boolean;
  /** A server: the run begins when the first client is there. Default: true. */
  readonly wait?: boolean;
  /** A client: seconds until it connects again. Default: never. */
  readonly reconnect?: number;
  /** A server may listen on an address that other hosts can reach. Default: false. */
  readonly allowRemote?: boolean;
}

/** Where a socket is: what Node's listen and connect take. */
export type SocketAddress = { readonly path: string } | { readonly host: string; readonly port: number };

export const Loopback = '127.0.0.1';

/** A path has room for so many bytes in the address of a Unix socket; macOS has 103. */
const LongestPath = process.platform === 'linux' ? 107 : 103;

export type SocketRefusal = (code: string, why: string, cause?: unknown) => BackplaneError;

export const socketRefusal =
  (id: string): SocketRefusal =>
  (code, why, cause) =>
    new BackplaneError(code, `Back end '${id}' (socket): ${why}`, { cause });

/** The address of these settings, or a refusal that says what to change. */
export function addressOf(settings: SocketSettings): SocketAddress {
  const { id, path, host, port, server = false, wait, reconnect, allowRemote = false } = settings;
  const refuse = socketRefusal(id);
  const wrong = (why: string) => refuse('bad-socket-settings', why);
  if (server && reconnect !== undefined) throw wrong('reconnect= is for clients. Leave it out, or write server=off.');
  if (!server && wait !== undefined) throw wrong('wait= is for servers. Leave it out, or write server=on.');
  if (path !== undefined) {
    if (host !== undefined || port !== undefined)
      throw wrong('path= is a Unix socket, and host= and port= are TCP. Give path=, or host= and port=.');
    const length = Buffer.byteLength(path);
    if (length === 0 || length > LongestPath)
      throw wrong(`path= has ${length} bytes, and a Unix socket has 1 to ${LongestPath}. Give a shorter path.`);
    return { path };
  }
  if (port === undefined) throw wrong('it has no address. Give path=, or host= and port=.');
  const address = { host: host === undefined || host === '' ? Loopback : host, port };
  if (server && !isLoopback(address.host) && !allowRemote)
    throw refuse(
      'socket-beyond-loopback',
      `other hosts could connect to '${address.host}'. Write host=${Loopback}, or add allow-remote=on.`,
    );
  return address;
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));

export const addressText = (address: SocketAddress): string =>
  'path' in address
    ? `unix:${address.path}`
    : `tcp:${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;

/** Makes room for a Unix socket that listens: removes the file of a process that is dead, and refuses any other. */
export async function clearPath(path: string, refuse: SocketRefusal): Promise<void> {
  const found = statusOf(path, refuse);
  if (found === undefined) return;
  if (!found.isSocket())
    throw refuse('socket-path-taken', `'${path}' exists and is no socket. Give another path, or remove the file.`);
  if (await isAnswered(path, refuse))
    throw refuse('socket-path-taken', `another program listens at '${path}'. End it, or give another path.`);
  try {
    unlinkSync(path);
  } catch (cause) {
    if (systemCodeOf(cause) !== 'ENOENT')
      throw refuse('socket-path-taken', `the old socket '${path}' cannot be removed (${reasonOf(cause)}).`, cause);
  }
}

function statusOf(path: string, refuse: SocketRefusal) {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (cause) {
    throw refuse('socket-not-opened', `'${path}' cannot be followed (${reasonOf(cause)}). Correct path=.`, cause);
  }
}

function isAnswered(path: string, refuse: SocketRefusal): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = connect({ path });
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', (cause) => {
      const code = systemCodeOf(cause);
      if (code === 'ECONNREFUSED' || code === 'ENOENT') resolve(false);
      // A full queue of clients is one of a live server.
      else if (code === 'EAGAIN') resolve(true);
      else
        reject(
          refuse('socket-path-taken', `'${path}' cannot be tried (${reasonOf(cause)}). Give another path.`, cause),
        );
    });
  });
}
