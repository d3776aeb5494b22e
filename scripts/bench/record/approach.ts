// One way to record cameras, as the record bench drives it.

export interface Approach {
  readonly name: string
  /** Begins to record each address into files below `folder`. */
  start(urls: readonly string[], folder: string): Promise<void>
  /** The processes that do it, all of them. */
  pids(): number[]
  /** From here on gaps count: the first frames are in. */
  beginWindow(): void
  /** Ends recording, files closed; says how often it knew that footage is missing, where it can know. */
  stop(): Promise<{ knownGaps: number | undefined }>
  /** What one camera's picture was recorded into, by its number from 0, in order of time. */
  files(camera: number): string[]
  /** Whether the files are movies; otherwise they are bytes as they came. */
  readonly hasMovies: boolean
}
