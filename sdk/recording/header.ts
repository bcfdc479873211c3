import type { RecordedTrace, SimulatedAcceleratorOptions } from '../accelerator/index.ts';
import { BackplaneError } from '../base/errors.ts';
import { describeJson, isJsonObject, type Json, type JsonProblem, JsonReader } from '../base/json-reader.ts';
import { SECOND } from '../clock/time.ts';
import type { Machine } from '../machine/index.ts';
import { describeDevice, optionsAsData } from '../machine/snapshot/save.ts';

/** A back end as a recording says it. */
export interface RecordedBackend {
  readonly id: string;
  readonly type: 'char' | 'block';
  readonly kind: string;
  /** Of a character back end: it takes everything at once; the other side was there from the start. */
  readonly immediate: boolean;
  readonly open: boolean;
  /** Of a block back end: bytes, and whether it can be written. */
  readonly size: number;
  readonly readOnly: boolean;
}

/** An image that machine code came from. Its bytes are not in the recording. */
export interface RecordedImage {
  readonly kind: 'firmware' | 'kernel' | 'initrd' | 'binary';
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  /** 64 digits in hex. */
  readonly sha256: string;
}

/** What a recorded run ran on, from the lines at the beginning of the recording. */
export interface RunHeader {
  readonly machine: { readonly name: string; readonly ram: number; readonly options: Json };
  /** Id, type, options and place of each device, as in a snapshot. */
  readonly devices: readonly Json[];
  readonly backends: readonly RecordedBackend[];
  /** The accelerator's options, as far as a guest can notice them; null if they are not known. */
  readonly accelerator: SimulatedAcceleratorOptions | null;
  readonly processors: number;
  readonly guests: readonly string[];
  /** Guest time of the beginning in nanoseconds, in decimal. */
  readonly start: string;
  /** Accesses were changed or dropped on their way: a replay is not expected to have equal counts. */
  readonly tapped: boolean;
  /** Machine code ran. What it executed between its accesses, and guest RAM, are not in the recording. */
  readonly machineCode: boolean;
  readonly images: readonly RecordedImage[];
  /** So many bytes that devices read by DMA are in the recording at most. Undefined: it has no transfers. */
  readonly dmaLimit?: number;
  /** The timer limit of the run, if it had one of its own. */
  readonly timerLimit?: number;
}

const MostDevices = 4096;
const MostBackends = 256;
const MostImages = 64;
const MostProcessors = 64;
const LongestName = 256;

/** The back end of a header's line `# backend: {...}`; undefined for another line, or one that is damaged. */
export function backendOfLine(line: string): RecordedBackend | undefined {
  const [, text] = /^# backend: (.*)$/s.exec(line) ?? [];
  const problems: JsonProblem[] = [];
  const backend = text === undefined ? undefined : readBackend(parsed('backend', text, problems));
  return problems.length === 0 ? backend : undefined;
}

/** The lines of a header, with the first one. */
export function headerLines(header: RunHeader): string[] {
  const { machine, devices, backends, accelerator, processors, guests, start, tapped, timerLimit, dmaLimit } = header;
  // Of programs the line is as it always was.
  const machineCode = header.machineCode ? true : undefined;
  const line = (word: string, value: unknown) => `# ${word}: ${ascii(JSON.stringify(value))}`;
  return [
    '# iotrace v2',
    line('machine', machine),
    ...devices.map((device) => line('device', device)),
    ...backends.map((backend) => line('backend', backend)),
    ...header.images.map((image) => line('image', image)),
    line('run', { accelerator, processors, guests, start, tapped, timerLimit, machineCode, dmaLimit }),
  ].map((text) => `${text}\n`);
}

/** The text of a recording is ASCII. */
const ascii = (json: string): string =>
  json.replace(/[^\x20-\x7e]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** Reads the header of a recorded run. Refuses one that is not whole. */
export function readHeader(trace: RecordedTrace): RunHeader {
  const problems: JsonProblem[] = [];
  const all = (word: string, most: number) => {
    const lines = trace.header.filter((text) => text.startsWith(`${word}: `));
    if (lines.length > most)
      problems.push({ path: word, problem: `there are ${lines.length} lines, at most ${most} may be` });
    return lines.slice(0, most).map((text) => parsed(word, text.slice(word.length + 2), problems));
  };
  const one = (word: string) => all(word, 1)[0] ?? new JsonReader(undefined, word, problems, 'recording');
  const machine = one('machine').only('name', 'ram', 'options');
  const run = one('run').only(
    ...['accelerator', 'processors', 'guests', 'start', 'tapped', 'timerLimit', 'machineCode', 'dmaLimit'],
  );
  const start = run.member('start');
  const [limit, dmaLimit] = [run.member('timerLimit'), run.member('dmaLimit')];
  const header: RunHeader = {
    machine: {
      name: machine.member('name').text(LongestName),
      ram: machine.member('ram').integer(0, 2 ** 40),
      options: isJsonObject(machine.member('options').data) ? (machine.member('options').data as Json) : {},
    },
    devices: all('device', MostDevices).map(({ data }) => data as Json),
    backends: all('backend', MostBackends).map(readBackend),
    accelerator: readAccelerator(run.member('accelerator')),
    processors: run.member('processors').integer(1, MostProcessors),
    guests: run
      .member('guests')
      .list(MostProcessors)
      .map((name) => name.text(LongestName)),
    start: typeof start.data === 'string' && /^\d{1,30}$/.test(start.data) ? start.data : '0',
    tapped: run.member('tapped').boolean(),
    machineCode: run.member('machineCode').data === undefined ? false : run.member('machineCode').boolean(),
    images: all('image', MostImages).map(readImage),
    ...(limit.data === undefined ? {} : { timerLimit: limit.integer(1) }),
    ...(dmaLimit.data === undefined ? {} : { dmaLimit: dmaLimit.integer(0) }),
  };
  // Times are instruction counts then.
  if (header.machineCode && header.accelerator?.plainCost !== undefined)
    run.member('accelerator').member('plainCost').integer(1, SECOND);
  if (start.data !== header.start) start.refuse(`expected nanoseconds in decimal, found ${describeJson(start.data)}`);
  if (problems.length === 0) return header;
  const lines = problems.slice(0, MostShown).map(({ path, problem }) => `\n  - ${path}: ${problem}`);
  throw new BackplaneError(
    'recording-header-damaged',
    `Recording '${trace.name}': its header does not say what ran on what:${lines.join('')}\n  Record the run again.`,
  );
}

const MostShown = 10;

function parsed(word: string, text: string, problems: JsonProblem[]): JsonReader {
  try {
    return new JsonReader(JSON.parse(text), word, problems, 'recording');
  } catch {
    problems.push({ path: word, problem: 'is no JSON' });
    return new JsonReader(undefined, word, [], 'recording');
  }
}

function readBackend(reader: JsonReader): RecordedBackend {
  reader.only('id', 'type', 'kind', 'immediate', 'open', 'size', 'readOnly');
  const type = reader.member('type').data;
  if (type !== 'char' && type !== 'block') reader.member('type').refuse("expected 'char' or 'block'");
  return {
    id: reader.member('id').text(LongestName),
    type: type === 'block' ? 'block' : 'char',
    kind: reader.member('kind').text(LongestName),
    immediate: reader.member('immediate').boolean(),
    open: reader.member('open').boolean(),
    size: reader.member('size').integer(0, Number.MAX_SAFE_INTEGER),
    readOnly: reader.member('readOnly').boolean(),
  };
}

const imageKinds: readonly RecordedImage['kind'][] = ['firmware', 'kernel', 'initrd', 'binary'];

function readImage(reader: JsonReader): RecordedImage {
  reader.only('kind', 'name', 'size', 'sha256');
  const [kind, sum] = [reader.member('kind'), reader.member('sha256')];
  const known = imageKinds.find((one) => one === kind.data);
  if (known === undefined) kind.refuse(`expected one of ${imageKinds.join(', ')}`);
  const sha256 = sum.text(LongestName);
  if (!/^[0-9a-f]{64}$/.test(sha256)) sum.refuse('expected 64 digits in hex');
  const size = reader.member('size').integer(0, Number.MAX_SAFE_INTEGER);
  return { kind: known ?? 'binary', name: reader.member('name').text(LongestName), size, sha256 };
}

/** The accelerator checks the ranges of its options itself. */
function readAccelerator(reader: JsonReader): SimulatedAcceleratorOptions | null {
  if (reader.data === null) return null;
  reader.only(
    ...['coalescedMmio', 'coalescedPio', 'drain', 'kickAfter', 'seed', 'plainCost', 'capabilities', 'costs'],
    ...['processor', 'ring', 'isaAccess', 'machineCode'],
  );
  const given: Record<string, unknown> = {};
  for (const [name, one] of reader.entries()) {
    const { data } = one;
    if (name === 'drain' && data !== 'every-exit' && data !== 'on-access') one.refuse('is no policy of drains');
    else if (/^coalesced/.test(name)) given[name] = one.boolean();
    else if (name === 'kickAfter' && data === 'never') given[name] = Number.POSITIVE_INFINITY;
    else if (name === 'machineCode') one.text(LongestName);
    else if (name === 'processor' || name === 'ring') given[name] = one.text(LongestName);
    else if (name === 'capabilities' || name === 'costs' || name === 'drain') given[name] = data;
    else given[name] = one.number(-(2 ** 53), 2 ** 53);
  }
  const costs = reader.member('costs');
  for (const name of costs.data === undefined ? [] : ['kernel', 'userspace']) {
    const cost = costs.member(name);
    const average = isJsonObject(cost.data) ? cost.member('average') : cost;
    average.number(0, SECOND);
  }
  return given as SimulatedAcceleratorOptions;
}

/** What a machine is, for the header of its recording. */
export function describeMachine(machine: Machine): Pick<RunHeader, 'machine' | 'devices'> {
  const { definition, ramSize: ram, options, devices } = machine;
  return {
    machine: { name: definition.name, ram, options: optionsAsData(options) },
    devices: devices.map((plugged) => ({
      ...{ id: plugged.id, type: plugged.device.metadata.type },
      ...describeDevice(plugged),
    })),
  };
}
