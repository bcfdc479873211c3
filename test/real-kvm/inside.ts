import { readFileSync, writeSync } from 'node:fs';
import { type ConsoleDocument, type Job, Marker } from './console-documents.ts';

const LongestPiece = 16 * 1024;
const number = Number(process.argv[2]);

function emit(document: ConsoleDocument): void {
  const bytes = Buffer.from(`${Marker}${JSON.stringify(document)}\n`);
  for (let done = 0; done < bytes.length; ) done += writeSync(1, bytes, done);
}

/** What the script prints becomes documents: the kernel prints on the same console. */
function redirect(stream: NodeJS.WriteStream, name: 'stdout' | 'stderr'): void {
  stream.write = ((chunk: string | Uint8Array, encoding?: unknown, done?: () => void) => {
    const text = typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8');
    for (let start = 0; start < text.length; start += LongestPiece) {
      const piece = text.slice(start, start + LongestPiece);
      emit(name === 'stdout' ? { job: number, stdout: piece } : { job: number, stderr: piece });
    }
    const callback = typeof encoding === 'function' ? (encoding as () => void) : done;
    if (callback !== undefined) process.nextTick(callback);
    return true;
  }) as NodeJS.WriteStream['write'];
  // The serial console counts as a terminal, and no user reads it.
  stream.isTTY = false;
}

const job = (JSON.parse(readFileSync('/jobs.json', 'utf8')) as Job[])[number] as Job;
redirect(process.stdout, 'stdout');
redirect(process.stderr, 'stderr');
emit({ job: number, started: true });
process.argv = [process.argv[0] as string, job.script, ...job.args];
await import(job.script);
