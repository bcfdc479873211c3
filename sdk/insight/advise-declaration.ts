import { hex, printable } from '../base/text.ts';
import type { Machine } from '../machine/index.ts';
import type { MemoryRegion } from '../memory/index.ts';
import type { Candidate } from './advise-candidates.ts';
import type { SignalCandidate } from './advise-signals.ts';
import { type Judgement, otherReaders } from './advise-verdict.ts';

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
  return plugged === undefined ? `'${owner?.id}'` : `${plugged.blueprint.deviceClass.name} ('${plugged.id}')`;
}

const sizeText = (size: number) => (size < 16 ? `${size}` : hex(size));

const camelCase = (name: string) => name.replaceAll(/[^a-zA-Z0-9]+(.)/g, (_, letter: string) => letter.toUpperCase());
