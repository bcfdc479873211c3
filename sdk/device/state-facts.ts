import type { DeviceBlueprint, DeviceDescription } from './blueprint.ts';
import type { Fail } from './blueprint-checks.ts';
import type { RegisterDeclaration } from './registers/declaration.ts';
import { type StateDeclaration, stateOf } from './state.ts';
import { registerShape } from './state-registers.ts';

type StateFacts = Pick<DeviceBlueprint, 'version' | 'minimumVersion' | 'retired' | 'state'>;

/** What the class says about its snapshots, checked; what it does not say is as in its base. A register's field is state without `@state`, unless it never changes. */
export function stateFacts(
  // biome-ignore lint/complexity/noBannedTypes: only its prototype chain matters
  deviceClass: Function,
  description: DeviceDescription,
  base: DeviceBlueprint | undefined,
  registers: readonly RegisterDeclaration[],
  fail: Fail,
): StateFacts {
  const { version = base?.version ?? 1, minimumVersion = base?.minimumVersion ?? 1 } = description;
  const retired = [...(base?.retired ?? []), ...(description.retired ?? [])];
  for (const [name, value] of Object.entries({ version, minimumVersion })) {
    if (Number.isInteger(value) && value >= 1) continue;
    throw fail(`@device has ${name}: ${value}. Versions are whole numbers from 1.`);
  }
  if (minimumVersion > version) {
    throw fail(
      `@device has minimumVersion ${minimumVersion} above its version ${version}. Lower it, or raise version.`,
    );
  }
  const declared = stateOf(deviceClass);
  const members = new Set(declared.map(({ member }) => member));
  const ofRegisters = registers.filter(({ member }) => !members.has(member)).flatMap(registerState);
  const state = [...ofRegisters, ...declared];
  checkFields(state, version, retired, fail);
  return { version, minimumVersion, retired: Object.freeze(retired), state: Object.freeze(state) };
}

function checkFields(
  state: readonly StateDeclaration[],
  version: number,
  retired: readonly string[],
  fail: Fail,
): void {
  const names = new Map<string, StateDeclaration>();
  for (const declaration of state) {
    const { member, name, since } = declaration;
    if (since > version) {
      throw fail(
        `@state field '${member}' was added in version ${since}, and @device is of version ${version}. Raise version to ${since}.`,
      );
    }
    const other = names.get(name);
    if (other !== undefined) {
      throw fail(`'${other.member}' and '${member}' are both called '${name}' in snapshots. Give one another name.`);
    }
    if (retired.includes(name)) {
      throw fail(`'${name}' is retired in @device and state at once. Keep one of them.`);
    }
    names.set(name, declaration);
  }
}

function registerState(register: RegisterDeclaration): StateDeclaration[] {
  const { member, access, fields, atReset } = register;
  const modes = fields.length === 0 ? [access] : fields.map((field) => field.access);
  if (modes.every((mode) => mode === 'constant' || mode === 'reserved')) return [];
  const kept = atReset === 'kept' ? atReset : undefined;
  const shape = registerShape(register);
  return [Object.freeze({ member, name: member, since: 1, shape, subsection: undefined, atReset: kept })];
}
