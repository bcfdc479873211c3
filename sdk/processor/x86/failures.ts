import { Stop } from '../../accelerator/kvm/simulated-kernel/processor.ts';
import { BackplaneError } from '../../base/errors.ts';
import { hex } from '../../base/text.ts';
import { Endless } from './exits.ts';
import type { GuestState } from './guest-state.ts';
import { holdsCode } from './low-memory.ts';
import { At } from './state-layout.ts';
import { webAssembly } from './wasm-file.ts';

/** What the module says when a fault cannot be delivered: a gate, a stack or a task that the guest does not have. */
const Undeliverable = /#(GP|TS|NP|SS) handler/;
/** The module says first where in its source it gave up. */
const SourceLine = /^panicked at [^\n]*\n/;
/** What an engine says of a full stack: a RangeError of V8 and JavaScriptCore, an InternalError of Firefox. */
const FullStack = /call stack|too much recursion/;
/** A fault whose delivery faults. The host's stack is not expected to fill up, unless it is nearly full before. */
const isRecursion = (thrown: unknown): boolean =>
  thrown === Endless || (thrown instanceof Error && FullStack.test(thrown.message));

/** Why a processor stands still. */
export interface Failure {
  readonly stop: typeof Stop.Shutdown | typeof Stop.Failed;
  readonly error: BackplaneError;
  readonly instruction?: Uint8Array;
}

interface Failing {
  readonly state: GuestState;
  readonly exits: { readonly lastWords: string };
  readonly whereabouts: string;
}

/** Whether the next instruction lies where the processor has no bytes, or those of a device. */
export function isOutsideMemory({ words, pointer, ram }: GuestState): boolean {
  if ((pointer & ~0xfff) !== words[At.codePage >> 2]) return false;
  return !holdsCode((pointer ^ words[At.codePagePhysical >> 2]!) >>> 0, ram.length);
}

export function outsideMemory({ state, whereabouts }: Failing): Failure {
  const where = hex((state.pointer ^ state.words[At.codePagePhysical >> 2]!) >>> 0);
  return {
    stop: Stop.Failed,
    error: new BackplaneError(
      'code-outside-memory',
      `The processor x86 at ${whereabouts}: the guest executes from ${where}, where neither its RAM nor the ROM below 4 GiB is.`,
    ),
    instruction: new Uint8Array(0),
  };
}

/** What a throw out of the module means. Errors of the host's own code go on. */
export function failureOf(failing: Failing, thrown: unknown): Failure {
  const { state, exits, whereabouts } = failing;
  const words = exits.lastWords.replace(SourceLine, '').replace(/\.$/, '');
  if (isRecursion(thrown) || Undeliverable.test(words)) {
    const cause = isRecursion(thrown)
      ? 'delivering a fault faults again'
      : 'its interrupt table, stack or task has no place for a fault';
    return {
      stop: Stop.Shutdown,
      error: new BackplaneError('triple-fault', `The processor x86 at ${whereabouts} shuts down: ${cause}.`),
    };
  }
  const instruction = state.instruction.bytes(state.previousPointer);
  if (!(thrown instanceof webAssembly.RuntimeError)) throw thrown;
  const physical = state.linear.physical(state.pointer >>> 0);
  if (words === '' && (physical < 0 || !holdsCode(physical, state.ram.length))) return outsideMemory(failing);
  const bytes = Array.from(instruction, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return {
    stop: Stop.Failed,
    error: new BackplaneError(
      'instruction-not-executed',
      `The processor x86 at ${whereabouts} cannot execute '${bytes}': ${words === '' ? thrown.message : words}.`,
      { cause: thrown },
    ),
    instruction,
  };
}
