import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { delimiter } from 'node:path';
import { fileURLToPath } from 'node:url';
import { backplane as typed } from '../cli/fake-terminal.ts';

const commandFolder = fileURLToPath(new URL('../../sdk/cli', import.meta.url));
/** A client of the socket of a run, which says something and listens to the end. */
const Client = /^printf '(.*)' \| nc -U (\S+)$/;

/**
 * `COMMAND; from: REGEXP; to: REGEXP`: what the command prints, below the command. `during: the run above` says that the run of the last
 * block for a terminal goes on meanwhile, and has to end well.
 */
export async function outputOf(what: string, above: string): Promise<string> {
  const [command = '', ...limits] = what.split('; ');
  const limit = (name: string) => limits.find((text) => text.startsWith(`${name}: `))?.slice(name.length + 2);
  const printed = limit('during') === undefined ? await said(command) : await saidDuring(command, above);
  const lines = printed.trimEnd().split('\n');
  const [from, to] = [limit('from'), limit('to')];
  const start = from === undefined ? 0 : lines.findIndex((line) => new RegExp(from).test(line));
  const after = (line: string, at: number) => at > start && new RegExp(to ?? '').test(line);
  const stop = to === undefined ? lines.length : lines.findIndex(after);
  if (start < 0 || stop < 0) throw new Error(`'${what}' prints no such lines:\n${lines.join('\n')}`);
  return `$ ${command}\n${lines.slice(start, stop).join('\n')}`;
}

/**
 * Words of a command. `check` gets time enough: on a busy machine it would say that its seconds were over. The project of `new` depends
 * on a package: of a checkout the command may say that it is not built.
 */
function wordsOf(command: string): readonly string[] {
  const [, ...words] = command.split(' ');
  if (words[0] === 'new') return [...words, '-backplane', '*'];
  return words[0] === 'check' ? [...words, '-seconds', '120'] : words;
}

/** Commands that only read a recording of the package say the same each time. A page that shows two parts runs such a command once. */
const AlwaysTheSame = /^backplane advise [\w-]+ -top \d+$/;
const known = new Map<string, Promise<string>>();

function said(command: string): Promise<string> {
  const text = known.get(command) ?? saidNow(command);
  if (AlwaysTheSame.test(command)) known.set(command, text);
  return text;
}

/** A command with a pipe is one for a shell; others run in this process. */
async function saidNow(command: string): Promise<string> {
  if (command.includes(' | ')) return inShell(command);
  const { printed, noted } = await typed(...wordsOf(command));
  return [printed, noted].filter(Boolean).join('\n');
}

function inShell(command: string): Promise<string> {
  const env = { ...process.env, PATH: `${commandFolder}${delimiter}${process.env['PATH']}` };
  return new Promise((resolve, reject) => {
    execFile('sh', ['-c', command], { env }, (error, stdout) => (error ? reject(error) : resolve(stdout)));
  });
}

async function saidDuring(client: string, run: string): Promise<string> {
  const [, text = '', path = ''] = client.match(Client) ?? [];
  const running = typed(...wordsOf(run));
  const [answer, { status, noted }] = await Promise.all([heard(path, text), running]);
  if (status !== 0 || noted !== '') throw new Error(`'${run}' ends with status ${status}: ${noted}`);
  return answer;
}

async function heard(path: string, text: string): Promise<string> {
  const socket = await connected(path);
  let answer = '';
  socket.setEncoding('utf8').on('data', (data) => {
    answer += data;
  });
  socket.write(text);
  await new Promise((resolve) => socket.once('close', resolve));
  return answer;
}

/** Connects as soon as the run listens. */
async function connected(path: string): Promise<Socket> {
  for (let tries = 0; !existsSync(path); tries++) {
    if (tries > 2000) throw new Error(`the run does not listen at '${path}'`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return new Promise((resolve, reject) => {
    const socket = connect({ path }, () => resolve(socket)).once('error', reject);
  });
}
