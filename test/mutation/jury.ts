import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Question, Reply } from './verdict.ts';

const Worker = fileURLToPath(new URL('./worker.ts', import.meta.url));
/** A worker keeps every copy that it has loaded. */
const QuestionsPerWorker = 150;

export interface Conditions {
  readonly processes: number;
  /** Milliseconds. A copy that takes longer hangs: a test runner would end it too. */
  readonly patience: number;
  /** Host time after which nothing more is asked. */
  readonly until: number;
  readonly heard: () => void;
}

/** Asks the questions of several processes at once; a copy that hangs costs its process, and nothing else. */
export async function ask(
  questions: readonly Question[],
  { processes, patience, until, heard }: Conditions,
): Promise<ReadonlyMap<number, Reply>> {
  const replies = new Map<number, Reply>();
  const waiting = [...questions];

  const work = async (): Promise<void> => {
    let worker: ChildProcess | undefined;
    let asked = 0;
    for (let question = waiting.shift(); question !== undefined && Date.now() < until; question = waiting.shift()) {
      if (worker === undefined || asked++ >= QuestionsPerWorker) {
        worker?.kill();
        worker = fork(Worker, { execArgv: ['--import', 'tsx'], stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
        asked = 0;
      }
      const reply = await answerOf(worker, question, patience);
      if (reply.verdict === 'hangs') {
        worker.kill('SIGKILL');
        worker = undefined;
      }
      replies.set(question.id, reply);
      heard();
    }
    worker?.kill();
  };
  await Promise.all(Array.from({ length: processes }, work));
  return replies;
}

function answerOf(worker: ChildProcess, question: Question, patience: number): Promise<Reply> {
  return new Promise((resolve) => {
    const end = (reply: Reply): void => {
      clearTimeout(timer);
      worker.removeAllListeners();
      resolve(reply);
    };
    const lost = (by: string) => () => end({ id: question.id, verdict: 'hangs', by });
    const timer = setTimeout(lost('no answer in time'), patience);
    worker.once('message', (reply: Reply) => end(reply));
    worker.once('exit', lost('its process ended'));
    worker.send(question);
  });
}
