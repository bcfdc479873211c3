import { readFileSync, realpathSync } from 'node:fs';
import { ProgramFailure, runProgram } from '../host-program.ts';
import type { NewcArchive } from './newc-archive.ts';

/** Puts a program of the host into an archive, with its loader and its libraries at the paths where it looks for them. */
export function addProgram(archive: NewcArchive, path: string, program: string): void {
  archive.file(path, readFileSync(realpathSync(program)), 0o755);
  for (const library of librariesOf(program)) archive.file(library.slice(1), readFileSync(library), 0o755);
}

/** What `ldd` names; a static program has none. */
function librariesOf(program: string): Set<string> {
  try {
    const text = `${runProgram('ldd', [realpathSync(program)])}`;
    return new Set([...text.matchAll(/(?:=> |^\s*)(\/\S+) \(0x/gm)].map(([, path]) => path as string));
  } catch (cause) {
    if (cause instanceof ProgramFailure && /not a dynamic executable/.test(cause.complaint)) return new Set();
    throw cause;
  }
}
