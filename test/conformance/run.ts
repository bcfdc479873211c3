import { parseArgs } from 'node:util';
import { whyNotCompared } from './chip.ts';
import { chips } from './chips.ts';
import { conform, formatResult, passed, resultAsJson } from './conformance.ts';
import { MachineSubject } from './machine-subject.ts';
import { QemuSubject } from './qemu-subject.ts';

const Usage = `npm run conformance -- [--device ${chips.map(({ name }) => name).join('|')}] [--operations N] [--seed S] [--json]
Compares our machine with an installed QEMU, reply by reply. Without --device: every chip.`;

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new Error(`--${name} takes a whole number, not '${text}'.`);
}

async function main(): Promise<boolean> {
  const { values } = parseArgs({
    options: {
      device: { type: 'string' },
      operations: { type: 'string', default: '20000' },
      seed: { type: 'string', default: '1' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(Usage);
    return true;
  }
  const plan = { operations: wholeNumber('operations', values.operations), seed: wholeNumber('seed', values.seed) };
  const chosen = chips.filter(({ name }) => values.device === undefined || values.device === name);
  if (chosen.length === 0) throw new Error(`There is no device '${values.device}'.\n${Usage}`);
  const results = [];
  const skipped = [];
  for (const chip of chosen) {
    const missing = whyNotCompared(chip);
    if (missing) {
      if (!values.json) console.log(`${chip.name}: skipped: ${missing}\n`);
      skipped.push({ device: chip.name, skipped: missing });
      continue;
    }
    const result = await conform(chip, new MachineSubject(chip), new QemuSubject(chip.qemu), plan);
    if (!values.json) console.log(`${formatResult(result)}\n`);
    results.push(result);
  }
  if (values.json) console.log(JSON.stringify([...results.map(resultAsJson), ...skipped], null, 2));
  return results.every(passed);
}

main().then(
  (good) => {
    process.exitCode = good ? 0 : 1;
  },
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  },
);
