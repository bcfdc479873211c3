import { afterEach, describe, expect, it, vi } from 'vitest';
import { hostTerminal } from '../../sdk/cli/terminal.ts';

const Erase = '\r\x1b[K';

/** What the host's terminal is made to write, stream by stream. */
function watched(isTty: boolean, environment: Record<string, string> = {}) {
  const out: string[] = [];
  const error: string[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => out.push(String(text)) > 0);
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => error.push(String(text)) > 0);
  for (const stream of [process.stdout, process.stderr]) {
    Object.defineProperty(stream, 'isTTY', { value: isTty, configurable: true });
  }
  for (const name of ['NO_COLOR', 'TERM']) vi.stubEnv(name, environment[name] ?? '');
  return { terminal: hostTerminal(), out, error };
}

describe("the host's terminal", () => {
  const wasTty = [process.stdout.isTTY, process.stderr.isTTY];
  afterEach(() => {
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
    for (const [index, stream] of [process.stdout, process.stderr].entries()) {
      Object.defineProperty(stream, 'isTTY', { value: wasTty[index], configurable: true });
    }
    process.stdout.removeAllListeners('error');
  });

  it('keeps results and remarks apart', () => {
    const { terminal, out, error } = watched(false);
    terminal.print('result');
    terminal.note('remark');
    expect([out, error]).toEqual([['result\n'], ['remark\n']]);
  });

  it('shows progress to people only, in one line that goes away before anything else is said', () => {
    const { terminal, out, error } = watched(true);
    terminal.progress('10 %');
    terminal.progress('20 %');
    terminal.print('result');
    terminal.progress('30 %');
    terminal.progress('');
    terminal.note('remark');
    expect(error).toEqual([`${Erase}10 %`, `${Erase}20 %`, Erase, `${Erase}30 %`, Erase, 'remark\n']);
    expect(out).toEqual(['result\n']);
    for (const quiet of [watched(false), watched(true, { TERM: 'dumb' })]) {
      quiet.terminal.progress('10 %');
      expect(quiet.error).toEqual([]);
    }
  });

  it('writes bold where colours are wanted', () => {
    expect(watched(true).terminal.bold('x')).toBe('\x1b[1mx\x1b[0m');
    expect(watched(true, { NO_COLOR: '1' }).terminal.bold('x')).toBe('x');
    expect(watched(true, { TERM: 'dumb' }).terminal.bold('x')).toBe('x');
    expect(watched(false).terminal.bold('x')).toBe('x');
  });
});
