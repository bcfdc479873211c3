import { describeJson, JsonReader } from '../base/json-reader.ts';
import { StateError } from '../device/index.ts';
import type { MachineDefinition } from './machine-definition.ts';
import { ramProblem } from './ram-size.ts';
import { SnapshotSchema } from './snapshot.ts';

/** Of version 0.1.0. */
const FirstSchema = 'backplane-snapshot/1';

/** What a machine must be asked for so that a snapshot fits it. */
export interface SnapshotRequest {
  readonly ram: number;
  readonly options: Readonly<Record<string, unknown>>;
}

/** The beginning of a snapshot: enough to build the machine. Refuses what is no snapshot, and what no such machine can be. */
export function readRequest(snapshot: unknown, definition: MachineDefinition): SnapshotRequest {
  const { name } = definition;
  const reader = new JsonReader(snapshot, '', []);
  const schema = reader.member('schema').data;
  const refuse = (path: string, problem: string) => new StateError(refusal(name), [{ path, problem }]);
  if (typeof schema !== 'string' || !schema.startsWith('backplane-snapshot/'))
    throw refuse('', 'this is no snapshot of a machine');
  if (schema !== SnapshotSchema)
    throw refuse(
      'schema',
      `is ${describeJson(schema)}, and this version reads and writes ${SnapshotSchema}. Restore it with the version that wrote it` +
        `${schema === FirstSchema ? ', 0.1.0' : ''}, or run the guest again and save`,
    );
  const machine = reader.member('machine').only('name', 'ram', 'options', 'unplugged');
  const found = machine.member('name').text(Number.POSITIVE_INFINITY);
  // Not even a name: there is no machine in it.
  if (reader.problems.length > 0) throw new StateError(refusal(name), reader.problems);
  if (found !== name) {
    // Of another machine, nothing else would fit either.
    const problem = `expected '${name}', found ${describeJson(found)}. Restore it on the machine that was saved`;
    throw refuse('machine.name', problem);
  }
  const ram = machine.member('ram').integer(0, 2 ** 40);
  const problem = ramProblem(ram);
  if (problem !== undefined && reader.problems.length === 0)
    machine.member('ram').refuse(`is ${ram} bytes: ${problem}`);
  const options = readOptions(machine.member('options'), definition);
  if (reader.problems.length > 0) throw new StateError(refusal(name), reader.problems);
  return { ram, options };
}

/** The machine's own options, each a value of its option. */
function readOptions(reader: JsonReader, { options: set }: MachineDefinition): Readonly<Record<string, unknown>> {
  reader.only(...(set?.names ?? []));
  const known = reader.entries().filter(([name]) => Object.hasOwn(set?.declarations ?? {}, name));
  return Object.fromEntries(known.map(([name, saved]) => [name, optionFromData(saved, set?.declarations[name])]));
}

interface ReadableOption {
  readonly expected: string;
  parse(text: string): unknown;
  problem(value: unknown): string | undefined;
}

/** The value that stands for one of an option; what is none is refused, and stays. */
export function optionFromData(saved: JsonReader, option: ReadableOption | undefined): unknown {
  const { data } = saved;
  if (option === undefined || option.problem(data) === undefined) return data;
  const parsed = typeof data === 'string' ? option.parse(data) : undefined;
  if (parsed !== undefined && option.problem(parsed) === undefined) return parsed;
  saved.refuse(`expected ${option.expected}, found ${describeJson(data)}`);
  return data;
}

export function refusal(machine: string): string {
  return `This snapshot cannot be restored on machine '${machine}'`;
}
