// Sources over RTSP and the scripted peers they fetch from, made and undone with each test.
import type { RtspSource } from '../../server/stream/rtsp-source.ts'
import { RtspPeer } from './rtsp-peer.ts'
import { SourceRecorder, testRtspSource } from './source-recorder.ts'

export class RtspBench {
  readonly #peers: RtspPeer[] = []
  readonly #sources: RtspSource[] = []

  /** The owner of the test's source. */
  begin(): SourceRecorder {
    return new SourceRecorder()
  }

  async end(): Promise<void> {
    await Promise.all(this.#sources.splice(0).map((source) => source.close()))
    await Promise.all(this.#peers.splice(0).map((peer) => peer.close()))
  }

  listen = async (...args: Parameters<typeof RtspPeer.listen>): Promise<RtspPeer> => {
    const peer = await RtspPeer.listen(...args)
    this.#peers.push(peer)
    return peer
  }

  fetch = (...args: Parameters<typeof testRtspSource>): RtspSource => {
    const source = testRtspSource(...args)
    this.#sources.push(source)
    source.start()
    return source
  }
}
