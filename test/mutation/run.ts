import { parseArgs } from 'node:util';
import { countFalseAlarms } from './false-alarms.ts';
import { batches, measure } from './measure.ts';

const Help = `npm run mutation -- [options]

Damages copies of devices, runs the conformance suite on each copy, and prints how many it tells from the undamaged device:
mistakes made by hand, five batches of them, and mechanical mutants (a mask, a constant, a comparison, a statement or a
decorator changed or dropped). Three scores are printed: what the contract finds, what contract and lint find, and what is found
with a record of what the undamaged device did ('recorded:'), each with the check that found it. Survivors are listed by file and
line.

  --mutants N       mechanical mutants of each device (default 60)
  --all             every mechanical mutant
  --device NAME     only this device: serial-port, edu, mc146818rtc, i8259, virtio-rng, sampler,
                    thermometer, pl061, plic, spi-flash, eeprom, eeprom-image, ds1307, sp804,
                    opencores-i2c, isa-serial, pl011, isa-parallel
  --batch NAME      only this batch of mistakes, and no mutants: first, second, third, fourth,
                    fifth
  --seed N          which mutants are drawn, and which programs the suite runs (default 1)
  --minutes N       what is not judged by then is said to be so (default 4)
  --json            one JSON document instead of text
  --false-alarms N  instead: runs the suite on every undamaged device of this project, with N seeds each
  --help            this text

Exit status 1 when a score is below its floor, or an undamaged device is not accepted.`;

const { values } = parseArgs({
  options: {
    mutants: { type: 'string', default: '60' },
    all: { type: 'boolean', default: false },
    device: { type: 'string' },
    batch: { type: 'string' },
    seed: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '4' },
    json: { type: 'boolean', default: false },
    'false-alarms': { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

const whole = (name: string, text: string): number => {
  const number = Number(text);
  if (Number.isInteger(number) && number > 0) return number;
  throw new Error(`--${name} is '${text}', which is no whole number above 0.`);
};

const batchOf = (name: string | undefined): keyof typeof batches | undefined => {
  if (name === undefined || Object.hasOwn(batches, name)) return name as keyof typeof batches | undefined;
  throw new Error(`--batch is '${name}'. There are ${Object.keys(batches).join(', ')}.`);
};

async function main(): Promise<boolean> {
  const seeds = values['false-alarms'];
  if (seeds !== undefined) return countFalseAlarms(whole('false-alarms', seeds), values.json);
  return measure({
    seed: whole('seed', values.seed),
    mutants: values.all ? Number.POSITIVE_INFINITY : whole('mutants', values.mutants),
    minutes: whole('minutes', values.minutes),
    json: values.json,
    device: values.device,
    batch: batchOf(values.batch),
  });
}

if (values.help) console.log(Help);
else {
  try {
    process.exitCode = (await main()) ? 0 : 1;
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}
