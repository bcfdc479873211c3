import { BackplaneError } from '../../memory/errors.ts';

/** One name as packages, classes and variables write it. */
export interface ProjectNames {
  readonly name: string;
  readonly Class: string;
  readonly camel: string;
}

const Longest = 64;

/** Checks a name before it becomes a folder, a package, a class and a word of the command line. */
export function projectNames(kind: string, name: string, taken: readonly string[]): ProjectNames {
  const refuse = (why: string): never => {
    throw new BackplaneError(`new ${kind} '${name}': ${why}`);
  };
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name) || name.length > Longest) {
    return refuse(
      `write lower-case words with dashes between them, such as my-${kind === 'device' ? 'uart' : 'board'}.`,
    );
  }
  if (taken.includes(name)) return refuse('a package of that name is one that the project needs. Choose another.');
  const Class = name.replace(/(?:^|-)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  if (Object.hasOwn(globalThis, Class))
    return refuse(`its class would be ${Class}, which JavaScript has. Choose another.`);
  return { name, Class, camel: `${Class[0]?.toLowerCase()}${Class.slice(1)}` };
}

/** A class of a name that the project's own files import would be two things at once. */
export function refuseImportedClass({ name, Class }: ProjectNames, files: ReadonlyMap<string, string>): void {
  for (const text of files.values()) {
    if (!new RegExp(`\\bclass ${Class}\\b`).test(text)) continue;
    for (const [, words = '', from = ''] of text.matchAll(/^import \{([^}]*)\} from '(backplane[^']*)'/gm)) {
      if (!words.split(',').some((word) => word.trim().replace(/^type /, '') === Class)) continue;
      throw new BackplaneError(
        `new device '${name}': its class would be ${Class}, which the project takes from '${from}'. Choose another.`,
      );
    }
  }
}
