import { blueprintOf } from '../../device/index.ts';
import type { MachineDefinition } from '../../machine/index.ts';

/** What a definition says, as a text: two editions that say the same have the same. Code is compared by its source. */
export function describeMachine({ devices, services, ...rest }: MachineDefinition): string {
  const parts = devices.map(({ device, ...how }) => ({ type: blueprintOf(device).type, ...how }));
  try {
    return JSON.stringify({ ...rest, services: services.length, devices: parts }, showMember);
  } catch {
    // Something in it leads back to itself: nobody can tell whether it has changed.
    return '';
  }
}

function showMember(_name: string, value: unknown): unknown {
  if (typeof value === 'function') return value.toString();
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value !== 'object' || value === null) return value;
  // What is made anew in each edition and has a name is the same if the name is.
  if ('base' in value && 'name' in value) return String(value.name);
  if ('description' in value && 'connect' in value) return value.description;
  return value;
}
