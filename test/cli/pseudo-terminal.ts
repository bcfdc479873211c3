import { spawn, spawnSync } from 'node:child_process';

/** A program in front of a pseudo-terminal, which Node has none of. It answers what was shown, and how the program ended. */
const driver = `
import pty, os, sys, time, select, json, signal
argv, steps, limit = json.loads(sys.argv[1]), json.loads(sys.argv[2]), float(sys.argv[3])
pid, fd = pty.fork()
if pid == 0:
    os.execvp(argv[0], argv)
shown, step, seen, end = '', 0, 0, time.time() + limit
while time.time() < end:
    if select.select([fd], [], [], 0.02)[0]:
        try:
            data = os.read(fd, 65536)
        except OSError:
            break
        if not data:
            break
        shown += data.decode('latin1')
    while step < len(steps):
        awaited, action, what = steps[step]
        at = shown.find(awaited, seen)
        if at < 0:
            break
        seen = at + len(awaited)
        if action == 'type':
            os.write(fd, what.encode('latin1'))
        elif action == 'wait':
            time.sleep(float(what))
        else:
            os.kill(int(open(what).read()), getattr(signal, action))
        step += 1
else:
    os.kill(pid, signal.SIGKILL)
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
print(json.dumps({'shown': shown, 'steps': step, 'status': status}))
`;

/** Once a text is shown, keys are typed, a signal goes to the process of a file, or some seconds pass. */
export type TerminalStep = readonly [awaited: string, action: 'type' | 'wait' | NodeJS.Signals, what: string];

export interface Shown {
  readonly shown: string;
  /** How many steps were carried out. */
  readonly steps: number;
  readonly status: number;
}

/** Whether this host has what the driver needs. */
/** Why no program can be put in front of one; undefined where it can. */
export const whyNoPseudoTerminal = (): string | undefined =>
  spawnSync('python3', ['-c', 'import pty']).status === 0 ? undefined : "there is no 'python3' with its module pty.";

export function inTerminal(argv: readonly string[], steps: readonly TerminalStep[], seconds = 30): Promise<Shown> {
  return new Promise((resolve, reject) => {
    const child = spawn('python3', ['-c', driver, JSON.stringify(argv), JSON.stringify(steps), String(seconds)]);
    let [said, complained] = ['', ''];
    child.stdout.on('data', (text) => {
      said += String(text);
    });
    child.stderr.on('data', (text) => {
      complained += String(text);
    });
    child.on('close', () => {
      if (said === '') reject(new Error(complained));
      else resolve(JSON.parse(said) as Shown);
    });
  });
}
