import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { type Context, createContext, runInNewContext, Script } from 'node:vm';
import type { BehaviourRecord, ConformanceHost } from '../testing/index.ts';

export type { CodePiece, CodeStart, GeneralRegisters, GuestCode, ProcessorMode } from '../accelerator/guest/code.ts';
export { FlatBinary, type FlatBinaryOptions } from '../accelerator/guest/flat-binary.ts';
export { type FileSettings, file } from '../backend/node/file.ts';
export { type PipeSettings, pipe } from '../backend/node/pipe.ts';
export { type RawImageSettings, rawImage } from '../backend/node/raw-image.ts';
export { socket } from '../backend/node/socket.ts';
export type { SocketSettings } from '../backend/node/socket-address.ts';
export { type StdioSettings, stdio } from '../backend/node/stdio.ts';
export { type HostKvmOptions, hostKvmAccelerator } from '../host-kvm/accelerator.ts';
export type { ServeCounts } from '../serve/counts.ts';
export { serve } from '../serve/node/serve.ts';
export type { Served, ServeOptions } from '../serve/node/served.ts';
export { type ReadTraceOptions, readTrace } from './replay/trace-file.ts';
export { x86MachineCode, x86Wasm } from './x86-wasm.ts';

let collect: (() => void) | undefined;

/** Node ends only code of the `vm` module in time. One context serves all runs: to make one takes longer than many a run. */
let context: Context | undefined;
const callBody = new Script('body()');

/** What Node lends to a run of the conformance suite: `deviceConformance(MyUart, { describe, it, host: nodeHost })`. */
export const nodeHost: Required<ConformanceHost> = {
  heapUsed() {
    if (collect === undefined) {
      setFlagsFromString('--expose-gc');
      collect = runInNewContext('gc') as () => void;
    }
    collect();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  },
  runWithin(milliseconds, body) {
    context ??= createContext({});
    context['body'] = body;
    try {
      callBody.runInContext(context, { timeout: milliseconds });
      return true;
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
      return false;
    } finally {
      context['body'] = undefined;
    }
  },
  progress(line) {
    const { isTTY, columns = 80 } = process.stderr;
    if (isTTY) process.stderr.write(`\r\u001b[K${line.slice(0, columns - 1)}`);
  },
};

/** A record in a file. It is made where there is none, but in CI; BACKPLANE_RECORD=1 makes it again. */
export function recordFile(file: string | URL): BehaviourRecord {
  const isCi = process.env['CI'] !== undefined;
  const isWanted = process.env['BACKPLANE_RECORD'] === '1';
  return {
    name: String(file),
    read: () => (isWanted || !existsSync(file) ? undefined : readFileSync(file, 'utf8')),
    write: isCi ? undefined : (text) => writeFileSync(file, text),
  };
}
