import { BoardMap, BoardSource } from 'backplane/machines';
import { type Guest, type GuestStep, guestProgram } from 'backplane/runtime';

const { Console, Gpio, Plic, Spi, Timer } = BoardMap;
const GpioRegister = { FirstPin: 0x004, Direction: 0x400 } as const;
const SpiRegister = { Control0: 0x00, Control1: 0x04, Data: 0x08, Status: 0x0c, Prescale: 0x10 } as const;
const TimerRegister = { Load: 0x00, Control: 0x08, Clear: 0x0c } as const;
const PlicRegister = { Enable: 0x2000, Claim: 0x20_0004 } as const;
const ReadId = 0x9f;
const Busy = 0x10;
/** Of the processor: the PLIC interrupts by it, and says at the claim which source it was. */
const MachineExternalInterrupt = 11;

function* print(guest: Guest, text: string): GuestStep<void> {
  for (const character of text) yield* guest.store32(Console, character.charCodeAt(0));
}

/** The three bytes with which the flash says what it is. Pin 0 of the GPIO selects it. */
function* flashId(guest: Guest): GuestStep<number> {
  yield* guest.store32(Gpio + GpioRegister.Direction, 1);
  yield* guest.store32(Spi + SpiRegister.Control0, 7);
  yield* guest.store32(Spi + SpiRegister.Prescale, 2);
  yield* guest.store32(Spi + SpiRegister.Control1, 2);
  yield* guest.store32(Gpio + GpioRegister.FirstPin, 1);
  for (const byte of [ReadId, 0, 0, 0]) yield* guest.store32(Spi + SpiRegister.Data, byte);
  while ((yield* guest.load32(Spi + SpiRegister.Status)) & Busy);
  let answer = 0;
  for (let byte = 0; byte < 4; byte++) answer = (answer << 8) | (yield* guest.load32(Spi + SpiRegister.Data));
  yield* guest.store32(Gpio + GpioRegister.FirstPin, 0);
  return answer & 0xff_ffff;
}

/** Says what flash there is, and then waits for an interrupt of the timer. For the machine `board`. */
export default guestProgram('board-guest', function* (guest) {
  yield* print(guest, `flash ${(yield* flashId(guest)).toString(16)}\n`);
  let ticked = 0;
  guest.onInterrupt(MachineExternalInterrupt, function* () {
    const source = yield* guest.load32(Plic + PlicRegister.Claim);
    if (source === BoardSource.Timer) yield* guest.store32(Timer + TimerRegister.Clear, 1);
    yield* guest.store32(Plic + PlicRegister.Claim, source);
    ticked = source;
  });
  yield* guest.store32(Plic + 4 * BoardSource.Timer, 1);
  yield* guest.store32(Plic + PlicRegister.Enable, 1 << BoardSource.Timer);
  yield* guest.sti();
  yield* guest.store32(Timer + TimerRegister.Load, 1000);
  yield* guest.store32(Timer + TimerRegister.Control, 0xe3); // on, periodic, interrupt, 32 bits, one-shot
  while (ticked === 0) yield* guest.hlt();
  yield* print(guest, `interrupt of source ${ticked}\n`);
});
