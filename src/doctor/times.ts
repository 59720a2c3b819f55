/** How long the doctor waits for what, milliseconds of its clock. */
export interface DoctorTimes {
  readonly connectMs: number;
  /** Calls that an engine answers at once when it is well. */
  readonly apiMs: number;
  /** A start, and what asks for an unknown name: about 28 s were measured (reference 4.2). */
  readonly startMs: number;
  readonly stopMs: number;
  /** From a start to its first media byte. */
  readonly firstByteMs: number;
  /** How long the media is read for the recording. */
  readonly recordMs: number;
  readonly statPollMs: number;
  /** What was under way before an event has come by then. */
  readonly settleMs: number;
  /** How long a reader is watched for what an event does to it; an engine may send nothing for 10 s (reference 6.1). */
  readonly watchMs: number;
  /** How long a redirect's connection is watched for its end. */
  readonly redirectMs: number;
  readonly playlistMs: number;
  /** How long two engines are compared. */
  readonly compareMs: number;
  /** With --long: for a session's expiry, and for an event. */
  readonly idleMs: number;
  readonly idlePollMs: number;
  readonly eventMs: number;
  /** At the end: for starts that are still unanswered. */
  readonly lateStartMs: number;
}

export const DOCTOR_TIMES: DoctorTimes = {
  connectMs: 3_000,
  apiMs: 5_000,
  startMs: 40_000,
  stopMs: 5_000,
  firstByteMs: 60_000,
  recordMs: 30_000,
  statPollMs: 500,
  settleMs: 1_000,
  watchMs: 15_000,
  redirectMs: 5_000,
  playlistMs: 60_000,
  compareMs: 20_000,
  idleMs: 300_000,
  idlePollMs: 5_000,
  eventMs: 60_000,
  lateStartMs: 10_000,
};
