import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { catalogueOf } from './architecture/error-catalogue.ts';
import { sourceFiles } from './architecture/source-files.ts';
import { expectRefusal } from './refusal.ts';

/** What provokes a code; or, in words, why no test can: a failure of the host, for instance. */
export type Provocation = (() => unknown) | string;

/**
 * Tests of a room's messages: each code of its catalogue is provoked once, and the messages are those of
 * test/ROOM/messages.golden.txt. `npx vitest run test/ROOM/messages.test.ts -u` writes the file.
 */
export function goldenMessages(room: string, provocations: Readonly<Record<string, Provocation>>): void {
  const codes = sourceFiles(room === 'devices' ? room : `sdk/${room}`)
    .flatMap(catalogueOf)
    .map(({ code }) => code);

  describe(`the messages of the room ${room}`, () => {
    it('are there for each code of its catalogue, and for no other', () => {
      expect(Object.keys(provocations).sort()).toEqual([...codes].sort());
    });

    it('are those of the golden file', async () => {
      const lines: string[] = [];
      for (const code of Object.keys(provocations).sort())
        lines.push(await lineOf(code, provocations[code] as Provocation));
      const file = fileURLToPath(new URL(`${room}/messages.golden.txt`, import.meta.url));
      await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(file);
    });
  });
}

async function lineOf(code: string, provocation: Provocation): Promise<string> {
  if (typeof provocation === 'string') return `${code}: (not provoked: ${provocation})`;
  const { message, ...refusal } = await expectRefusal(async () => provocation(), code);
  const own = refusal.code === code ? message : refusal.problems?.find((problem) => problem.code === code)?.message;
  return `${code}: ${(own ?? message).replaceAll('\n', '\n  ')}`;
}
