import { everySecondDevice } from './our-devices.ts';

everySecondDevice(0);
