import type { ProcessorBus } from '../../accelerator/kvm/simulated-kernel/processor.ts';
import { LargestPiece, LargestRamPiece, LongString, LongStringPiece, MostAnswered } from './access-list.ts';
import type { Exits } from './exits.ts';
import type { GuestState } from './guest-state.ts';
import type { WasmInstance } from './wasm-instance.ts';

/** A string instruction of many elements is done in pieces. Meanwhile its count register holds the elements of a piece. */
export class StringPieces {
  /** A string that has some left: where it is, and how long the next piece is. */
  #at = NaN;
  #next = 0;
  /** Elements of the piece under way; 0: there is none. */
  #piece = 0;
  /** The count register without the piece. */
  #whole = 0;
  #isLong = false;

  constructor(
    private readonly state: GuestState,
    private readonly exits: Exits,
    private readonly bus: ProcessorBus,
    private readonly wasm: WasmInstance,
  ) {}

  /** How many elements the string that the processor is in the middle of does next; 0 where it is in none. */
  get next(): number {
    return this.state.pointer === this.#at ? this.#next : 0;
  }

  /** The processor is reset, or restored where a string goes on with so many elements. */
  goOn(next: number): void {
    this.#at = next > 0 ? this.state.pointer : NaN;
    this.#next = next;
    this.#piece = 0;
  }

  /** The run that begins goes on with a string. */
  follow(): void {
    const { state, next } = this;
    if (next > 0) this.exits.piece = Math.min(next, state.instruction.decode(state.pointer).count);
  }

  /** A run begins. */
  begin(): void {
    this.#at = NaN;
    this.#isLong = false;
    this.#piece = 0;
    const { state, exits } = this;
    // A device may have written other code over the string.
    if (exits.piece > 0 && !state.instruction.decode(state.pointer).isRepeated) exits.piece = 0;
    if (exits.piece > 0) this.#take(state.pointer);
  }

  /** The string under way has more elements than a page. The run ends behind it, and it does a bounded number of them. */
  cutLong(): void {
    const { state, exits } = this;
    if (this.#piece > 0 || exits.beginsAgain || exits.injecting) return;
    exits.piece = Math.min(state.decodeCurrent().count, LongStringPiece);
    this.#isLong = true;
    this.#take(state.previousPointer);
    exits.endRun();
  }

  /** A throw has ended the run. */
  putBack(): void {
    if (this.#piece > 0) this.state.count = this.#whole;
    this.#piece = 0;
  }

  /** The rest of the count comes back, and the string begins again for it, unless it ended early or by a fault. True: it was long. */
  end(): boolean {
    const { state, exits } = this;
    const [piece, whole] = [this.#piece, this.#whole];
    this.#piece = 0;
    if (piece === 0) return false;
    const instruction = state.instruction.decode(state.previousPointer);
    const mask = instruction.has32BitAddress ? -1 : 0xffff;
    const done = piece - (state.count & mask);
    const left = (whole - done) & mask;
    state.count = (whole & ~mask) | left;
    if (done > LongString) {
      exits.answered = MostAnswered;
      this.bus.longString(done);
    }
    if (state.pointer !== instruction.end || left === 0) return this.#isLong;
    if (!instruction.goesOn(this.wasm.exports.get_eflags())) return this.#isLong;
    state.pointer = state.previousPointer;
    // A long string is cut anew: so it does not matter whether it was saved in between.
    if (this.#isLong) return true;
    this.#at = state.pointer;
    this.#next = this.#following;
    return false;
  }

  /** How many elements the next piece has: more each time while it meets no device. */
  get #following(): number {
    const { hasQueued, log, piece } = this.exits;
    if (hasQueued || log.count > 0 || piece < LargestPiece) return Math.min(piece, LargestPiece);
    return Math.min(2 * piece, LargestRamPiece);
  }

  /** It does some of its elements, as if its count were no more. */
  #take(pointer: number): void {
    const { state } = this;
    const { piece } = this.exits;
    this.#piece = piece;
    this.#whole = state.count;
    const isWide = state.instruction.decode(pointer).has32BitAddress;
    state.count = isWide ? piece : (state.count & ~0xffff) | piece;
  }
}
