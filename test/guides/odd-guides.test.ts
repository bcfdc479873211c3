// @module-tag slow
import { everySecondGuide } from './every-second-guide.ts';

everySecondGuide(0);
