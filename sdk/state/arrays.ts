import { describeJson, type Json, type JsonReader } from '../base/json-reader.ts';
import { readBytes, writeBytes } from './bytes.ts';
import type { LoadPlan, Shape, StatePlace } from './schema.ts';
import { numberTexts, shape } from './shapes.ts';

/** Arrays whose elements are more than bytes. */
export type NumberArray = Exclude<TypedArray, Uint8Array>;
type TypedArray =
  | Uint8Array
  | Int8Array
  | Uint8ClampedArray
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array;

/** So many bytes, in an array or a view that stays. */
export function fixedBytes(length: number): Shape {
  return Object.freeze({
    expected: `${length} bytes`,
    write: (value: unknown) =>
      ArrayBuffer.isView(value) && value.byteLength === length ? writeBytes(bytesOf(value)) : undefined,
    read(saved: JsonReader, place: StatePlace, plan: LoadPlan): void {
      const data = saved.data as Json;
      const bytes = readBytes(data, length);
      if (bytes?.length === length) plan.onValidated(() => bytesOf(place.get() as ArrayBufferView).set(bytes));
      else saved.refuse(`expected ${length} bytes, found ${bytes === undefined ? describeJson(data) : bytes.length}`);
    },
  });
}

/** Elements of 16 bits and more: numbers, or hexadecimal texts for those of 64. */
export function typedArray(present: NumberArray): Shape {
  const { length } = present;
  const isBig = present instanceof BigInt64Array || present instanceof BigUint64Array;
  const element = isBig ? shape.bigint : shape.number;
  const expected = `a list of ${length} numbers that fit a ${present.constructor.name}`;
  const elements = (value: unknown): unknown[] => Array.from(value as ArrayLike<unknown>);
  return Object.freeze({
    expected,
    write(value: unknown): Json | undefined {
      if (!ArrayBuffer.isView(value)) return undefined;
      const written = elements(value).map((one) => element.write(one));
      return written.length === length && !written.includes(undefined) ? (written as Json[]) : undefined;
    },
    read(saved: JsonReader, place: StatePlace, plan: LoadPlan): void {
      const data = saved.data as Json;
      const loaded = present.slice() as unknown as unknown[];
      const fits =
        Array.isArray(data) &&
        data.length === length &&
        // A copy has no holes, which every() would pass over.
        Array.from<Json>(data).every((one, index) => fitsAt(loaded, index, one, isBig));
      if (!fits) saved.refuse(`expected ${expected}, found ${describeJson(data)}`);
      else plan.onValidated(() => (place.get() as Uint16Array).set(loaded as unknown as Uint16Array));
    },
  });
}

/** Stores the element; true if it is the same afterwards. */
function fitsAt(loaded: unknown[], index: number, data: Json, isBig: boolean): boolean {
  let value: unknown = data;
  if (isBig) {
    if (typeof data !== 'string' || !/^-?0x[0-9a-f]{1,16}$/.test(data)) return false;
    value = data.startsWith('-') ? -BigInt(data.slice(1)) : BigInt(data);
  } else if (typeof data === 'string' && Object.hasOwn(numberTexts, data)) value = numberTexts[data];
  if (typeof value !== (isBig ? 'bigint' : 'number')) return false;
  loaded[index] = value;
  return Object.is(loaded[index], value);
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
