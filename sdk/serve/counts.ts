/** What a served device has done for its clients. */
export interface ServeCounts {
  /** Clients so far, each from its VERSION on. */
  clients: number;
  messages: number;
  /** Register reads, also of configuration space. */
  reads: number;
  /** Register writes, also those that came several in one message. */
  writes: number;
  /** Writes that the client did not wait for. */
  postedWrites: number;
  /** Messages with several writes: QEMU gathers them while it cannot send. */
  batches: number;
  /** Writes in them. */
  batchedWrites: number;
  /** Regions of guest memory that were mapped. */
  maps: number;
  /** Interrupts that were sent. */
  interrupts: number;
  resets: number;
  /** Messages that were answered with an errno. */
  errors: number;
  /** Handlers and timers of the device that threw. */
  failures: number;
  /** Answers that took longer than a second. */
  slowAnswers: number;
}

export const noCounts = (): ServeCounts => ({
  ...{ clients: 0, messages: 0, reads: 0, writes: 0, postedWrites: 0, batches: 0, batchedWrites: 0 },
  ...{ maps: 0, interrupts: 0, resets: 0, errors: 0, failures: 0, slowAnswers: 0 },
});
