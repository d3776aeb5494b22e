// Fetches one stretch of footage and cuts it up as it arrives.
import { BoxSplitter, type Cut } from './box-splitter.ts'

export interface PieceHead {
  /** For `addSourceBuffer`; empty where the stretch holds nothing. */
  mimeType: string
  /** Where to ask from next. */
  nextMs: number
  /** True where it was converted, since it cannot be played as it was recorded. */
  isConverted: boolean
  /** True where this stretch is still being recorded: what is not there yet may come. */
  isGrowing: boolean
}

/** Why a piece could not be had: the server's own words where it gave some. */
export class PieceError extends Error {
  /** The HTTP status, or 0 where nothing answered. */
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/**
 * Fetches `url`. `onHead` is told first and may refuse the body by returning false; then `onCuts` is given init segments
 * and fragments, in order, and awaited, so that no more is read than is taken.
 *
 * Fails with a PieceError, or an AbortError where `signal` fired.
 */
export async function readPiece(
  url: string,
  signal: AbortSignal,
  onHead: (head: PieceHead) => boolean,
  onCuts: (cuts: Cut[]) => Promise<void>,
): Promise<void> {
  const response = await fetch(url, { signal, cache: 'no-store' }).catch((cause: unknown) => {
    if (signal.aborted) throw cause
    throw new PieceError(0, 'the server does not answer')
  })
  if (!response.ok) {
    const body = (await response.json().catch(() => undefined)) as { message?: string } | undefined
    throw new PieceError(response.status, body?.message ?? `the server answered ${response.status}`)
  }
  const nextMs = Number(response.headers.get('x-next-ms'))
  const isEmpty = response.status === 204 || response.body === null
  const mimeType = isEmpty ? '' : (response.headers.get('x-mime-type') ?? '')
  const isConverted = response.headers.get('x-form') === 'h264'
  const isGrowing = response.headers.has('retry-after')
  if (!onHead({ mimeType, nextMs, isConverted, isGrowing }) || isEmpty) {
    await response.body?.cancel()
    return
  }
  const reader = response.body!.getReader()
  const splitter = new BoxSplitter()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    const cuts = splitter.push(value)
    if (cuts.length > 0) await onCuts(cuts)
  }
}
