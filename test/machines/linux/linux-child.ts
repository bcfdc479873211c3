import { readFileSync, writeFileSync } from 'node:fs';
import { LinuxPc, type SavedLinux } from './linux-pc.ts';

/** A process that goes on with a Linux that another one saved: `linux-child.ts FILE INSTRUCTIONS` reads the file and writes it. */
const [file = '', instructions] = process.argv.slice(2);
const linux = await LinuxPc.create({}, JSON.parse(readFileSync(file, 'utf8')) as SavedLinux);
linux.run(Number(instructions));
writeFileSync(file, JSON.stringify(linux.save()));
