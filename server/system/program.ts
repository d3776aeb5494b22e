// What a program of the machine prints.
import { execFile } from 'node:child_process'

const limitMs = 2000

/** Its output, or undefined where it is missing, fails or takes longer than two seconds. Words are in English. */
export function outputOf(program: string, args: string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    const env = { ...process.env, LC_ALL: 'C' }
    execFile(program, args, { timeout: limitMs, killSignal: 'SIGKILL', env }, (error, stdout) =>
      resolve(error === null ? stdout : undefined),
    )
  })
}

/** `5.1.6` of `ffmpeg version 5.1.6-0+deb12u1 Copyright …`; undefined where it says no version. */
export function ffmpegVersionOf(output: string): string | undefined {
  return /^ffmpeg version n?(\S+)/.exec(output)?.[1]?.replace(/^(\d+(?:\.\d+)*).*/, '$1')
}
