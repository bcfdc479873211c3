/** One read that came out differently than it was recorded. */
export interface DisagreementExample {
  readonly isPort: boolean;
  readonly address: number;
  readonly size: number;
  readonly recorded: number;
  readonly answered: number;
  /** Position in the recording, from 0. */
  readonly position: number;
}

export interface DeviceAgreementReport {
  readonly device: string;
  readonly reads: number;
  readonly agreed: number;
  readonly differed: number;
  readonly examples: readonly DisagreementExample[];
}

const MostExamples = 8;

/** How often a device answered as the recorded one did. */
export class DeviceAgreement {
  private agreed = 0;
  private differed = 0;
  private readonly examples: DisagreementExample[] = [];

  constructor(readonly device: string) {}

  /** An 8-byte access comes as two bigints. */
  compare<Value extends number | bigint>(
    isPort: boolean,
    address: number,
    size: number,
    recorded: Value,
    answered: Value,
    position: number,
  ): void {
    if (recorded === answered) {
      this.agreed++;
      return;
    }
    this.differed++;
    if (this.examples.length === MostExamples) return;
    this.examples.push({ isPort, address, size, recorded: Number(recorded), answered: Number(answered), position });
  }

  report(): DeviceAgreementReport {
    const { device, agreed, differed } = this;
    return { device, reads: agreed + differed, agreed, differed, examples: [...this.examples] };
  }
}
