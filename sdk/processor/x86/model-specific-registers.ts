import type { GuestState } from './guest-state.ts';
import { At } from './state-layout.ts';

/** @see Intel SDM volume 4, table 2-2 */
const Msr = { timeStampCounter: 0x10, sysenterCs: 0x174, sysenterEsp: 0x175, sysenterEip: 0x176 } as const;

/** The counter counts nanoseconds of guest time. The module has what is taken off them: a 64-bit word. */
const Offset = At.timeStamps[0];
const TimeStampDisable = 4;
const Word = 2 ** 32;

/** The registers that can be read or set. A guest's RDMSR of any other reads 0. */
export const MsrIndices: readonly number[] = Object.values(Msr);

/** Those of 32 bits: where the module keeps them. */
const addresses: Readonly<Record<number, number>> = {
  [Msr.sysenterCs]: At.sysenterCs,
  [Msr.sysenterEsp]: At.sysenterEsp,
  [Msr.sysenterEip]: At.sysenterEip,
};

/** `now` is guest time in nanoseconds, which the time stamp counter counts. */
export function getMsr(state: GuestState, now: number, index: number): bigint | undefined {
  if (index === Msr.timeStampCounter) return timeStamp(state, now);
  const address = addresses[index];
  return address === undefined ? undefined : BigInt(state.view.getUint32(address, true));
}

/** False: there is none, or it has 32 bits only. */
export function setMsr(state: GuestState, now: number, index: number, value: bigint): boolean {
  const address = addresses[index];
  if (index === Msr.timeStampCounter) setTimeStamp(state, now, value);
  else if (address === undefined || value > 0xffff_ffffn) return false;
  else state.view.setUint32(address, Number(value), true);
  return true;
}

/** RDTSC, without an object: it is what delay loops do. False: CR4.TSD forbids it. @see Intel SDM volume 2B, RDTSC */
export function readTimeStamp({ view, words }: GuestState, now: number): boolean {
  const isForbidden = (view.getUint32(At.controlRegisters + 16, true) & TimeStampDisable) !== 0;
  if (isForbidden && view.getUint8(At.privilege) !== 0) return false;
  const low = (now % Word) - view.getUint32(Offset, true);
  const high = Math.floor(now / Word) - view.getUint32(Offset + 4, true) - (low < 0 ? 1 : 0);
  words[At.registers >> 2] = low;
  words[(At.registers >> 2) + 2] = high;
  return true;
}

function timeStamp({ view }: GuestState, now: number): bigint {
  return BigInt.asUintN(64, BigInt(Math.floor(now)) - view.getBigUint64(Offset, true));
}

function setTimeStamp({ view }: GuestState, now: number, value: bigint): void {
  view.setBigUint64(Offset, BigInt.asUintN(64, BigInt(Math.floor(now)) - value), true);
}
