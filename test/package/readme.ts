import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const checkout = fileURLToPath(new URL('../../', import.meta.url));
export const readme = `${checkout}README.md`;

/** `<!-- file: PATH -->` or `<!-- output: backplane WORDS; from: REGEXP; to: REGEXP -->`, and the fenced block below it. */
const block = /<!-- (file|output): (.+?) -->\n```(\w+)\n[\s\S]*?```/g;

/** The README with each marked block filled in anew: with the file it shows, or with what the command prints now. */
export function renderReadme(text: string): string {
  return text.replaceAll(block, (_, kind: string, what: string, language: string) => {
    const content = kind === 'file' ? readFileSync(`${checkout}${what}`, 'utf8') : outputOf(what);
    return `<!-- ${kind}: ${what} -->\n\`\`\`${language}\n${content.trimEnd()}\n\`\`\``;
  });
}

export function markedFiles(text: string): string[] {
  return [...text.matchAll(block)].filter(([, kind]) => kind === 'file').map(([, , path]) => path ?? '');
}

function outputOf(what: string): string {
  const [command = '', ...limits] = what.split('; ');
  const [, ...words] = command.split(' ');
  const output = execFileSync(`${checkout}sdk/cli/backplane`, words, {
    cwd: checkout,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const limit = (name: string) => limits.find((text) => text.startsWith(`${name}: `))?.slice(name.length + 2);
  const lines = output.trimEnd().split('\n');
  const [from, to] = [limit('from'), limit('to')];
  const start = from === undefined ? 0 : lines.findIndex((line) => new RegExp(from).test(line));
  const end = to === undefined ? lines.length : lines.findIndex((line) => new RegExp(to).test(line));
  if (start < 0 || end < 0) throw new Error(`README: '${what}' names lines that the command does not print`);
  return lines.slice(start, end).join('\n');
}
