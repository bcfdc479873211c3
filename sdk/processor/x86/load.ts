import type { MachineCode } from '../../accelerator/kvm/simulated-kernel/processor.ts';
import { BackplaneError, describeThrown } from '../../base/errors.ts';
import { CpuidTable } from './cpuid.ts';
import { LargestRam, LowMemory } from './low-memory.ts';
import { MsrIndices } from './model-specific-registers.ts';
import { X86Processor } from './processor.ts';
import { type WasmModule, webAssembly } from './wasm-file.ts';
import { WasmInstance } from './wasm-instance.ts';
import { PackageName, PackageVersion, patchedModule } from './wasm-patch.ts';

/** What has the bytes of a file: an answer of `fetch`, for one. */
export interface WasmResponse {
  readonly ok?: boolean;
  readonly status?: number;
  arrayBuffer(): Promise<ArrayBuffer>;
}

export interface X86Settings {
  /** build/v86.wasm of the package v86 0.5.462: its bytes, an answer of `fetch`, or where a page fetches it. */
  readonly wasm: Uint8Array | ArrayBuffer | WasmResponse | URL;
}

/**
 * An x86 processor of 32 bits for `new SimulatedKernel({ machineCode })`: the interpreter of the package v86, none of its devices. One
 * module serves any number of machines. Throws a `BackplaneError` for other bytes, and where a page may not compile WebAssembly.
 */
export async function loadX86({ wasm }: X86Settings): Promise<MachineCode> {
  return machineCodeOf(await patchedModule(await bytesOf(wasm)));
}

/** The processor of a module that is patched already. */
export function machineCodeOf(patched: Uint8Array<ArrayBuffer>): MachineCode {
  const module = compiled(patched);
  return { name: 'x86', cpuid: CpuidTable, msrs: MsrIndices, largestRam: LargestRam, create: () => createVm(module) };
}

function createVm(module: WasmModule): ReturnType<MachineCode['create']> {
  const wasm = new WasmInstance(module);
  const memory = new LowMemory(wasm);
  return {
    memory,
    processor: (bus) => {
      if (memory.bytes.length === 0) memory.allocate(0, 'none');
      return new X86Processor(wasm, memory, bus);
    },
  };
}

async function bytesOf(wasm: X86Settings['wasm']): Promise<Uint8Array> {
  if (wasm instanceof Uint8Array) return wasm;
  if (wasm instanceof ArrayBuffer) return new Uint8Array(wasm);
  const response = wasm instanceof URL ? await fetch(wasm) : wasm;
  if (typeof response?.arrayBuffer === 'function' && response.ok !== false) {
    return new Uint8Array(await response.arrayBuffer());
  }
  const why =
    typeof response?.arrayBuffer === 'function' ? `was answered with status ${response.status}` : 'is not given';
  throw new BackplaneError(
    'wasm-missing',
    `The processor: build/v86.wasm of the package '${PackageName}' ${PackageVersion} ${why}. Give its bytes.`,
  );
}

/** Compiled on the page's own thread: 2 MiB take a few milliseconds. */
function compiled(bytes: Uint8Array<ArrayBuffer>): WasmModule {
  try {
    return new webAssembly.Module(bytes);
  } catch (cause) {
    throw new BackplaneError(
      'wasm-blocked',
      `The processor: WebAssembly cannot be compiled here: ${describeThrown(cause)}. A page needs 'wasm-unsafe-eval' in script-src of its Content-Security-Policy.`,
      { cause },
    );
  }
}
