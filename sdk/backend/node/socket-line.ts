import type { Socket } from 'node:net';
import { afterHostTime } from '../../clock/index.ts';
import type { CharHost } from '../transport.ts';
import { Incoming, Outgoing, Patience } from './streams.ts';

/** Milliseconds without a byte of the guest, after which a client that has sent all has its answer. */
const Quiet = 20;
/** So many times `Quiet` for the first byte of the answer, unless other clients wait. */
const UntilAnswer = 5;

/** One connection of a socket, from its first byte to its last. */
export class SocketLine {
  private readonly incoming: Incoming;
  private readonly outgoing: Outgoing;
  /** The guest has written nothing since bytes arrived: an answer may follow. */
  private owesAnswer = false;
  private isGone = false;
  private isEnding = false;
  private cancelQuiet: (() => void) | undefined;
  private cancelPatience: (() => void) | undefined;

  constructor(
    private readonly socket: Socket,
    private readonly host: CharHost,
    private readonly isAwaited: () => boolean,
    private readonly onGone: () => void,
  ) {
    this.outgoing = new Outgoing(socket, {
      sent: (count) => {
        host.sent(count);
        if (this.isEnding) this.progress();
      },
    });
    socket.on('error', () => {});
    socket.on('end', () => this.otherSideHasSentAll());
    socket.on('close', () => this.gone());
    host.opened();
    this.incoming = new Incoming(socket, {
      received: (bytes) => {
        this.owesAnswer = true;
        host.received(bytes);
      },
    });
  }

  write(bytes: Uint8Array): void {
    this.owesAnswer = false;
    this.outgoing.write(bytes);
    if (this.isEnding) this.progress();
  }

  want(wanted: boolean): void {
    if (!this.isGone) this.incoming.want(wanted);
  }

  /** Answers how many bytes could not be sent. */
  async close(): Promise<number> {
    if (this.isGone) return 0;
    this.isGone = true;
    this.incoming.end();
    this.cancel();
    const lost = await this.outgoing.flush();
    await new Promise<void>((resolve) => {
      if (this.socket.destroyed) return resolve();
      this.socket.once('close', () => resolve());
      // What was given to the system is sent on after this.
      this.socket.destroySoon();
      if (lost > 0) this.socket.destroy();
    });
    return lost;
  }

  /** It may still read: a client such as `echo hello | socat` closes one direction, and waits for the answer. */
  private otherSideHasSentAll(): void {
    if (this.isGone) return;
    this.isEnding = true;
    // An empty write fails where a Unix socket was closed as a whole.
    this.socket.write('', (failure) => {
      if (failure) this.socket.destroy();
    });
    this.progress();
  }

  /** Bytes went one way or the other: the client has its time again. */
  private progress(): void {
    if (this.isGone) return;
    this.cancel();
    this.cancelPatience = afterHostTime(Patience, () => this.socket.destroy());
    this.waitForQuiet();
  }

  private waitForQuiet(times = 1): void {
    const { waiting } = this.host;
    this.cancelQuiet = afterHostTime(Quiet, () => {
      if (this.host.waiting < waiting) return this.progress();
      // The device is not at the end of what was sent, or has not begun to answer.
      const mayAnswer = this.owesAnswer && times < UntilAnswer && !this.isAwaited();
      if (waiting > 0 || mayAnswer) this.waitForQuiet(times + 1);
      else this.socket.end();
    });
  }

  private gone(): void {
    this.outgoing.abandon();
    this.cancel();
    if (this.isGone) return;
    this.isGone = true;
    this.incoming.end();
    this.host.closed();
    this.onGone();
  }

  private cancel(): void {
    this.cancelQuiet?.();
    this.cancelPatience?.();
  }
}
