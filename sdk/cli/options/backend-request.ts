import { BackplaneError } from '../../base/errors.ts';
import { isBackendId } from '../../device/part.ts';

/** A back end of the command line, before a machine opens it. */
export interface BackendRequest {
  /** The argument, for messages: `-chardev socket,id=c0`. */
  readonly owner: string;
  readonly id: string;
  readonly kind: string;
  readonly settings: ReadonlyMap<string, string>;
}

/** The name by which a device takes a back end; `key` is how the argument calls it. */
export function requiredId(owner: string, id: string | undefined, key = 'id'): string {
  if (id === undefined)
    throw new BackplaneError('missing-backend-id', `${owner}: its name is missing. Add ${key}=NAME.`);
  if (isBackendId(id)) return id;
  throw new BackplaneError(
    'invalid-backend-id',
    `${owner}: the name '${id}' is not valid. Write a letter, then at most 63 letters, digits, '-', '.' or '_'.`,
  );
}

/** QEMU's old words: `nowait` is `wait=off`. */
export function withoutNegations(settings: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const negated = /^no(wait|server)$/;
  return new Map(
    [...settings].map(([name, value]) => {
      const [, plain] = negated.exec(name) ?? [];
      return plain === undefined || value !== 'on' ? [name, value] : [plain, 'off'];
    }),
  );
}
