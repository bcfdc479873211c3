import { nodeHost } from '../sdk/cli/node.ts';

/** Bytes of the heap after forced collections, and after the callbacks that follow them: what is held weakly goes in a turn of its own. */
export async function collectedHeap(): Promise<number> {
  for (let times = 0; times < 3; times++) {
    nodeHost.heapUsed();
    await new Promise((done) => setTimeout(done, 10));
  }
  return nodeHost.heapUsed();
}
