import { type BigIntStats, readFileSync } from 'node:fs';
import { createServer } from 'node:net';

/** Whether another process may have the image too: readers share it, and a writer has it alone. */
export type LockMode = 'shared' | 'exclusive';

/** Images of this process, by device and inode. */
const held = new Map<string, { readers: number; writers: number }>();

/** A lock that is held, or who has it. */
export type ImageLock = { readonly unlock: () => void } | { readonly lockedBy: string };

/**
 * Locks an image until the process ends or gives it back. Node has no flock: the lock is the name of an abstract socket of Linux, which the
 * kernel frees with its process. On other systems an image is locked within this process only.
 */
export async function lockImage(file: BigIntStats, mode: LockMode): Promise<ImageLock> {
  const image = `${file.dev}:${file.ino}`;
  const own = held.get(image) ?? { readers: 0, writers: 0 };
  if (own.writers > 0 || (mode === 'exclusive' && own.readers > 0))
    return { lockedBy: 'another back end of this process' };
  const key = mode === 'exclusive' ? 'writers' : 'readers';
  held.set(image, own);
  own[key]++;
  const release = process.platform === 'linux' ? await bindName(image, mode) : () => {};
  const unlock = () => {
    release?.();
    own[key]--;
    if (own.readers + own.writers === 0) held.delete(image);
  };
  const other = release === undefined ? 'another process' : otherHolder(file, image, mode);
  if (other === undefined) return { unlock };
  unlock();
  return { lockedBy: other };
}

const Prefix = 'backplane-image/';
/** Names of this process so far. */
let taken = 0;

/**
 * Takes a name of this holder. Each side takes its name first and looks for others then: of two that come at once, at most one gets the
 * image. Undefined if the system refuses the name.
 */
async function bindName(image: string, mode: LockMode): Promise<(() => void) | undefined> {
  const server = createServer((stranger) => stranger.destroy());
  const name = `\0${Prefix}${image}/${mode}/${process.pid}.${taken++}`;
  const isBound = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen({ path: name }, () => resolve(true));
  });
  if (!isBound) return undefined;
  server.unref();
  return () => void server.close();
}

/** Another process that has the image in a way that does not go with `mode`. Names of sockets are in a list of the kernel. */
function otherHolder(file: BigIntStats, image: string, mode: LockMode): string | undefined {
  if (process.platform !== 'linux') return undefined;
  const names = new RegExp(`@${Prefix}${image}/(shared|exclusive)/(\\d+)\\.`, 'g');
  for (const [, theirs, pid] of readSystem('/proc/net/unix').matchAll(names)) {
    const goTogether = mode === 'shared' && theirs === 'shared';
    if (Number(pid) !== process.pid && !goTogether) return `process ${pid}`;
  }
  return isInQemu(file, mode) ? 'another program, such as QEMU' : undefined;
}

/** QEMU locks bytes of its images, and the kernel lists them: 101 says that its holder writes, 201 that no other may write. */
function isInQemu({ dev, ino }: BigIntStats, mode: LockMode): boolean {
  const digits = (value: bigint) => value.toString(16).padStart(2, '0');
  const device = `${digits((dev >> 8n) & 0xfffn)}:${digits((dev & 0xffn) | ((dev >> 12n) & 0xfff00n))}`;
  const locks = readSystem('/proc/locks').matchAll(new RegExp(`OFDLCK.* ${device}:${ino} (\\d+) (\\d+)$`, 'gm'));
  const holds =
    (byte: number) =>
    ([, first, last]: readonly string[]) =>
      Number(first) <= byte && byte <= Number(last);
  const ranges = [...locks];
  return ranges.some(holds(101)) || (mode === 'exclusive' && ranges.some(holds(201)));
}

function readSystem(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
