import type { Machine } from '../machine/index.ts';
import { formatCoalescedReport } from './coalesced-text.ts';
import { explainCoalescedIo } from './explain-coalesced-io.ts';

/** `info coalesced`: what has become of every declared range. Queued writes are delivered first: they may move regions. */
export function infoCoalesced(machine: Machine): string {
  machine.settle();
  return formatCoalescedReport(explainCoalescedIo(machine));
}
