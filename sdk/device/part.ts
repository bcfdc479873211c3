/** A part of a device that needs no decorator, such as a bus: its fields with `@state` are in the snapshots of the device. */
export abstract class DevicePart {}

/** What a device has of a back end of its machine: `CharBackend` or `BlockBackend`, which `option.backend` takes. */
export abstract class BackendPart extends DevicePart {
  /** The name of the back end; '' without one. */
  abstract readonly id: string;
  /** There is a back end behind it. */
  abstract readonly isChosen: boolean;
}

/** As QEMU takes them: a letter, then at most 63 letters, digits, '-', '.' and '_'. Inboxes and recordings have such ids as words. */
export const isBackendId = (id: string): boolean => /^[a-zA-Z][\w.-]{0,63}$/.test(id);

/** The class of such a part. */
export interface BackendClass<P extends BackendPart = BackendPart> {
  new (id?: string): P;
  /** 'char' or 'block'. */
  readonly backendType: string;
}

/** What the options of a device gave it, by the names of the options. */
const backends = new WeakMap<object, ReadonlyMap<string, BackendPart>>();
const noBackends: ReadonlyMap<string, BackendPart> = new Map();

/** The back ends in the values of a device's options: they are parts of it, in whatever field it keeps them. */
export function noteBackends(device: object, values: Readonly<Record<string, unknown>>): void {
  const parts = Object.entries(values).flatMap(([name, value]) =>
    value instanceof BackendPart ? [[name, value] as const] : [],
  );
  if (parts.length > 0) backends.set(device, new Map(parts));
}

/** The back ends that its options gave to a device, by the names of the options. */
export const backendsOf = (device: object): ReadonlyMap<string, BackendPart> => backends.get(device) ?? noBackends;
