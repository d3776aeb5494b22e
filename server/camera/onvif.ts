// ONVIF devices: who they are, what streams they have, and the wish for a keyframe.
import { Worker } from 'node:worker_threads'
import type { OnvifProbe, OnvifProbeRequest } from '../../shared/camera.ts'
import { HostResolver, type Resolver } from '../base/resolver.ts'
import { type LoginGate, loginKey, processLoginGate } from '../base/retry.ts'
import type { OnvifDevice, OnvifFault, OnvifOutcome, OnvifTask } from './onvif-conversation.ts'

export interface OnvifOptions {
  resolver?: Resolver
  /** Shared by the whole process where not given. */
  loginGate?: LoginGate
  /** For one answer, in milliseconds. Default 5000. */
  timeoutMs?: number
  /** For all of it, in milliseconds. Default 15000: a device of many profiles is asked two questions about each. */
  deadlineMs?: number
  /** Ends it early: whoever asked has gone. */
  signal?: AbortSignal
}

/** The most memory a device's answers may take, in MiB: a camera's are a few kilobytes. */
export const maxHeapMb = 64

/**
 * Asks an ONVIF device who it is and what streams it has, the addresses of its streams rewritten to the host asked.
 *
 * Never rejects: a device that does not answer is a finding.
 */
export async function probeOnvif(request: OnvifProbeRequest, options: OnvifOptions = {}): Promise<OnvifProbe> {
  const outcome = await ask('probe', request, undefined, options)
  if (outcome.kind === 'device') return outcome.probe
  const { fault, words } =
    outcome.kind === 'failed' ? outcome : { fault: 'protocol' as const, words: 'no description came' }
  return { isReachable: false, fault, detail: `${request.host} port ${request.port}: ${words}` }
}

/**
 * Asks the device for a keyframe of the stream at `streamUrl`, for cameras whose next one is far or never. True where the
 * device took the wish. Never rejects.
 */
export async function requestKeyframe(
  request: OnvifProbeRequest & { streamUrl: string },
  options: OnvifOptions = {},
): Promise<boolean> {
  const outcome = await ask('keyframe', request, request.streamUrl, options)
  return outcome.kind === 'wish' && outcome.isTaken
}

async function ask(
  what: OnvifTask['what'],
  request: OnvifProbeRequest,
  streamUrl: string | undefined,
  options: OnvifOptions,
): Promise<OnvifOutcome> {
  const entry = await enter(request, options)
  if (entry.kind === 'failed') return entry
  const task: OnvifTask = { ...entry.device, what, streamUrl }
  const outcome = await inWorker(task, options.deadlineMs ?? 15_000, options.signal)
  entry.tell(outcome.kind === 'failed' ? outcome.fault : undefined)
  return outcome
}

/** Leave to speak to a device. `tell` is called once with how it went: the fault, or undefined where it answered. */
export interface OnvifEntry {
  kind: 'entry'
  device: OnvifDevice
  tell(fault: OnvifFault | undefined): void
}

/** Finds the device's address and asks leave to log in. Never rejects. */
export async function enter(
  { host, port, username, password }: OnvifProbeRequest,
  { resolver = new HostResolver(), loginGate = processLoginGate, timeoutMs = 5000 }: OnvifOptions,
): Promise<OnvifEntry | Extract<OnvifOutcome, { kind: 'failed' }>> {
  let addresses: string[]
  try {
    addresses = await resolver.resolve(host)
  } catch (error) {
    return { kind: 'failed', fault: 'name-resolution', words: (error as Error).message }
  }
  const leave = username === '' ? undefined : await loginGate.enter(loginKey(host, username), password)
  if (leave?.isGiven === false) {
    return { kind: 'failed', fault: 'login', words: 'this login was refused a moment ago and is not tried again yet' }
  }
  return {
    kind: 'entry',
    device: { address: addresses[0]!, host, port, username, password, timeoutMs },
    tell(fault) {
      if (fault === undefined) leave?.login.accepted()
      else if (fault === 'login') leave?.login.refused()
      else leave?.login.left()
    },
  }
}

/**
 * Runs the conversation in a worker. The package takes answers apart in callbacks of its own: one that is not as it
 * expects throws where nobody can catch it, and would end this process. It also reads answers of any length, and knows no
 * time limit for the whole.
 */
function inWorker(task: OnvifTask, deadlineMs: number, signal: AbortSignal | undefined): Promise<OnvifOutcome> {
  return new Promise((resolve) => {
    const worker = new Worker(new URL('./onvif-worker.ts', import.meta.url), {
      workerData: task,
      resourceLimits: { maxOldGenerationSizeMb: maxHeapMb },
      // What it says to the console is nothing to us, and might hold a password.
      stdout: true,
      stderr: true,
    })
    const finish = (outcome: OnvifOutcome): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', stop)
      void worker.terminate()
      resolve(outcome)
    }
    const fail = (fault: 'connection' | 'protocol', words: string): void => finish({ kind: 'failed', fault, words })
    const stop = (): void => fail('connection', 'given up')
    if (signal?.aborted) stop()
    else signal?.addEventListener('abort', stop)
    const timer = setTimeout(() => fail('connection', `not done within ${deadlineMs / 1000} s`), deadlineMs)
    worker.once('message', finish)
    worker.once('error', () => fail('protocol', 'an answer is not as ONVIF has it'))
    worker.once('exit', () => fail('protocol', 'an answer is not as ONVIF has it'))
  })
}
