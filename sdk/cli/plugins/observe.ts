import { describeThrown } from '../../base/errors.ts';
import type { Machine, ObserverFailureSink } from '../../machine/index.ts';
import type { Terminal } from '../terminal.ts';
import { withPlace } from './failure-place.ts';
import type { LoadedPlugin } from './plugin.ts';

/** Lets every observer of these plugins watch a machine; answers how to end that, summaries included. */
export function observeWith(plugins: readonly LoadedPlugin[], machine: Machine): () => void {
  const ends = plugins.flatMap(({ observers }) => observers.map((observer) => machine.observe(observer)));
  return () => {
    for (const end of ends) end();
  };
}

/** Says which observer was taken off, why, and where in its file that was. */
export function reportObservers(terminal: Terminal): ObserverFailureSink {
  return (observer, failure) => {
    const why = withPlace(describeThrown(failure), failure);
    terminal.note(`observer '${observer}' threw and was taken off: ${why}`);
  };
}
