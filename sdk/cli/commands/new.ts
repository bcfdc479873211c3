import { readFileSync } from 'node:fs';
import { BackplaneError } from '../../base/errors.ts';
import { didYouMean, shellWord } from '../../base/text.ts';
import { knownDevices, knownMachines } from '../catalogue.ts';
import type { Arguments, Command } from '../command.ts';
import { packageRoot } from '../files.ts';
import { givenSpecifier, ownSpecifier, unbuiltCheckout } from '../scaffold/own-specifier.ts';
import { projectNames, refuseImportedNames, renderProject, writeProject } from '../scaffold/project.ts';

const kinds = ['device', 'machine'];
/** Packages of a new project besides the SDK, in the versions that the SDK is tested with. */
const tools = ['@types/node', 'typescript', 'vitest'] as const;

export const newCommand: Command = {
  usage: 'backplane new device|machine NAME [-pci [-driver]] [-backplane SPEC]',
  summary: 'write a small project: a device or a machine with its tests',
  help: `Writes a folder NAME with a device (or a machine), its test, a guest program, package.json, tsconfig.json and a README. It
installs, type-checks and passes its tests as it is; from there on it is yours. Nothing is overwritten. A checkout has to be built
for that, once: npm run build.

Options:
  -pci                  the device is a PCI card
  -driver               with a Linux driver for it: a kernel module, and a test of both in QEMU (see 'backplane fetch')
  -backplane SPEC       what it depends on: a tarball, a folder or a version; default: what this command was installed from
  -json                 the folder and its files as a JSON value

Examples:
  backplane new device my-uart && cd my-uart && npm install && npm test
  backplane new device my-card -pci -driver
  backplane new machine my-board -backplane ../backplane-0.3.0.tgz`,
  options: { pci: true, driver: true, backplane: 'SPEC' },
  async run({ terminal, arguments: args, json }) {
    const [kind, name, ...more] = args.positional;
    if (kind === undefined)
      throw new BackplaneError('missing-operand', "new: the kind is missing. Write 'backplane new device my-uart'.");
    if (!kinds.includes(kind))
      throw new BackplaneError('unknown-operand', `there is no new '${kind}'. ${didYouMean(kind, kinds)}`);
    if (name === undefined)
      throw new BackplaneError('missing-operand', `new ${kind}: the name is missing. Write new ${kind} NAME.`);
    if (more.length > 0)
      throw new BackplaneError('too-many-operands', `new ${kind} takes one name, not also '${more.join(' ')}'.`);
    const templates = templatesOf(kind, args);
    const { version, devDependencies } = ownPackage();
    const names = projectNames(kind, name, ['backplane', ...tools]);
    await refuseOwnName(kind, name);
    const given = args.value('backplane');
    const backplane = given === undefined ? ownSpecifier(version) : givenSpecifier(given);
    const versions = Object.fromEntries(tools.map((tool) => [tool, devDependencies[tool] ?? 'latest']));
    const files = renderProject(templates, { ...names, ...versions, backplane });
    refuseImportedNames(names, files);
    writeProject(name, files);
    const unbuilt = unbuiltCheckout(backplane);
    if (unbuilt !== undefined)
      terminal.note(
        `warning: the checkout of backplane is not built, and the project needs that. Do it once: (cd ${shellWord(unbuilt)} && npm ci && npm run build)`,
      );
    const written = [...files.keys()].sort();
    if (json) return terminal.print(JSON.stringify({ folder: name, backplane, files: written }, null, 2));
    const lines = written.map((file) => `  ${name}/${file}`).join('\n');
    terminal.print(`${lines}\n\nNext: cd ${name} && npm install && npm test`);
  },
};

function templatesOf(kind: string, args: Arguments): readonly string[] {
  const [pci, driver] = [args.has('pci'), args.has('driver')];
  const refuse = (why: string): BackplaneError => new BackplaneError('misplaced-argument', `new ${kind}: ${why}`);
  if (kind !== 'device' && (pci || driver)) throw refuse('-pci and -driver are for a device.');
  if (driver && !pci)
    throw refuse("-driver needs -pci: QEMU plugs in PCI cards only. Write 'new device NAME -pci -driver'.");
  if (!pci) return [kind];
  return driver ? ['pci', 'driver'] : ['pci'];
}

/** A device of a plugin replaces one of the package with its type. A new project must not do that by mistake. */
async function refuseOwnName(kind: string, name: string): Promise<void> {
  const own =
    kind === 'device'
      ? (await knownDevices()).map(({ metadata }) => metadata.type)
      : (await knownMachines()).flatMap((machine) => [machine.name, ...(machine.aliases ?? [])]);
  const taken = own.find((known) => known.toLowerCase() === name);
  if (taken === undefined) return;
  throw new BackplaneError(
    'invalid-project-name',
    `new ${kind} '${name}': the package has a ${kind} '${taken}'. Choose another.`,
  );
}

interface OwnPackage {
  readonly version: string;
  readonly devDependencies: Readonly<Record<string, string>>;
}

function ownPackage(): OwnPackage {
  return JSON.parse(readFileSync(new URL('package.json', packageRoot), 'utf8')) as OwnPackage;
}
