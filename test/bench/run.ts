import { benchArguments } from './arguments.ts';

// Each is a program of its own: ratios in this process, or served devices beside QEMU's and a server in C.
await import(benchArguments().subject === 'serve' ? './serve/run.ts' : './ratios.ts');
