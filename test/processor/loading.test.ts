import { describe, expect, it } from 'vitest';
import { x86Wasm } from '../../sdk/cli/x86-wasm.ts';
import { WasmFile } from '../../sdk/processor/x86/wasm-file.ts';
import { patchedModule, patchReasons } from '../../sdk/processor/x86/wasm-patch.ts';
import { loadX86 } from '../../sdk/x86.ts';
import { needs, whyNoX86 } from '../needs.ts';
import { BareProcessor, code } from './bare-processor.ts';

const rejects = async (wasm: never, expected: string): Promise<void> => {
  await expect(loadX86({ wasm })).rejects.toThrow(expected);
};

describe('loading the x86 processor', needs('host', whyNoX86()), () => {
  it('takes bytes, a buffer, and an answer of fetch', async () => {
    const bytes = x86Wasm();
    const buffer = new Uint8Array(bytes).buffer;
    for (const wasm of [bytes, buffer, new Response(buffer)]) expect((await loadX86({ wasm })).name).toBe('x86');
  });

  it('refuses another build in one sentence: one changed byte, a cut file, and no module at all', async () => {
    const changed = new Uint8Array(x86Wasm());
    changed[changed.length >> 1]! ^= 1;
    const sentence =
      "The processor: these bytes are not build/v86.wasm of the package 'v86' 0.5.462, which alone was tried.";
    await rejects(changed as never, sentence);
    await rejects(x86Wasm().subarray(0, 1000) as never, sentence);
    await rejects(new TextEncoder().encode('<!doctype html>') as never, sentence);
    await expect(loadX86({ wasm: changed })).rejects.toMatchObject({ code: 'wasm-differs' });
  });

  it('says what to give where there are no bytes', async () => {
    await rejects(undefined as never, "build/v86.wasm of the package 'v86' 0.5.462 is not given. Give its bytes.");
    await rejects(new Response('', { status: 404 }) as never, 'was answered with status 404');
    await rejects(new Uint8Array(0) as never, 'there are no bytes');
  });

  it('says what a page lacks where WebAssembly may not be compiled', async () => {
    const { WebAssembly } = globalThis as unknown as { WebAssembly: { Module: unknown } };
    const { Module } = WebAssembly;
    WebAssembly.Module = () => {
      throw new Error("violates the following Content Security Policy directive: script-src 'self'");
    };
    try {
      await expect(loadX86({ wasm: x86Wasm() })).rejects.toMatchObject({ code: 'wasm-blocked' });
      await rejects(x86Wasm() as never, "A page needs 'wasm-unsafe-eval' in script-src");
    } finally {
      WebAssembly.Module = Module;
    }
  });

  it('says what a page lacks that may not compute a digest', async () => {
    const { crypto } = globalThis;
    Object.defineProperty(globalThis, 'crypto', { value: {}, configurable: true });
    try {
      await expect(loadX86({ wasm: x86Wasm() })).rejects.toMatchObject({ code: 'no-secure-context' });
    } finally {
      Object.defineProperty(globalThis, 'crypto', { value: crypto, configurable: true });
    }
  });

  it('finds each place that it patches by name, once, and says why it is patched', async () => {
    const file = new WasmFile(x86Wasm());
    const patched = new WasmFile(await patchedModule(x86Wasm()));
    for (const [where, why] of patchReasons()) {
      expect(why).toMatch(/^[A-Z].*\.$/);
      const index = file.indexOf(where);
      expect(Buffer.from(patched.body(index)).equals(file.body(index)), where).toBe(false);
    }
    expect(() => file.indexOf('io_port_read')).toThrow("0 functions are 'io_port_read', not one");
  });

  it('runs two machines of one module side by side, each with memory of its own', async () => {
    const machineCode = await loadX86({ wasm: x86Wasm() });
    const both = [1, 2].map((value) => {
      const bare = new BareProcessor(machineCode);
      bare.ram.set(code('05 01 00 00 00 e6 80 eb f7'), 0x1000);
      return bare.begin(32, 0x1000, { eax: value << 4 });
    });
    for (let turn = 0; turn < 3; turn++) for (const bare of both) bare.step();
    expect(both.map(({ seen }) => seen)).toEqual([
      ['out8 80=11', 'out8 80=12', 'out8 80=13'],
      ['out8 80=21', 'out8 80=22', 'out8 80=23'],
    ]);
  });

  it('refuses more RAM than the processor reaches', async () => {
    const { create, largestRam } = await loadX86({ wasm: x86Wasm() });
    expect(largestRam).toBe(2047 * 2 ** 20);
    expect(() => create().memory.allocate(2048 * 2 ** 20, 'pc.ram')).toThrow(
      "RAM 'pc.ram' has 2,048 MiB, and the processor x86 reaches 2,047 MiB. Give at most that.",
    );
  });
});
