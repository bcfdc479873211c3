/** The entries of version 0.1.0, and of today. */
export type OldEntry = 'backplane' | 'backplane/testing' | 'backplane/devices' | 'backplane/machines';
export type Entry = OldEntry | 'backplane/node' | 'backplane/runtime' | 'backplane/testing/qemu';

/** What became of a name that an entry of 0.1.0 exported. */
export type NameChange =
  /** It has another name, is exported by another entry, or both. What is left out is as it was. */
  | { readonly name?: string; readonly entry?: Entry }
  /** No entry exports it. The sentence says what to use instead. */
  | { readonly gone: string };

export type NameTable = Readonly<Partial<Record<OldEntry, Readonly<Record<string, NameChange>>>>>;

/** Names that moved to another entry and kept their spelling. */
export const moved = (entry: Entry, names: readonly string[]): Record<string, NameChange> =>
  Object.fromEntries(names.map((name) => [name, { entry }]));

/** Names that one sentence is true of. */
const gone = (instead: string, names: readonly string[]): Record<string, NameChange> =>
  Object.fromEntries(names.map((name) => [name, { gone: instead }]));

/**
 * Every name that 0.1.0 exported and that is not where it was. `backplane migrate` applies it; a test compares it with what the
 * entries export. Add a row with `Old: { name: 'New' }`, `...moved('backplane/runtime', ['Name'])` or `...gone('sentence', ['Name'])`.
 */
export const names: NameTable = {
  backplane: {
    ...gone('What is loaded is checked before onStateLoaded() of a device; throw an Error there to refuse it.', [
      'SavedData',
      'SavedProblem',
      'SavedReader',
      'describeData',
    ]),
    ...gone('A new machine checks itself: its warnings are in machine.warnings.', ['BuildCheck', 'buildChecks']),
    ...gone("It is a BackplaneError with the code 'late-timer'.", ['LateTimer']),
    PortsBehindBridge: { name: 'SubtractivePorts' },
    ...gone('The decorators of the package report unknown properties by themselves.', ['unknownWord']),
  },
};

/** A property or method of a public class, object or option, with its new name. */
export interface MemberChange {
  readonly name: string;
  /** What it belongs to, for the report: `VirtualClock`. */
  readonly of: string;
  /** No other library has a member of this name, so that each one in a file that imports the package is renamed. */
  readonly certain?: true;
}

/** Members by their old names. Types are not known here: without `certain` a member is reported, and left as it is. */
export const members: Readonly<Record<string, MemberChange>> = {
  handOnRead: { name: 'forwardRead', of: 'ClaimedConfigurationPorts', certain: true },
  handOnWrite: { name: 'forwardWrite', of: 'ClaimedConfigurationPorts', certain: true },
  masterMemory: { name: 'busMasterMemory', of: 'PciBus', certain: true },
  mistakes: { name: 'problems', of: 'WiringError' },
};
