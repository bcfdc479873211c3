import type { RunOptions } from '../accelerator.ts';
import { DefaultOperationLimit } from './idle-watch.ts';

const DefaultProgressEvery = 10_000;

/** How many operations a run has left, and when its progress is to be told. Looked at between turns. */
export class RunBudget {
  /** What the guests had executed when the run began. */
  start = 0;
  /** Operations that the run has left. */
  left = 0;
  private counted = 0;
  private progressEvery = DefaultProgressEvery;
  private progressLeft = DefaultProgressEvery;
  private onProgress: ((operations: number) => void) | undefined;

  begin(options: RunOptions, operations: number): void {
    this.start = this.counted = operations;
    this.left = options.operationLimit ?? DefaultOperationLimit;
    this.progressEvery = this.progressLeft = options.progressEvery ?? DefaultProgressEvery;
    this.onProgress = options.onProgress;
  }

  /** How long the next turn may be. */
  get longestTurn(): number {
    return this.onProgress === undefined ? this.left : Math.min(this.left, this.progressLeft);
  }

  /** The guests have executed so many operations by now. */
  spend(operations: number): void {
    const spent = operations - this.counted;
    this.counted = operations;
    this.left -= spent;
    this.progressLeft -= spent;
    if (this.progressLeft > 0) return;
    this.progressLeft = this.progressEvery;
    this.onProgress?.(operations - this.start);
  }
}
