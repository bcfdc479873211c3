/**
 * What must not stay behind when the process ends: a raw terminal, a socket's file. It runs at an orderly end, after an uncaught error, at
 * process.exit(), and at a signal that has no other listener.
 */

/** Signals that ask a process to end. */
export const endingSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Signals that end a process at once, by the wish of its user or of the system. SIGKILL no process notices. */
const fatalSignals = ['SIGQUIT', 'SIGABRT', 'SIGALRM', 'SIGVTALRM', 'SIGUSR2', 'SIGXCPU'] as const;
const watched = [...endingSignals, ...fatalSignals];

const pending = new Set<() => void>();

/** Runs `undo` once when the process ends, synchronously. Answers how to run it sooner: it then leaves the list. */
export function atExit(undo: () => void): () => void {
  const once = () => {
    if (!pending.delete(once)) return;
    if (pending.size === 0) unwatch();
    undo();
  };
  if (pending.size === 0) watch();
  pending.add(once);
  return once;
}

function undoAll(): void {
  for (const undo of pending) {
    try {
      undo();
    } catch {
      // The process ends: the others still run.
    }
  }
}

/** Without a listener of the program the signal ends the process, as it does without this module. */
function onSignal(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return;
  undoAll();
  process.kill(process.pid, signal);
}

function watch(): void {
  process.on('exit', undoAll);
  for (const signal of watched) process.on(signal, onSignal);
}

function unwatch(): void {
  process.off('exit', undoAll);
  for (const signal of watched) process.off(signal, onSignal);
}
