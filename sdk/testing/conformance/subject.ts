import { counted } from '../../base/text.ts';
import { busesOf, DmaPort, SystemBus } from '../../bus/index.ts';
import { type ClassMetadata, type ConcreteDeviceClass, type Device, metadataOf } from '../../device/index.ts';
import { KiB, MiB } from '../../memory/index.ts';
import type { TestBenchOptions } from '../bench/setup.ts';
import { TestBench } from '../bench/test-bench.ts';
import { Random } from '../random.ts';
import { shrinkNow } from '../shrink.ts';
import { shorterReceives } from './backend-steps.ts';
import { shorterTransfers } from './bus-steps.ts';
import type { CheckKind, ConformanceFailure, ConformanceSettings, Finding } from './check.ts';
import { within } from './device-fields.ts';
import { answerOf, threwWhere } from './differential.ts';
import { Layout, ramOf } from './layout.ts';
import { type RandomScriptOptions, randomScript, writesInARow } from './random-script.ts';
import { type ScriptStep, stepUnderWay } from './script.ts';
import { asGuestCode, asQtestScript } from './script-formats.ts';

/** One thing that holds for every device. */
export interface Check {
  readonly name: string;
  /** Undefined where there is nothing to check in this device. */
  applies?(subject: Subject): boolean;
  find(subject: Subject): Finding | undefined;
}

/** The most programs of a check that still waits for a case. */
const MostRuns = 60;
/** Shorter scripts tried before the best so far is printed. */
const ShrinkingTries = 400;

/** A device class under test: makes benches, and knows where its declaration puts everything. */
export class Subject {
  readonly metadata: ClassMetadata;
  readonly layout: Layout;
  readonly runs: number;
  readonly length: number;
  readonly values: readonly (number | bigint)[];
  /** What the lint leaves alone. */
  readonly notExercised: (path: string) => boolean;
  private readonly idioms: ConformanceSettings['idioms'];

  constructor(
    readonly deviceClass: ConcreteDeviceClass,
    readonly settings: ConformanceSettings,
  ) {
    this.metadata = metadataOf(deviceClass);
    this.layout = new Layout(this.bench(), this.metadata);
    this.runs = settings.runs ?? 10;
    this.length = settings.length ?? 250;
    this.values = settings.values ?? [];
    this.idioms = settings.idioms;
    this.notExercised = within(Object.keys(settings.notExercised ?? {}));
  }

  /** A new device, reset once, on a bench of its own. RAM holds a pattern, so that reads of it differ. */
  bench(
    more: Pick<
      TestBenchOptions<ConcreteDeviceClass>,
      'allocateRam' | 'beforeReset' | 'startAt' | 'backends' | 'images'
    > = {},
  ): TestBench<Device> {
    const { options, at = [], bus, addr, images = {}, services = () => [] } = this.settings;
    const place = { ...(bus === undefined ? {} : { bus: bus() }), ...(addr === undefined ? {} : { addr }) };
    const setup = {
      options,
      at,
      images,
      ...place,
      services: services(),
      ram: this.settings.ram ?? this.usualRam,
      ...more,
    };
    const bench = new TestBench<Device>(this.deviceClass, setup as TestBenchOptions<ConcreteDeviceClass>);
    const ram = ramOf(bench);
    ram.set(pattern.subarray(0, ram.length));
    for (const bus of busesOf(bench.device).values()) bus.attachStandIn?.();
    limitTransfers(bench);
    return bench;
  }

  /** A new device after these steps. */
  after(script: readonly ScriptStep[], bench = this.bench()): TestBench<Device> {
    for (const step of script) answerOf(bench, step);
    return bench;
  }

  /** Benches are many, so they are small; a device that rearranges memory gets more. */
  private get usualRam(): number {
    return this.metadata.injections.some(({ token }) => token === SystemBus) ? 1 * MiB : 64 * KiB;
  }

  /** Random numbers of one run of one check. */
  random(check: string, run = 0): Random {
    let hash = (this.settings.seed ?? 1) * 0x9e37 + run * 0x85eb;
    for (const character of check) hash = Math.imul(hash ^ character.charCodeAt(0), 0x0100_0193);
    return new Random(hash >>> 0);
  }

  /** A random program, of so many steps. */
  script(random: Random, length = this.length, more: Partial<RandomScriptOptions> = {}): ScriptStep[] {
    const { values, idioms } = this;
    return randomScript(this.layout, random, { length, values, idioms, ...more });
  }

  /** Writes of one register in a row, as a part of such a program. */
  writesInARow(random: Random, script: readonly ScriptStep[], length: number): ScriptStep[] {
    return writesInARow(this.layout, random, script, length, this.values);
  }

  /** Tries random scripts until one shows something, and shortens that one. Goes on while `wantsMore`. */
  search(
    check: string,
    makeScript: (random: Random) => readonly ScriptStep[],
    look: Look,
    runs = this.runs,
    wantsMore: () => boolean = () => false,
  ): Finding | undefined {
    for (let run = 0; run < runs || (run < MostRuns && wantsMore()); run++) {
      const script = makeScript(this.random(check, run));
      if (guarded(look)(script) !== undefined) return this.shorten(script, guarded(look));
    }
    return undefined;
  }

  /** Shortens a script while `patient`. One that shows nothing when it runs again is kept whole. */
  shorten(script: readonly ScriptStep[], look: Look, patient: () => boolean = () => true): Finding {
    const fails = (part: readonly ScriptStep[]) => patient() && look(part) !== undefined;
    const shortest = withShorterTransfers(shrinkNow(script, fails, ShrinkingTries), fails);
    const message = look(shortest);
    if (message !== undefined) return { message, script: shortest };
    return {
      message:
        look(script) ?? 'it does not fail again when the same steps are done again: its state is not all its own',
      script,
    };
  }

  /** For a person to read, and to run again. */
  describe(kind: CheckKind, check: string, { message, script }: Finding): ConformanceFailure {
    const { name } = this.deviceClass;
    const nameOf = this.layout.nameAt.bind(this.layout);
    const registers = this.layout.bus.busRegisters;
    const code =
      script.length === 0 ? [] : ['', 'As a guest program:', '', asGuestCode(script, nameOf, undefined, registers)];
    const qtest = script.length === 0 ? [] : ['', 'As a qtest script:', '', asQtestScript(script, registers)];
    const text = [`${name}: ${check}: ${message}`, ...code, ...qtest].join('\n');
    return { kind, check, message, script, text };
  }
}

type Look = (script: readonly ScriptStep[]) => string | undefined;

/** Makes the transfers of a short script as short as the failure allows. */
function withShorterTransfers(
  script: readonly ScriptStep[],
  fails: (part: readonly ScriptStep[]) => boolean,
): readonly ScriptStep[] {
  let best = script;
  for (let tries = 0, index = 0; index < best.length && tries < ShrinkingTries; ) {
    const step = best[index] as ScriptStep;
    const shorter: readonly ScriptStep[] =
      step.kind === 'transfer' ? shorterTransfers(step) : step.kind === 'receive' ? shorterReceives(step) : [];
    const found = shorter.map((one) => best.with(index, one)).find((part) => ++tries < ShrinkingTries && fails(part));
    if (found === undefined) index++;
    else best = found;
  }
  return best;
}

/** A device that throws is always a finding. */
function guarded(look: Look): Look {
  return (script) => {
    try {
      return look(script);
    } catch (error) {
      return `it ${threwWhere(error)} A guest must not be able to make it: report a mistake with guestError().`;
    }
  };
}

/** Bytes that all differ from their neighbours, in the first part of RAM. */
const pattern = Uint8Array.from({ length: 64 * KiB }, (_, index) => (index * 37 + (index >> 8) * 11 + 1) & 0xff);

/** A transfer of more bytes for one access or timer counts as unbounded. */
const MostBytes = 16 * MiB;
/** The same for a whole program, where the accelerator makes the accesses. */
const MostInProgram = 1024 * MiB;

/** Ends transfers whose length the guest chooses without a bound. */
function limitTransfers(bench: TestBench<Device>): void {
  const { device } = bench;
  const ports = [bench.service(DmaPort), ...Object.values(device).filter((part) => part instanceof DmaPort)];
  let altogether = 0;
  let cause: ScriptStep | undefined;
  const count = (length: number): void => {
    const step = stepUnderWay()?.step;
    // Each timer that fires in a wait is a cause of its own.
    if (step !== cause || step?.kind === 'wait') altogether = 0;
    cause = step;
    altogether += length;
    if (length <= MostBytes && altogether <= (step === undefined ? MostInProgram : MostBytes)) return;
    throw new RangeError(
      `the device transfers ${counted(altogether, 'byte')} at once: the length that the guest gives has no bound. ` +
        'Refuse or cut what is too long.',
    );
  };
  for (const port of ports) {
    const { read, write } = port;
    port.read = (address, target) => {
      count(target.length);
      return read.call(port, address, target);
    };
    port.write = (address, source) => {
      count(source.length);
      return write.call(port, address, source);
    };
  }
}
