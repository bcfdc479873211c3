import { BackplaneError } from '../../base/errors.ts';
import type { Command } from '../command.ts';
import { firstArguments, members, names } from '../migrate/names.ts';
import type { Note } from '../migrate/places.ts';
import { type Migration, migrateText, type Tables } from '../migrate/rewrite.ts';
import { expectFile, kindOf, piecesOf, readSource, realPathOf, rewriteSource } from '../migrate/source-file.ts';

/** A file that was given, and what becomes of it. */
interface Migrated extends Migration {
  readonly file: string;
  readonly before: string;
}

/** The command; a test gives it other tables than that of the package. */
export const migrateBy = (tables: Tables): Command => ({
  usage: 'backplane migrate FILE... [-dry-run]',
  summary: 'bring sources that were written for 0.1.0 up to this version',
  help: `Rewrites TypeScript and JavaScript files, and such code in Markdown, that import this package as it was in 0.1.0: names that another
entry exports now, and names that have changed, with their uses in the file. Texts, comments and locals of the same name are
left alone. Members and settings are renamed where they can be nothing else. What needs a person is printed with file and line,
and the status is 1 then. Types are not known here: the compiler may find more. To run it again changes nothing.

Options:
  -dry-run              print what would be done, and write nothing
  -json                 the changes and what is left, of each file, as a JSON value

Examples:
  backplane migrate -dry-run src/my-uart.ts test/my-uart.test.ts
  backplane migrate src/my-uart.ts test/my-uart.test.ts README.md`,
  options: { 'dry-run': true },
  async run({ terminal, arguments: args, json }) {
    if (args.positional.length === 0)
      throw new BackplaneError('missing-operand', "migrate: the files are missing. Write 'migrate FILE.ts'.");
    const dryRun = args.has('dry-run');
    // Everything is read and worked out before anything is written; a file that is given twice is one.
    const once = new Set<string>();
    const files = args.positional
      .filter((file) => once.size < once.add(realPathOf(file)).size)
      .map((file) => migrated(file, tables, dryRun ? 'before' : 'after'));
    const changed = files.filter(({ text, before }) => text !== before);
    if (!dryRun) for (const file of changed) rewriteSource(file.file, file.before, file.text);
    const left = files.reduce((sum, file) => sum + file.left.length, 0);
    if (json) terminal.print(JSON.stringify({ dryRun, files: files.map(jsonOf) }, null, 2));
    else {
      for (const line of files.flatMap(linesOf)) terminal.print(line);
      const done = dryRun ? 'would be rewritten' : 'rewritten';
      terminal.print(`${files.length} read, ${changed.length} ${done}, ${left} left for you.`);
    }
    if (left > 0)
      throw new BackplaneError(
        'places-left',
        `${left} ${left === 1 ? 'place is' : 'places are'} left for you to change.`,
      );
  },
});

export const migrateCommand = migrateBy({ names, members, firstArguments });

const jsonOf = ({ file, text, before, changes, left }: Migrated) => ({
  file,
  changed: text !== before,
  changes,
  left,
});

function linesOf({ file, changes, left }: Migrated): string[] {
  const said = (note: Note, what: string) => ({ line: note.line, text: `${file}:${note.line}: ${what}${note.what}` });
  const notes = [...changes.map((note) => said(note, '')), ...left.map((note) => said(note, 'left for you: '))];
  return notes.sort((a, b) => a.line - b.line).map(({ text }) => text);
}

function migrated(file: string, tables: Tables, numbering: 'before' | 'after'): Migrated {
  expectFile(file);
  const kind = kindOf(file);
  const before = readSource(file);
  return { file, before, ...migrateText(before, piecesOf(before, kind), tables, numbering) };
}
