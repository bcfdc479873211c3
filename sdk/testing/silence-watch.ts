/** What is watched: how much has been heard, and whether anything more is due. */
export interface Watched {
  readonly heard: number;
  readonly isWaiting: boolean;
}

/**
 * Notices when an emulator owes an answer and says nothing. Silence is told when it has lasted at least `limit`
 * milliseconds, and at most twice that.
 */
export class SilenceWatch {
  private watching = false;

  constructor(
    private readonly limit: number,
    private readonly watched: Watched,
    private readonly onSilence: () => void,
  ) {}

  /** To be called whenever something was asked. */
  begin(): void {
    if (this.watching) return;
    this.watching = true;
    const { heard } = this.watched;
    AbortSignal.timeout(this.limit).addEventListener('abort', () => {
      this.watching = false;
      if (!this.watched.isWaiting) return;
      if (this.watched.heard === heard) this.onSilence();
      else this.begin();
    });
  }
}
