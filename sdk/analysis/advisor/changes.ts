import { BackplaneError } from '../../base/errors.ts';
import { camelCase, hex, printable } from '../../base/text.ts';
import { regionsBelow } from '../../coalescing/region-placement.ts';
import type { Machine, MachineDefinition, PreparedMachine, RunningMachine } from '../../machine/index.ts';
import { MemoryRegion, RegionOps } from '../../memory/index.ts';
import type { Candidate } from './candidates.ts';
import type { SignalCandidate } from './signals.ts';
import type { Applicable } from './suggestion.ts';
import { type Judgement, otherReaders } from './verdict.ts';

/** The same machine with the suggestion applied: replay the recording on it to see that it holds. */
export function withSuggestion(definition: MachineDefinition, suggestion: Applicable): MachineDefinition {
  return {
    ...definition,
    prepare(prepared) {
      definition.prepare?.(prepared);
      applySuggestion(runningMachine(prepared), suggestion);
    },
  };
}

/** `prepare` is declared with the parts that a board needs. The machine that calls it is complete, with its regions mapped. */
const runningMachine = (prepared: PreparedMachine): RunningMachine => prepared as RunningMachine;

function applySuggestion(machine: RunningMachine, suggestion: Applicable): void {
  const { kind, size, match } = suggestion;
  const region =
    suggestion.region === undefined ? addUnmodelledRegion(machine, suggestion) : regionOf(machine, suggestion);
  const offset = suggestion.region === undefined ? 0 : suggestion.offset;
  if (kind === 'coalesce') region.replaceCoalescedIo({ offset, size });
  else {
    const fd = machine.accelerator.eventfd(() => {});
    region.addIoeventfd({ offset, size, fd, ...(match === undefined ? {} : { match }) });
  }
}

/** Takes the writes where the machine models no device; reads answer ones, as at an unassigned address. */
function addUnmodelledRegion(machine: RunningMachine, { isPort, start, size }: Applicable): MemoryRegion {
  const ops = new RegionOps({ device: null, routes: [], valid: { unaligned: true }, missing: { read: 'ones' } });
  const region = MemoryRegion.io(machine.topology, `coalesced-${hex(start)}`, size, ops);
  (isPort ? machine.io : machine.memory).root.addSubregion(start, region);
  return region;
}

/** A device may have several regions of one name: the one at the address now comes first. */
function regionOf(machine: RunningMachine, suggestion: Applicable): MemoryRegion {
  const { isPort, start, device, region: name } = suggestion;
  const isMeant = (region: MemoryRegion) => region.name === name && region.owner?.id === device;
  const space = isPort ? machine.io : machine.memory;
  const shown = space.lookup(start)?.region;
  if (shown !== undefined && isMeant(shown)) return shown;
  const own = machine.deviceById(device ?? '')?.regions ?? [];
  const found = [...own, ...regionsBelow([space.root])].find(isMeant);
  if (found !== undefined) return found;
  throw new BackplaneError(
    'suggestion-of-another-machine',
    `machine '${machine.definition.name}' has no region '${name}' of a device '${device}'. ` +
      'Carry the suggestion out on the machine that it was made for.',
  );
}

/** What to paste above the class: the range, and the partners that must deliver the queue. */
export function declarationOf(candidate: Candidate, judgement: Judgement, machine: Machine): string {
  const { isPort, region, offset, size } = candidate;
  const name = isPort ? 'ports' : 'registers';
  if (region === undefined) return standAlone(candidate, judgement, name);
  const widens = region.coalescedRanges.some((range) => offset <= range.offset && range.offset < offset + size);
  return [
    `// ${ownerOf(region, machine)}: '${name}' stands for its region '${region.name}'${widens ? '; instead of the narrower range' : ''}`,
    `@addCoalescedIo(${name}, { offset: ${hex(offset)}, size: ${sizeText(size)} })`,
    ...otherReaders(region, machine).map(
      (partner) => `@flushCoalescedIo(${camelCase(partner.name)}) // its region '${partner.name}'`,
    ),
  ]
    .map(printable)
    .join('\n');
}

/** Where no device is modelled: a region that holds what shows the writes too, so that it delivers its queue by itself. */
function standAlone({ isPort, start, size }: Candidate, { effects }: Judgement, name: string): string {
  const base = Math.min(start, ...effects.partners.map(([first]) => first));
  const end = Math.max(start + size, ...effects.partners.map(([, last]) => last + 1));
  const make = isPort ? 'portRegion' : 'mmioRegion';
  const label = `${isPort ? 'port' : 'registers'}-${hex(base)}`;
  return [
    `const ${name} = ${make}({ name: '${label}', base: ${hex(base)}, size: ${sizeText(end - base)} });`,
    `@addCoalescedIo(${name}, { offset: ${hex(start - base)}, size: ${sizeText(size)} })`,
  ].join('\n');
}

/** What a machine does to turn the write into a signal. */
export function signalDeclarationOf({ candidate, width, match }: SignalCandidate, machine: Machine): string {
  const { region, offset, isPort } = candidate;
  const at = region === undefined ? 0 : offset;
  const where = region === undefined ? '' : printable(` // ${ownerOf(region, machine)}`);
  return [
    `const fd = machine.accelerator.eventfd(() => device.wake());${where}`,
    `device.region(${isPort ? 'ports' : 'registers'}).addIoeventfd({ offset: ${hex(at)}, size: ${width}, match: ${hex(match)}, fd });`,
  ].join('\n');
}

function ownerOf({ owner }: MemoryRegion, machine: Machine): string {
  const plugged = machine.devices.find(({ device }) => device === owner);
  return plugged === undefined ? `'${owner?.id}'` : `${plugged.metadata.deviceClass.name} ('${plugged.id}')`;
}

const sizeText = (size: number) => (size < 16 ? `${size}` : hex(size));
