import { PciDevice } from '../../bus/index.ts';
import { type Device, type StateDeclaration, stateOf } from '../../device/index.ts';
import { within } from './observation.ts';

/** One field that is in snapshots, those of helper objects included. */
export interface DeclaredState {
  /** `time.base`: from the device. */
  readonly path: string;
  readonly value: unknown;
}

/** Every field of the device and of its helpers that is declared to be state, and is no helper itself. */
export function declaredState(device: Device): readonly DeclaredState[] {
  return partsOf(device, stateDeclared(device), '');
}

const stateDeclared = (device: Device): readonly StateDeclaration[] =>
  device.blueprint.state.filter(({ member }) => !isFrameworks(device, member));

function partsOf(owner: object, declarations: readonly StateDeclaration[], prefix: string): readonly DeclaredState[] {
  return declarations.flatMap(({ member }) => {
    const value = valueAt(owner, member);
    const path = `${prefix}${member}`;
    const inner = innerOf(value);
    return inner.length === 0 ? [{ path, value }] : partsOf(value as object, inner, `${path}.`);
  });
}

/** What the hardware keeps over a reset, by path: registers, state, and whole helpers with their timers. */
export function keptAtReset(device: Device): readonly string[] {
  return keptOf(device, stateDeclared(device), '');
}

function keptOf(owner: object, declarations: readonly StateDeclaration[], prefix: string): readonly string[] {
  return declarations.flatMap(({ member, atReset }) => {
    const value = valueAt(owner, member);
    const path = `${prefix}${member}`;
    return atReset === 'kept' ? [path] : keptOf(value as object, innerOf(value), `${path}.`);
  });
}

const innerOf = (value: unknown): readonly StateDeclaration[] =>
  typeof value === 'object' && value !== null ? stateOf(value.constructor) : [];

/** Members that the framework's base classes have: no author wrote them. */
export function isFrameworks(device: Device, member: string): boolean {
  return device instanceof PciDevice && OfPciDevice.includes(member);
}

/** Members of every PCI function, which the bus answers for. */
export const OfPciDevice: readonly string[] = ['config', 'bars', 'msi', 'busMaster'];

/** Whether a snapshot brings back what `fieldsOf` shows at a path: it is declared, the framework's, a timer or a pin. */
export function restoredBySnapshot(device: Device): (path: string) => boolean {
  const known = within([...declaredState(device).map(({ path }) => path), ...OfPciDevice]);
  return (path) => known(path) || path.endsWith('.deadline') || path.endsWith('.level');
}

/** What stands at a path, `time.base`, now. */
export function valueAt(device: unknown, path: string): unknown {
  let value = device;
  for (const name of path.split('.')) value = (value as Readonly<Record<string, unknown>> | undefined)?.[name];
  return value;
}
