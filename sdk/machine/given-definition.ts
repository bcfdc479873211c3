import { BackplaneError, type Problem } from '../base/errors.ts';
import { unknownWord } from '../base/text.ts';
import { isPlainObject, shown } from './given-values.ts';
import { usedProblems } from './given-wiring.ts';
import { WiringError } from './wiring.ts';

/** The properties of a MachineDefinition. */
export const definitionWords: readonly string[] = [
  'name',
  'aliases',
  'description',
  'services',
  'devices',
  'interruptController',
  'options',
  'prepare',
  'defaultRam',
];

/** The properties of a MachineRequest. */
export const requestWords: readonly string[] = [
  'accelerator',
  'ram',
  'options',
  'firmware',
  'deviceOptions',
  'startAt',
  'defaults',
  'backends',
  'onBackendError',
  'onGuestError',
  'onObserverFailure',
];

/** The properties of a RestoreRequest. */
export const restoreWords: readonly string[] = [...requestWords, 'guests', 'deviceClasses'];

/** Refuses a definition with values of a wrong kind, before anything is made of it. A WiringError lists them. */
export function checkDefinition(definition: unknown): void {
  if (!isPlainObject(definition)) {
    throw new BackplaneError(
      'bad-definition',
      `A machine is defined by an object, and this is ${shown(definition)}. Write defineMachine({ name, description, services, devices }).`,
    );
  }
  const { name, services, devices } = definition;
  if (typeof name !== 'string')
    throw new BackplaneError('bad-definition', `The name of a machine is ${shown(name)}. Write a text: name: 'my-pc'.`);
  const problems: Problem[] = [];
  const report = (code: string, what: string): void =>
    void problems.push({ code, message: `Machine '${name}'${what}` });
  const unknown = unknownWord(definition, definitionWords);
  if (unknown !== undefined) report('unknown-word', ` ${unknown}`);
  if (!Array.isArray(services)) report('bad-definition', `: services is ${shown(services)}. Write services: [...].`);
  else {
    services.forEach((module: unknown, index) => {
      if (typeof (module as { readonly load?: unknown } | null | undefined)?.load === 'function') return;
      report(
        'bad-definition',
        `: services[${index}] is ${shown(module)}. Write new ContainerModule(({ bind }) => ...).`,
      );
    });
  }
  if (!Array.isArray(devices))
    report('bad-definition', `: devices is ${shown(devices)}. Write devices: [use(TheClass)].`);
  else problems.push(...listProblems(name, devices));
  if (problems.length > 0) throw new WiringError(name, problems);
}

function listProblems(machine: string, devices: readonly unknown[]): Problem[] {
  return devices.flatMap((used, index) => usedProblems(used, `Machine '${machine}': devices[${index}]`));
}

/** Refuses a device to plug in that `use` has not made. */
export function checkPlugged(machine: string, used: unknown): void {
  const problems = usedProblems(used, `Machine '${machine}': plug()`);
  if (problems.length > 0) throw new WiringError(machine, problems);
}

/** Refuses a request with values of a wrong kind. */
export function checkRequest(machine: string, request: unknown, known = requestWords): void {
  const fail = (code: string, what: string): BackplaneError =>
    new BackplaneError(code, `Machine '${machine}': its request${what}`);
  if (!isPlainObject(request))
    throw fail('bad-request', ` is ${shown(request)}. Write an object, such as { ram: 64 * MiB }.`);
  const unknown = unknownWord(request, known);
  if (unknown !== undefined) throw fail('unknown-word', ` ${unknown}`);
  const { accelerator, options = {}, deviceOptions = {}, backends = [] } = request;
  if (accelerator !== undefined && !isPlainObject(accelerator))
    throw fail('bad-request', `: accelerator is ${shown(accelerator)}. Write simulatedAccelerator(), or leave it out.`);
  if (!Array.isArray(backends) || !backends.every(isBackend))
    throw fail('bad-request', ": backends is no list of back ends. Write backends: [ringBuffer({ id: 'serial0' })].");
  if (request['firmware'] !== undefined && !(request['firmware'] instanceof Uint8Array))
    throw fail('bad-request', ': firmware is no Uint8Array. Give the bytes of the image, or leave it out.');
  if (!isPlainObject(options)) throw fail('bad-request', `: options is ${shown(options)}. Write { name: value }.`);
  if (!isPlainObject(deviceOptions) || !Object.values(deviceOptions).every(isPlainObject))
    throw fail('bad-request', ': deviceOptions is not an object of objects. Write { device: { option: value } }.');
}

const isBackend = (value: unknown): boolean =>
  isPlainObject(value) && typeof value['id'] === 'string' && typeof value['open'] === 'function';
