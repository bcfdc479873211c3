import { SourceMap, type SourceMapPayload } from 'node:module';
import { fileURLToPath } from 'node:url';

/** The latest bundle of each plugin, by the path under which it was run. */
const bundles = new Map<string, string>();
/** Every file of the user's that was compiled into something that runs. */
const known = new Set<string>();

/** Remembers a bundle, in the place of the one before it. */
export function rememberBundle(path: string, code: string): void {
  bundles.set(path, code);
}

/** Files whose lines are worth naming: those that the user can change. */
export function rememberSources(files: readonly string[]): void {
  for (const file of files) known.add(file);
}

export const sources: ReadonlySet<string> = known;

/** Where a line of a bundle comes from, `chip.ts:12` with its folder. Node applies source maps to modules only. */
export function originOf(path: string, line: number, column: number): string | undefined {
  const origin = originIn(path, line, column);
  return origin === undefined ? undefined : `${origin.file}:${origin.line}`;
}

function originIn(path: string, line: number, column: number) {
  const code = bundles.get(path);
  const [, encoded] = /\/\/# sourceMappingURL=data:application\/json;base64,(\S+)\s*$/.exec(code ?? '') ?? [];
  if (encoded === undefined) return undefined;
  const payload = JSON.parse(Buffer.from(encoded, 'base64').toString('utf8')) as SourceMapPayload;
  const entry = new SourceMap(payload).findEntry(line - 1, column - 1);
  if (!('originalSource' in entry)) return undefined;
  const { href, protocol } = new URL(entry.originalSource, payload.sourceRoot);
  const place = { line: entry.originalLine + 1, column: entry.originalColumn + 1 };
  return protocol === 'file:' ? { file: fileURLToPath(href), ...place } : undefined;
}

/** A stack in which the lines of bundles are those of the files they were made of. */
export function withOrigins(stack: string): string {
  let text = stack;
  for (const path of bundles.keys()) {
    text = text.split(`${path}:`).reduce((before, after) => {
      const [, line, column, rest] = /^(\d+):(\d+)([\s\S]*)$/.exec(after) ?? [];
      const origin = line === undefined ? undefined : originIn(path, Number(line), Number(column));
      if (origin === undefined) return `${before}${path}:${after}`;
      return `${before}${origin.file}:${origin.line}:${origin.column}${rest}`;
    });
  }
  return text;
}
