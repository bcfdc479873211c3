import { checkBrackets, checkMember } from '../../base/decorated-member.ts';
import { definitionError } from '../../base/errors.ts';
import { ClassAttributeList, type ClassMetadata, type DeviceInstance } from '../class-metadata.ts';
import { recorderOf } from '../class-recorder.ts';
import { withSubDevices } from '../sub-devices.ts';

/** What `@input` says of a pin. Everything may be left out. */
export interface InputSpec {
  /** An array of so many pins, 1 to 1024; the method gets the index. Default: one pin. */
  readonly count?: number;
  /** The level while no wire leads to the pin. Default: false, low. */
  readonly unconnected?: boolean;
  /** For the reference of the device. */
  readonly description?: string;
}

/** An input pin of a class, or an array of them. */
export interface InputDeclaration {
  /** The method that is called with each edge. */
  readonly method: string;
  /** undefined: one pin, and no array. */
  readonly count: number | undefined;
  readonly unconnected: boolean;
  readonly description: string | undefined;
}

/** What `@input` declared: `metadataOf(Class).attribute(deviceInputs)`. */
export const deviceInputs = new ClassAttributeList<InputDeclaration>('input');

const MostPins = 1024;

/**
 * Makes a method an input pin of the device, which the machine wires by the method's name. It is called with each edge, in
 * order, and never while another handler of the device runs: an edge waits until that has returned.
 * `@input() hold(level: boolean): void {}`, `@input({ count: 8 }) line(level: boolean, index: number): void {}`.
 */
export function input(spec?: {
  readonly unconnected?: boolean;
  readonly description?: string;
  readonly count?: never;
}): <D extends DeviceInstance, M extends (level: boolean) => void>(
  target: D,
  // Not a private method: a machine wires it by its name.
  method: keyof D & string,
  descriptor: TypedPropertyDescriptor<M>,
) => void;
export function input(spec: {
  readonly unconnected?: boolean;
  readonly description?: string;
  readonly count: number;
}): <D extends DeviceInstance, M extends (level: boolean, index: number) => void>(
  target: D,
  method: keyof D & string,
  descriptor: TypedPropertyDescriptor<M>,
) => void;
export function input(spec: InputSpec = {}) {
  checkBrackets(spec, undefined, '@input()');
  return (target: object, method: string, descriptor: { readonly value?: unknown }): void => {
    checkMember(target, method, 'an input pin');
    checkSpec(target.constructor.name, method, spec, descriptor.value);
    const { count, unconnected = false, description } = spec;
    const declaration = Object.freeze({ method, count, unconnected, description });
    recorderOf(target.constructor).append(deviceInputs, declaration);
  };
}

function checkSpec(className: string, method: string, { count }: InputSpec, body: unknown): void {
  const fail = definitionError(className);
  if (typeof body !== 'function')
    throw fail(
      'invalid-input',
      `@input stands on '${method}', which is no method. Write @input() ${method}(level) {}.`,
    );
  if (count !== undefined && !(Number.isInteger(count) && count >= 1 && count <= MostPins))
    throw fail(
      'invalid-input',
      `@input '${method}' has the count ${count}. Give a whole number from 1 to ${MostPins}.`,
    );
  if (count !== undefined && body.length < 2)
    throw fail(
      'invalid-input',
      `@input '${method}' is an array, and its method takes no index. Write ${method}(level, index).`,
    );
  if (body.constructor.name !== 'Function')
    throw fail(
      'asynchronous-handler',
      `input '${method}' is asynchronous, and an edge does not wait. Arm a timer for later.`,
    );
}

/** The input pins of a class, base classes included; a subclass may declare one again. */
export function inputsOfClass({ attribute }: Pick<ClassMetadata, 'attribute'>): readonly InputDeclaration[] {
  const byMethod = new Map((attribute(deviceInputs) ?? []).map((one) => [one.method, one]));
  return [...byMethod.values()];
}

/** The names of a class's input pins, those of an array as `line[3]`. */
export function inputNamesOf(metadata: Pick<ClassMetadata, 'attribute'>): readonly string[] {
  return inputsOfClass(metadata).flatMap(({ method, count }) =>
    count === undefined ? [method] : Array.from({ length: count }, (_, index) => `${method}[${index}]`),
  );
}

/** The names of a device's input pins, and of those of devices inside it: `channels[1].hold`. */
export function inputNamesIn(device: DeviceInstance): readonly string[] {
  const names = (one: DeviceInstance) => new Map(inputNamesOf(one.metadata).map((name) => [name, name]));
  return [...withSubDevices(device, names).keys()];
}

/**
 * The public methods that can be input pins, by what a machine calls them: `hold`, or `line[3]` of an array. Those of devices inside
 * it are `channels[1].hold`.
 */
export type InputNames<D extends DeviceInstance, IsOuter = true> = {
  [K in keyof D & string]-?: D[K] extends (...values: infer A) => void
    ? A extends [boolean]
      ? K
      : A extends [boolean, number]
        ? `${K}[${number}]`
        : never
    : IsOuter extends true
      ? D[K] extends DeviceInstance
        ? `${K}.${InputNames<D[K], false>}`
        : D[K] extends readonly (infer E extends DeviceInstance)[]
          ? `${K}[${number}].${InputNames<E, false>}`
          : never
      : never;
}[keyof D & string];

/** The public methods that can be arrays of input pins. */
export type InputArrayNames<D extends DeviceInstance> = {
  [K in keyof D & string]-?: D[K] extends (...values: infer A) => void
    ? A extends [boolean, number]
      ? K
      : never
    : never;
}[keyof D & string];
