import { MICROSECOND, MILLISECOND, shape, state, type Timer, type VirtualClock } from '../../sdk/index.ts';
import type { Keyboard } from './keyboard.ts';
import { Released, translated } from './scan-codes.ts';

const None = -1;
/** In place of a byte: it is for the auxiliary device, and there is none. */
const Unanswered = 0x100;
/** Eleven bits at 12.5 kHz. @see IBM Personal Computer AT Technical Reference, "Receiving Data from the Keyboard" */
const ByteTime = 880 * MICROSECOND;
/** @see IBM Personal Computer AT Technical Reference, "Sending Data to the Keyboard": no clock within 15 ms is a time-out */
const TimeOut = 15 * MILLISECOND;

/** What the link asks the controller around it, and reports to it. */
export interface LinkHost {
  /** Bytes take no time. */
  readonly isInstant: boolean;
  /** The line of the keyboard is enabled, and there is room for a byte. */
  readonly mayReceive: boolean;
  /** Codes of set 2 become codes of set 1. */
  readonly isTranslating: boolean;
  onReceived(byte: number): void;
  onTimeOut(): void;
  /** The link is free again. */
  onSent(): void;
}

/** The serial lines between the controller, the keyboard and the auxiliary port: one byte at a time. */
export class SerialLink {
  @state({ as: shape.integer(None, Unanswered) }) private sending = None;
  /** The keyboard has sent the prefix of a key that is released. */
  @state private isReleased = false;
  private readonly sent: Timer;
  private readonly arrival: Timer;

  constructor(
    private readonly clock: VirtualClock,
    private readonly keyboard: Keyboard,
    private readonly host: LinkHost,
  ) {
    this.sent = clock.timer('byte-sent', () => this.finish());
    this.sent.armedWhile = () => this.sending !== None;
    this.arrival = clock.timer('byte-received', () => {
      if (this.isWanted) this.accept();
      this.listen();
    });
  }

  /** A byte is on its way from the controller. */
  get isBusy(): boolean {
    return this.sending !== None;
  }

  /** Sends a byte to the keyboard. */
  send(byte: number): void {
    this.transmit(byte, ByteTime);
  }

  /** Sends a byte to the auxiliary device. */
  sendUnanswered(): void {
    this.transmit(Unanswered, TimeOut);
  }

  /** Fetches the next byte of the keyboard, if it has one and the controller wants it. */
  listen(): void {
    while (this.isWanted && !this.arrival.pending) {
      if (this.host.isInstant) this.accept();
      else this.arrival.arm(this.clock.now + ByteTime);
    }
  }

  reset(): void {
    this.sent.cancel();
    this.arrival.cancel();
    this.sending = None;
    this.isReleased = false;
  }

  private get isWanted(): boolean {
    return this.sending === None && this.keyboard.isReady && this.host.mayReceive;
  }

  /** The keyboard gives way: what it was sending it sends later. */
  private transmit(byte: number, time: number): void {
    this.sending = byte;
    this.arrival.cancel();
    if (this.host.isInstant) this.finish();
    else this.sent.arm(this.clock.now + time);
  }

  private finish(): void {
    const { sending } = this;
    this.sending = None;
    if (sending === Unanswered) this.host.onTimeOut();
    else this.keyboard.receive(sending);
    this.host.onSent();
    this.listen();
  }

  private accept(): void {
    const byte = this.keyboard.send();
    const { isTranslating } = this.host;
    const isPrefix = isTranslating && byte === Released;
    const code = isTranslating ? translated(byte, this.isReleased) : byte;
    this.isReleased = isPrefix;
    if (!isPrefix) this.host.onReceived(code);
  }
}
