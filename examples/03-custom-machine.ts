// Builds the machine of kitchen.ts, runs its guest, and prints the devices and the memory tree.

import { SECOND } from 'backplane';
import { infoMtree, Machine } from 'backplane/runtime';
import cook, { machine as kitchen } from './kitchen.ts';

const machine = Machine.create(kitchen);
const { message } = machine.run(cook);
console.log(`The guest slept ${(machine.clock.now / SECOND).toFixed(6)} s of its own time. ${message}`);
console.log(machine.devices.map(({ id, device }) => `${id}: ${device.constructor.name}`).join('\n'));
console.log(infoMtree(machine));
