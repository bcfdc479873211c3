import { PciDevice } from '../../bus/index.ts';
import { type Device, stateOf } from '../../device/index.ts';

/** One field that is in snapshots, those of helper objects included. */
export interface DeclaredState {
  /** `time.base`: from the device. */
  readonly path: string;
  readonly value: unknown;
}

/** Every field of the device and of its helpers that is declared to be state, and is no helper itself. */
export function declaredState(device: Device): readonly DeclaredState[] {
  const members = device.blueprint.state.map(({ member }) => member).filter((member) => !isFrameworks(device, member));
  return members.flatMap((member) => parts(device, member, ''));
}

function parts(owner: object, member: string, prefix: string): readonly DeclaredState[] {
  const value = (owner as Readonly<Record<string, unknown>>)[member];
  const path = `${prefix}${member}`;
  const inner = typeof value === 'object' && value !== null ? stateOf(value.constructor) : [];
  if (inner.length === 0) return [{ path, value }];
  return inner.flatMap((declaration) => parts(value as object, declaration.member, `${path}.`));
}

/** Members that the framework's base classes have: no author wrote them. */
export function isFrameworks(device: Device, member: string): boolean {
  return device instanceof PciDevice && OfPciDevice.includes(member);
}

/** Members of every PCI function, which the bus answers for. */
export const OfPciDevice: readonly string[] = ['config', 'bars', 'msi', 'busMaster'];

/** What stands at a path, `time.base`, now. */
export function valueAt(device: unknown, path: string): unknown {
  let value = device;
  for (const name of path.split('.')) value = (value as Readonly<Record<string, unknown>> | undefined)?.[name];
  return value;
}
