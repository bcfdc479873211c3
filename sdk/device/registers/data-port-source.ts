import type { RegisterSource } from './access-source.ts';
import type { RegisterDeclaration } from './declaration.ts';

/** The registers that one data port shows, one at a time. */
export interface DataPort {
  readonly registers: readonly [RegisterDeclaration, ...RegisterDeclaration[]];
}

export function dataPortsOf(registers: readonly RegisterDeclaration[]): DataPort[] {
  const ports: { registers: [RegisterDeclaration, ...RegisterDeclaration[]] }[] = [];
  for (const register of registers) {
    if (register.indexedBy === undefined) continue;
    const port = ports.find(
      ({ registers: [first] }) => first.region === register.region && first.offset === register.offset,
    );
    if (port === undefined) ports.push({ registers: [register] });
    else port.registers.push(register);
  }
  return ports;
}

/** `readPort<n>` and `writePort<n>`: what stands in the index register says whose code runs. */
export function portSource(
  { registers: [first, ...others] }: DataPort,
  sources: readonly RegisterSource[],
  number: number,
) {
  const all = [first, ...others].map((register) => sources.findIndex((source) => source.register === register));
  const { indexMember, low, high } = first.indexedBy as NonNullable<RegisterDeclaration['indexedBy']>;
  const held = `this[${JSON.stringify(indexMember)}]`;
  const chosen = high >= 31 && low === 0 ? `${held} >>> 0` : `${held} >>> ${low} & ${2 ** (high - low + 1) - 1}`;
  const choose = (verb: 'read' | 'write', values: string): string => {
    const has = all.filter((one) => (verb === 'read' ? sources[one]?.reads : sources[one]?.writes));
    const call = (one: number, index: string) => `return ${verb}${one}.call(this, ${values}, ${index});`;
    const cases = has.flatMap((one) => casesOf(sources[one] as RegisterSource, (index) => call(one, index)));
    const ranges = has.flatMap((one) => rangeOf(sources[one] as RegisterSource, (index) => call(one, index)));
    return `const chosen = ${chosen};
  switch (chosen) {
${cases.join('\n')}
  }
  ${ranges.join('\n  ')}`;
  };
  const d = `d${all[0]}`;
  return `function readPort${number}(offset, size) {
  ${choose('read', 'offset, size')}
  return absentRead(this, ${d}, chosen);
}
function writePort${number}(value, offset, size) {
  ${choose('write', 'value, offset, size')}
  absentWrite(this, ${d}, chosen);
}`;
}

function casesOf({ register }: RegisterSource, call: (index: string) => string): string[] {
  if (register.count !== undefined) return [];
  return [`    case ${register.indexedBy?.index}: ${call('0')}`];
}

function rangeOf({ register }: RegisterSource, call: (index: string) => string): string[] {
  const { count, stride = 1, indexedBy } = register;
  if (count === undefined || indexedBy === undefined) return [];
  const { index } = indexedBy;
  const inside = `chosen >= ${index} && chosen <= ${index + (count - 1) * stride}`;
  if (stride === 1) return [`if (${inside}) { ${call(`chosen - ${index}`)} }`];
  return [`if (${inside} && (chosen - ${index}) % ${stride} === 0) { ${call(`(chosen - ${index}) / ${stride}`)} }`];
}
