import { BackplaneError } from '../../base/errors.ts';

/** Sections of a WebAssembly module. @see WebAssembly Core Specification 2.0, 5.5.2 */
const Section = { Custom: 0, Import: 2, Export: 7, Code: 10 } as const;

const Magic = '\0asm\x01\0\0\0';
const FunctionNames = 1;
const ImportKind = { Function: 0, Table: 1, Memory: 2, Global: 3 } as const;

/** An unsigned LEB128. */
export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest & 0x7f) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return [...bytes, rest];
}

/** An unsigned LEB128 of five bytes, as linkers leave it. */
export const padded = (value: number): number[] =>
  [0, 7, 14, 21, 28].map((shift) => ((value >>> shift) & 0x7f) | (shift < 28 ? 0x80 : 0));

/** A signed LEB128 of 32 bits. */
export function signed(value: number): number[] {
  const bytes: number[] = [];
  let rest = value | 0;
  while (rest < -0x40 || rest > 0x3f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>= 7;
  }
  return [...bytes, rest & 0x7f];
}

class Reader {
  at: number;

  constructor(
    readonly bytes: Uint8Array,
    start: number,
  ) {
    this.at = start;
  }

  byte(): number {
    const value = this.bytes[this.at++];
    if (value === undefined) throw new BackplaneError('wasm-differs', 'The processor: the file ends too early.');
    return value;
  }

  number(): number {
    let value = 0;
    let scale = 1;
    while (true) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
  }

  slice(): Uint8Array {
    const length = this.number();
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  text(): string {
    return new TextDecoder().decode(this.slice());
  }
}

/** A module taken apart as far as the patch needs it: sections, bodies of functions, and their names. */
export class WasmFile {
  readonly #sections: { readonly id: number; content: Uint8Array }[] = [];
  /** Index of each imported function, by its name. */
  readonly imports = new Map<string, number>();
  /** Index of each function, by the name in the name section. */
  readonly #names: (readonly [name: string, index: number])[] = [];
  readonly #bodies: Uint8Array[] = [];

  constructor(bytes: Uint8Array) {
    if (new TextDecoder('latin1').decode(bytes.subarray(0, Magic.length)) !== Magic) {
      throw new BackplaneError('wasm-differs', 'The processor: the file is no WebAssembly module.');
    }
    const reader = new Reader(bytes, Magic.length);
    while (reader.at < bytes.length) {
      const id = reader.byte();
      const content = reader.slice();
      if (id === Section.Import) this.#readImports(content);
      if (id === Section.Code) this.#readBodies(content);
      if (id === Section.Custom) this.#readNames(content);
      else this.#sections.push({ id, content });
    }
  }

  /** The index of the one function of this name; a path of Rust (`3cpu3pic`) is the end of one. */
  indexOf(wanted: string): number {
    const isEnd = /^\d/.test(wanted);
    const found = this.#names.filter(([name]) => name === wanted || (isEnd && name.endsWith(wanted)));
    if (found.length === 1) return found[0]![1];
    throw new BackplaneError('wasm-differs', `The processor: ${found.length} functions are '${wanted}', not one.`);
  }

  importIndex(name: string): number {
    const index = this.imports.get(name);
    if (index !== undefined) return index;
    throw new BackplaneError('wasm-differs', `The processor imports no '${name}'.`);
  }

  /** The body of a function of the module: its locals and its code. */
  body(index: number): Uint8Array {
    return this.#bodies[index - this.imports.size]!;
  }

  setBody(index: number, body: Uint8Array): void {
    this.#bodies[index - this.imports.size] = body;
  }

  /** Adds an export: of a function (kind 0) or of a global (kind 3). */
  addExport(name: string, kind: number, index: number): void {
    const section = this.#sections.find(({ id }) => id === Section.Export)!;
    const reader = new Reader(section.content, 0);
    const count = unsigned(reader.number() + 1);
    const text = new TextEncoder().encode(name);
    const added = [...unsigned(text.length), ...text, kind, ...unsigned(index)];
    section.content = joined([count, section.content.subarray(reader.at), added]);
  }

  /** The module without its names. */
  toBytes(): Uint8Array<ArrayBuffer> {
    const parts: ArrayLike<number>[] = [Array.from(Magic, (letter) => letter.charCodeAt(0))];
    for (const { id, content } of this.#sections) {
      const code = id === Section.Code ? this.#code() : content;
      parts.push([id, ...unsigned(code.length)], code);
    }
    return joined(parts);
  }

  #code(): Uint8Array {
    return joined([unsigned(this.#bodies.length), ...this.#bodies.flatMap((body) => [unsigned(body.length), body])]);
  }

  #readImports(content: Uint8Array): void {
    const reader = new Reader(content, 0);
    for (let left = reader.number(); left > 0; left--) {
      reader.slice();
      const name = reader.text();
      const kind = reader.byte();
      if (kind === ImportKind.Function) {
        reader.number();
        this.imports.set(name, this.imports.size);
      } else if (kind === ImportKind.Global) {
        reader.at += 2;
      } else {
        if (kind === ImportKind.Table) reader.byte();
        if ((reader.byte() & 1) !== 0) reader.number();
        reader.number();
      }
    }
  }

  #readBodies(content: Uint8Array): void {
    const reader = new Reader(content, 0);
    for (let left = reader.number(); left > 0; left--) this.#bodies.push(reader.slice());
  }

  #readNames(content: Uint8Array): void {
    const reader = new Reader(content, 0);
    if (reader.text() !== 'name') return;
    while (reader.at < content.length) {
      const kind = reader.byte();
      const part = new Reader(reader.slice(), 0);
      if (kind !== FunctionNames) continue;
      for (let left = part.number(); left > 0; left--) {
        const index = part.number();
        this.#names.push([part.text(), index]);
      }
    }
  }
}

export function joined(parts: readonly ArrayLike<number>[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** The part of the WebAssembly interface that is used here: the library of types without a page has none. */
export interface WasmMemory {
  readonly buffer: ArrayBuffer;
}

export interface WasmGlobal {
  value: unknown;
}

/** A compiled module. */
export type WasmModule = object;

interface WebAssemblyInterface {
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => WasmModule;
  readonly Instance: new (
    module: WasmModule,
    imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  ) => { readonly exports: object };
  readonly Table: new (size: { readonly element: 'anyfunc'; readonly initial: number }) => object;
  readonly RuntimeError: new (message?: string) => Error;
}

/** Of Node and of a page alike. @see WebAssembly JavaScript Interface, 5 */
export const webAssembly = (globalThis as unknown as { readonly WebAssembly: WebAssemblyInterface }).WebAssembly;
