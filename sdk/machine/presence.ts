/**
 * When a machine has a device that is not always there, such as the second serial port of a PC.
 * - 'by-default': unless the request says `defaults: false` (`-nodefaults`). With a back end that the request has it is there even so.
 * - 'with-backend': only if the request has a back end that one of its options names.
 */
export type Presence = 'by-default' | 'with-backend';

/** The words of `present:`. */
export const presences: readonly string[] = ['by-default', 'with-backend'] satisfies Presence[];

/** What is looked at of a device of a definition. */
interface Used {
  readonly id?: string;
  readonly present?: Presence;
  readonly options?: object;
}

/** What is looked at of a request. */
interface Request {
  readonly defaults?: boolean;
  readonly backends?: readonly { readonly id: string }[];
  readonly savedDevices?: ReadonlySet<string>;
}

/** The devices of a definition that a machine gets by this request. Each `when` is looked at later. */
export function presentDevices<U extends Used>(devices: readonly U[], request: Request): readonly U[] {
  const given = new Set<unknown>(request.backends?.map(({ id }) => id));
  return devices.filter(({ present, id, options = {} }) => {
    if (present === undefined) return true;
    // A snapshot says which of them were there.
    if (request.savedDevices !== undefined && id !== undefined) return request.savedDevices.has(id);
    if (present === 'by-default' && request.defaults !== false) return true;
    return Object.values(options).some((value) => given.has(value));
  });
}
