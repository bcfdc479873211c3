import { BackplaneError } from '../../base/errors.ts';
import { type BackendRequest, requiredId } from './backend-request.ts';
import { parseKeyValues } from './settings.ts';

/** Formats of images that QEMU has and this command does not. */
const otherFormats = /^(qcow2?|vmdk|vdi|vhdx|vpc|qed|luks|parallels)$/;

/** `file=disk.img,if=none,id=d0,format=raw,readonly=on,snapshot=on`. */
export function parseDrive(text: string): BackendRequest {
  const owner = `-drive ${text}`;
  const { subject, settings, asksForHelp } = parseKeyValues('-drive', text, { subjectKey: 'file', switches: true });
  if (asksForHelp) throw misplacedHelp('-drive');
  const { if: place, format = 'raw', ...rest } = Object.fromEntries(settings);
  if (place !== 'none') {
    const said =
      place === undefined ? 'if= is missing, and it would be a disk of the machine' : `if=${place} is not modelled`;
    throw new BackplaneError('unsupported-drive', `${owner}: ${said}. Write if=none, and -device TYPE,drive=ID.`);
  }
  refuseFormat(owner, format, subject);
  return request(owner, 'id', { file: subject, ...rest, readonly: rest['readonly'] ?? rest['read-only'] });
}

/**
 * The images of `-blockdev`, in both of QEMU's forms: `driver=raw,node-name=d0,file.driver=file,file.filename=X`, and a node of the
 * driver `file`, which another node may name.
 */
export function parseBlockdev(texts: readonly string[]): BackendRequest[] {
  const nodes = texts.map((text) => blockNode(text));
  const used = new Set<string>();
  const found = nodes.map(({ owner, driver, name, file, filename, ...rest }) => {
    const below = file === undefined ? undefined : nodes.find((node) => node.name === file);
    if (file !== undefined && (below === undefined || driver === 'file'))
      throw new BackplaneError(
        'no-such-backend',
        `${owner}: there is no node '${file}'. Add -blockdev driver=file,node-name=${file}.`,
      );
    if (below?.file !== undefined)
      throw new BackplaneError(
        'no-such-backend',
        `${owner}: node '${below.name}' lies on another node. Name the node of driver=file.`,
      );
    if (below !== undefined) used.add(below.name);
    return {
      name,
      request: request(owner, 'node-name', { id: name, file: below?.filename ?? filename, readonly: rest.isReadOnly }),
    };
  });
  return found.filter(({ name }) => !used.has(name)).map((one) => one.request);
}

interface BlockNode {
  readonly owner: string;
  readonly driver: string;
  readonly name: string;
  /** The node that it lies on. */
  readonly file: string | undefined;
  readonly filename: string | undefined;
  readonly isReadOnly: string | undefined;
}

function blockNode(text: string): BlockNode {
  const owner = `-blockdev ${text}`;
  const {
    subject: driver,
    settings,
    asksForHelp,
  } = text.trimStart().startsWith('{')
    ? fromJson(text, owner)
    : parseKeyValues('-blockdev', text, { subjectKey: 'driver', switches: true });
  if (asksForHelp) throw misplacedHelp('-blockdev');
  const taken = { ...Object.fromEntries(settings) } as Record<string, string | undefined>;
  const take = (name: string) => {
    const value = taken[name];
    delete taken[name];
    return value;
  };
  const inner = take('file.driver');
  const filename = take('filename') ?? take('file.filename');
  const node = {
    owner,
    driver,
    name: requiredId(owner, take('node-name'), 'node-name'),
    file: take('file'),
    filename,
    isReadOnly: take('read-only'),
  };
  refuseFormat(owner, driver, filename ?? 'FILE');
  if (!['file', 'raw'].includes(driver) || (inner !== undefined && inner !== 'file'))
    throw new BackplaneError(
      'unsupported-drive',
      `${owner}: driver '${inner ?? driver}' is not modelled. Write driver=file or driver=raw.`,
    );
  const [unknown] = Object.keys(taken);
  if (unknown !== undefined)
    throw new BackplaneError(
      'unknown-option',
      `${owner} has no option '${unknown}'. Known: driver, node-name, filename, file, file.driver, file.filename, read-only.`,
    );
  return node;
}

/** `{"driver":"raw","node-name":"d0","file":{"driver":"file","filename":"X"}}` as settings: `file.driver`. */
function fromJson(text: string, owner: string) {
  const settings = new Map<string, string>();
  const add = (prefix: string, value: unknown): void => {
    if (value === null) return;
    if (typeof value !== 'object') {
      settings.set(prefix, typeof value === 'boolean' ? (value ? 'on' : 'off') : String(value));
      return;
    }
    for (const [name, one] of Object.entries(value)) add(prefix === '' ? name : `${prefix}.${name}`, one);
  };
  try {
    add('', JSON.parse(text));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new BackplaneError(
      'malformed-setting',
      `${owner}: not JSON: ${why}. Write {"driver":"file","node-name":"d0"}.`,
      { cause },
    );
  }
  const subject = settings.get('driver') ?? '';
  settings.delete('driver');
  return { subject, settings, asksForHelp: false };
}

function refuseFormat(owner: string, format: string, file: string): void {
  if (format === 'raw' || format === 'file') return;
  const other = otherFormats.test(format);
  const advice = other ? `Convert it: qemu-img convert -O raw '${file}' disk.img.` : 'Write raw.';
  throw new BackplaneError('unsupported-drive', `${owner}: the format '${format}' is not modelled. ${advice}`);
}

function request(owner: string, key: string, settings: Readonly<Record<string, string | undefined>>): BackendRequest {
  const { id, 'read-only': _, ...rest } = settings;
  const given = Object.entries(rest).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return { owner, id: requiredId(owner, id, key), kind: 'raw', settings: new Map(given) };
}

const misplacedHelp = (option: string) =>
  new BackplaneError('misplaced-argument', `to list the settings of disks, write 'backplane ${option} help'.`);
