import { hex } from '../../base/text.ts';
import type { Device } from '../../device/index.ts';
import type { BenchBackends } from '../bench/backends.ts';
import { type TestBackend, TestBlockBackend, TestCharBackend } from '../bench/test-backends.ts';
import type { TestBench } from '../bench/test-bench.ts';
import type { Random } from '../random.ts';

/** What the other side of a back end does; `backend` is the name of the device's option. */
export type BackendStep =
  /** Bytes arrive. */
  | { readonly kind: 'receive'; readonly backend: string; readonly bytes: readonly number[] }
  /** It stops reading, or goes on; it comes or goes; it holds the line at break. */
  | {
      readonly kind: 'other-side';
      readonly backend: string;
      readonly does: 'stop' | 'go' | 'open' | 'close' | 'break';
    }
  /** The host fails: the next operation on the image does. */
  | { readonly kind: 'fail'; readonly backend: string; readonly error: 'input-output' | 'no-space' };

export function performOnBackend(bench: TestBench<Device>, step: BackendStep): void {
  performOnSide(bench.backends.find(step.backend), step);
}

/** The same for the other side itself. */
export function performOnSide(side: TestBackend | undefined, step: BackendStep): void {
  if (side instanceof TestBlockBackend) {
    if (step.kind === 'fail') side.failNext(step.error);
  } else if (step.kind === 'receive') side?.send(step.bytes);
  else if (step.kind === 'other-side') side?.[step.does]();
}

/** The names of the options whose back ends a random program moves. */
export interface BackendLayout {
  readonly characters: readonly string[];
  readonly blocks: readonly string[];
}

export function layoutOfBackends({ all }: BenchBackends): BackendLayout {
  const names = [...all];
  return {
    characters: names.flatMap(([name, one]) => (one instanceof TestCharBackend ? [name] : [])),
    blocks: names.flatMap(([name, one]) => (one instanceof TestBlockBackend ? [name] : [])),
  };
}

const MostBytes = 24;
/** Bytes of a hostile other side at once. */
const FloodBytes = 9000;

/** What the other side does, at random: mostly it sends a few bytes. Undefined where the device has no back end. */
export function randomBackendStep(
  { characters, blocks }: BackendLayout,
  random: Random,
  values: readonly (number | bigint)[],
  hostile: boolean,
): BackendStep | undefined {
  if (blocks.length > 0 && (characters.length === 0 || random.oneIn(3))) {
    const error = random.oneIn(2) ? 'input-output' : 'no-space';
    return random.oneIn(hostile ? 2 : 6) ? { kind: 'fail', backend: random.pick(blocks), error } : undefined;
  }
  if (characters.length === 0) return undefined;
  const backend = random.pick(characters);
  if (random.oneIn(6)) {
    const does = random.pick(['stop', 'go', 'go', 'close', 'open', 'open', 'break'] as const);
    return { kind: 'other-side', backend, does };
  }
  const isFlood = hostile && random.oneIn(40);
  const length = isFlood ? FloodBytes : random.oneIn(2) ? 1 : 1 + random.below(MostBytes);
  return { kind: 'receive', backend, bytes: Array.from({ length }, () => byteOf(random, values)) };
}

function byteOf(random: Random, values: readonly (number | bigint)[]): number {
  if (values.length > 0 && random.oneIn(4)) return Number(BigInt(random.pick(values)) & 0xffn);
  return random.oneIn(2) ? 0x20 + random.below(0x5f) : random.below(256);
}

/** Fewer bytes in place of many, to be tried when a script is shortened. */
export function shorterReceives({ bytes, ...rest }: BackendStep & { kind: 'receive' }): BackendStep[] {
  const shorter = [bytes.slice(0, Math.ceil(bytes.length / 2)), bytes.slice(0, -1)];
  return shorter
    .filter(({ length }) => length > 0 && length < bytes.length)
    .map((fewer) => ({ ...rest, bytes: fewer }));
}

/** A step as a line of a bench test, and of a qtest script. */
export function backendText(step: BackendStep): readonly [guest: string, qtest: string] {
  const side = `bench.backend('${step.backend}')`;
  if (step.kind === 'fail')
    return [`// ${side}.failNext('${step.error}')`, `# the next operation on '${step.backend}' fails: ${step.error}`];
  if (step.kind === 'other-side')
    return [`// ${side}.${step.does}()`, `# the other side of '${step.backend}': ${step.does}`];
  const bytes = step.bytes.map((byte) => hex(byte, 2));
  return [`// ${side}.send([${bytes.join(', ')}])`, `# '${step.backend}' receives ${bytes.join(' ')}`];
}
