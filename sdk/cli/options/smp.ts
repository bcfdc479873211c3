import { BackplaneError } from '../../base/errors.ts';
import { counted, didYouMean, times } from '../../base/text.ts';
import type { Arguments, OptionSyntax } from '../command.ts';
import { parseKeyValues } from './settings.ts';

/** How many processors a machine has. */
export const smpSyntax = { smp: 'N' } as const satisfies OptionSyntax;

export const smpHelp = `  -smp N                the number of processors: that of the programs of FILE.ts, and 1 for what boots. With -accel kvm
                        each -device loader begins one`;

/** QEMU's other settings of -smp. Processors here have no topology, and none is plugged in later. */
const topology = ['maxcpus', 'drawers', 'books', 'sockets', 'dies', 'clusters', 'modules', 'cores', 'threads'];

/** The processors of `-smp N` or `-smp cpus=N`; undefined without the argument. A topology of ones is accepted, and says nothing. */
export function chooseProcessors(args: Arguments): number | undefined {
  const text = args.value('smp');
  if (text === undefined) return undefined;
  const { subject, settings } = parseKeyValues('-smp', text, { subjectKey: 'cpus' });
  const numberOf = (value: string): number => {
    if (/^[1-9]\d{0,5}$/.test(value)) return Number(value);
    const why = value === '' ? 'the number of processors is missing' : `'${value}' is no number of processors`;
    throw new BackplaneError('invalid-number', `-smp ${text}: ${why}. Write a positive whole number: -smp 2.`);
  };
  const shape = [...settings].map(([name, value]) => {
    if (topology.includes(name)) return { name, value: numberOf(value) };
    throw new BackplaneError(
      'unknown-option',
      `-smp ${text}: there is no setting '${name}'. ${didYouMean(name, ['cpus', ...topology])}`,
    );
  });
  const product = shape.reduce((all, { name, value }) => (name === 'maxcpus' ? all : all * value), 1);
  const processors = subject === '' && product > 1 ? product : numberOf(subject);
  const other = shape.find(({ name, value }) => value !== (name === 'maxcpus' ? processors : 1));
  if (other === undefined) return processors;
  throw new BackplaneError(
    'processor-count',
    `-smp ${text}: '${other.name}=${other.value}' is not modelled: processors have no topology, and none is added later. Write -smp ${processors}.`,
  );
}

/** What a run gives its processors. */
export interface ProcessorUse {
  readonly kind: 'programs' | 'loaders' | 'boot';
  readonly guests: number;
  /** The file of the programs. */
  readonly file?: string;
  readonly onHost: boolean;
}

/** Each guest has a processor of its own, and there is none without a guest. */
export function checkProcessors(args: Arguments, { kind, guests, file, onHost }: ProcessorUse): void {
  const asked = chooseProcessors(args);
  if (asked === undefined) return;
  const option = `-smp ${args.value('smp')}`;
  if (asked > 1 && (kind === 'boot' || (kind === 'loaders' && !onHost))) {
    const why = 'machine code has one processor here, and no APIC with which it could start others';
    throw new BackplaneError('machine-code-processors', `${option}: ${why}. Write -smp 1, or leave -smp out.`);
  }
  if (asked === guests) return;
  const more = kind === 'programs' ? `export an array of ${asked}` : `add loaders up to cpu-num=${asked - 1}`;
  const what =
    kind === 'programs'
      ? `'${file}' exports ${counted(guests, 'program')}`
      : `-device loader is given ${times(guests)}`;
  throw new BackplaneError(
    'processor-count',
    `${option}: ${what}, and each has a processor of its own. Write -smp ${guests}${asked > guests ? `, or ${more}` : ''}.`,
  );
}
