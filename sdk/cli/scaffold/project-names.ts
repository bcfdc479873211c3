import { BackplaneError } from '../../base/errors.ts';

/** A name in the forms for packages, classes and variables. */
export interface ProjectNames {
  readonly name: string;
  readonly Class: string;
  readonly camel: string;
}

const Longest = 64;
const windowsNames = /^(con|prn|aux|nul|com\d|lpt\d)$/;

/** Checks a name that becomes a folder, a package, a class and a device type. */
export function projectNames(kind: string, name: string, taken: readonly string[]): ProjectNames {
  const refuse = (why: string): never => {
    throw new BackplaneError('invalid-project-name', `new ${kind} '${name}': ${why}`);
  };
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name) || name.length > Longest) {
    return refuse(
      `write lower-case words with dashes between them, such as my-${kind === 'device' ? 'uart' : 'board'}.`,
    );
  }
  if (taken.includes(name)) return refuse('the project needs a package of that name. Choose another.');
  if (windowsNames.test(name)) return refuse('Windows reserves that name. Choose another.');
  const Class = name.replace(/(?:^|-)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  if (Object.hasOwn(globalThis, Class))
    return refuse(`its class would be ${Class}, which is a global of JavaScript. Choose another.`);
  return { name, Class, camel: `${Class[0]?.toLowerCase()}${Class.slice(1)}` };
}

/** Refuses a name whose class or variable would conflict with an import of the project's files. */
export function refuseImportedNames({ name, Class, camel }: ProjectNames, files: ReadonlyMap<string, string>): void {
  const made = [`class ${Class}`, `const ${camel}Options`];
  for (const text of files.values()) {
    for (const declaration of made.filter((words) => new RegExp(`\\b${words}\\b`).test(text))) {
      const [kind = '', own = ''] = declaration.split(' ');
      for (const [, words = '', from = ''] of text.matchAll(/^import \{([^}]*)\} from '(backplane[^']*)'/gm)) {
        if (!words.split(',').some((word) => word.trim().replace(/^type /, '') === own)) continue;
        throw new BackplaneError(
          'invalid-project-name',
          `new device '${name}': its ${kind} would be ${own}, which the project imports from '${from}'. Choose another.`,
        );
      }
    }
  }
}
