import type { BackendErrorSink } from '../../backend/index.ts';
import type { Terminal } from '../terminal.ts';

/** Kinds of failures of one back end that are told. */
const MostKinds = 20;

/**
 * Tells each kind of failure of a back end once, and that it happens again once: a guest can provoke as many as it likes. Failures of one
 * kind differ in their numbers only.
 */
export function noteBackendErrors({ note }: Pick<Terminal, 'note'>): BackendErrorSink {
  const times = new Map<string, Map<string, number>>();
  return (id, message) => {
    const ofBackend = times.get(id) ?? new Map<string, number>();
    times.set(id, ofBackend);
    const kind = message.replaceAll(/\d+/g, '0');
    if (ofBackend.size === MostKinds && !ofBackend.has(kind)) return;
    const before = ofBackend.get(kind) ?? 0;
    ofBackend.set(kind, before + 1);
    if (before === 0) note(`back end '${id}': ${message}`);
    else if (before === 1) note(`back end '${id}': that happens again, and is not told any more.`);
  };
}
