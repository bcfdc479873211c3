import { x86Wasm } from '../../../sdk/cli/x86-wasm.ts';
import { machineCodeOf } from '../../../sdk/processor/x86/load.ts';
import { WasmFile } from '../../../sdk/processor/x86/wasm-file.ts';
import { patchedModule } from '../../../sdk/processor/x86/wasm-patch.ts';
import type { MachineCode } from '../../../sdk/x86.ts';

/** Our processor with one opcode of its module exchanged: the last of these bytes, in the function whose name ends so. */
export async function withFault(name: string, there: readonly number[], then: number): Promise<MachineCode> {
  const original = x86Wasm();
  const patched = await patchedModule(original);
  const index = new WasmFile(original).indexOf(name);
  const file = new WasmFile(patched);
  const body = file.body(index).slice();
  const at = Buffer.from(body).indexOf(Buffer.from(there));
  if (at < 0) throw new Error(`'${name}' does not have this code.`);
  body[at + there.length - 1] = then;
  file.setBody(index, body);
  return machineCodeOf(file.toBytes());
}
