import { type GuestOperation, OperationKind } from './operation.ts';

/** One step of a guest program: used as `const status = yield* guest.in8(0x71)`. */
export type GuestStep<T> = Generator<undefined, T, undefined>;

/** The guest that a step belongs to: it has the operation of its processor, and counts the steps that begin. */
export interface StepOwner {
  readonly operation: GuestOperation;
  begin(): void;
}

const Stage = { Called: 0, Yielded: 1, Ended: 2 } as const;

const yielded: IteratorResult<undefined, never> = Object.freeze({ done: false, value: undefined });
const written: IteratorResult<undefined, undefined> = Object.freeze({ done: true, value: undefined });

/**
 * An access of up to 4 bytes. It is the generator
 * `function* () { owner.begin(); yield fill(owner.operation); return owner.operation.value; }`, written out. With a
 * generator for each access, a queued write takes a fifth longer.
 */
export class AccessStep<T> implements GuestStep<T> {
  private stage: (typeof Stage)[keyof typeof Stage] = Stage.Called;

  constructor(
    private readonly owner: StepOwner,
    private readonly kind: OperationKind,
    private readonly address: number,
    private readonly size: number,
    private readonly value: number,
  ) {}

  next(): IteratorResult<undefined, T> {
    const { stage } = this;
    if (stage === Stage.Called) {
      this.stage = Stage.Yielded;
      this.begin();
      return yielded;
    }
    this.stage = Stage.Ended;
    const isRead = this.kind === OperationKind.In || this.kind === OperationKind.Load;
    if (stage === Stage.Ended || !isRead) return written as IteratorResult<undefined, T>;
    return { done: true, value: this.owner.operation.value as T };
  }

  return(value: T): IteratorResult<undefined, T> {
    this.stage = Stage.Ended;
    return { done: true, value };
  }

  throw(error: unknown): never {
    this.stage = Stage.Ended;
    throw error;
  }

  [Symbol.iterator](): this {
    return this;
  }

  private begin(): void {
    const { owner } = this;
    owner.begin();
    const { operation } = owner;
    operation.kind = this.kind;
    operation.address = this.address;
    operation.size = this.size;
    operation.value = this.value;
    operation.valueHigh = 0;
  }
}
