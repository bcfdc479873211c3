import { readFileSync, writeFileSync } from 'node:fs';
import { Boot, type SavedBoot } from './boots.ts';

/** A process that goes on with a boot that another one saved: `boot-child.ts FILE INSTRUCTIONS` reads the file and writes it. */
const [file = '', instructions] = process.argv.slice(2);
const boot = await Boot.create(JSON.parse(readFileSync(file, 'utf8')) as SavedBoot);
boot.run(Number(instructions));
writeFileSync(file, JSON.stringify(boot.save()));
