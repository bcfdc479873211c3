export { I8259 } from './i8259.ts';
export { Mc146818Rtc } from './mc146818-rtc.ts';
