import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  maxBodyBytes,
  maxHeaderBytes,
  type RtspMessage,
  RtspMessageParser,
  rtspHeader,
  rtspRequest,
  rtspResponse,
} from '../../../../server/media/rtsp/message.ts'
import { Failure } from '../../../../shared/failure.ts'

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

/** All messages in `bytes`, pushed in pieces that end at each of `cuts`. */
function parseAll(bytes: Uint8Array, cuts: number[] = []): RtspMessage[] {
  const parser = new RtspMessageParser()
  const messages: RtspMessage[] = []
  const ends = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)
  let at = 0
  for (const end of ends) {
    while (at < end) {
      at = parser.push(bytes, at, end)
      const message = parser.take()
      if (message) messages.push(message)
      else assert.equal(at, end)
    }
  }
  return messages
}

const conversation = bytesOf(
  [
    'RTSP/1.0 200 OK',
    'CSeq: 2',
    'WWW-Authenticate: Basic realm="a"',
    'www-authenticate: Digest realm="a",',
    '  nonce="b"',
    'Content-Length: 5',
    '',
    'v=0\r\n',
  ].join('\r\n') +
    '\r\nOPTIONS rtsp://10.0.0.5/ch1 RTSP/1.0\nCSeq: 7\n\n' +
    'RTSP/1.0 454 Session Not Found\r\n\r\n',
)

describe('RTSP message', () => {
  it('reads responses and requests, folded headers and bodies', () => {
    const [response, request, refusal] = parseAll(conversation)

    assert.ok(response?.kind === 'response' && request?.kind === 'request' && refusal?.kind === 'response')
    assert.deepEqual([response.status, response.reason, textOf(response.body)], [200, 'OK', 'v=0\r\n'])
    assert.deepEqual(response.headers.get('www-authenticate'), ['Basic realm="a"', 'Digest realm="a", nonce="b"'])
    assert.equal(rtspHeader(response, 'cseq'), '2')
    assert.deepEqual(
      [request.method, request.url, rtspHeader(request, 'CSeq')],
      ['OPTIONS', 'rtsp://10.0.0.5/ch1', '7'],
    )
    assert.deepEqual([refusal.status, refusal.reason, refusal.body.length], [454, 'Session Not Found', 0])
  })

  it('reads the same however the bytes are cut', () => {
    const whole = parseAll(conversation)
    fc.assert(
      fc.property(fc.array(fc.nat()), (cuts) => {
        assert.deepEqual(parseAll(conversation, cuts), whole)
      }),
    )
  })

  it('leaves what follows the message alone', () => {
    const parser = new RtspMessageParser()
    const bytes = bytesOf('$$RTSP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx$\0\0\x04')

    const end = parser.push(bytes, 2)

    assert.equal(end, bytes.length - 4)
    assert.equal(parser.isIdle, false)
    assert.equal(textOf(parser.take()!.body), 'x')
    assert.equal(parser.isIdle, true)
    assert.equal(parser.take(), undefined)
  })

  it('keeps what it read though the buffer is used again', () => {
    const parser = new RtspMessageParser()
    const buffer = bytesOf('RTSP/1.0 200 OK\r\nSession: ')
    parser.push(buffer)
    buffer.fill(0)

    parser.push(bytesOf('12\r\n\r\n'))

    assert.equal(rtspHeader(parser.take()!, 'session'), '12')
  })

  it('takes a start line without a reason, and passes over lines without a colon', () => {
    const [message] = parseAll(bytesOf('RTSP/1.0 200\r\nnonsense\r\n folded nonsense\r\n: x\r\nA:\r\n\r\n'))

    assert.ok(message?.kind === 'response')
    assert.equal(message.reason, '')
    assert.deepEqual([...message.headers], [['a', ['']]])
  })

  it('refuses what is no RTSP, and lengths beyond the limits', () => {
    const refused = (text: string, reason: RegExp): void => {
      assert.throws(
        () => parseAll(bytesOf(text)),
        (error) => error instanceof Failure && error.kind === 'corrupt' && reason.test(error.message),
      )
    }

    refused('HTTP/1.1 200 OK\r\n\r\n', /begins with "HTTP\/1\.1 200 OK"/)
    refused('RTSP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n', /Content-Length "-1"/)
    refused(`RTSP/1.0 200 OK\r\nContent-Length: ${maxBodyBytes + 1}\r\n\r\n`, /body of 1048577 bytes/)
    refused(`RTSP/1.0 200 OK\r\nX: ${'x'.repeat(maxHeaderBytes)}\r\n\r\n`, /more than 65536 bytes of headers/)
    refused('x'.repeat(maxHeaderBytes + 1), /more than 65536 bytes of headers/)
  })

  it('throws nothing but a failure on garbage', () => {
    const piece = fc.oneof(
      fc.constantFrom('RTSP/1.0 ', '200', '\r\n', '\n', ' ', ':', 'Content-Length: 3', '\0', 'GET / RTSP/1.0'),
      fc.string(),
    )
    fc.assert(
      fc.property(fc.array(piece), fc.array(fc.nat()), (pieces, cuts) => {
        try {
          parseAll(bytesOf(pieces.join('')), cuts)
        } catch (error) {
          assert.ok(error instanceof Failure)
        }
      }),
    )
  })

  it('writes requests and answers that read back', () => {
    const body = bytesOf('x=y')
    const request = rtspRequest('ANNOUNCE', 'rtsp://h/a?b=c', 3, { Session: '12' }, body)

    assert.equal(
      textOf(request),
      'ANNOUNCE rtsp://h/a?b=c RTSP/1.0\r\nCSeq: 3\r\nSession: 12\r\nContent-Length: 3\r\n\r\nx=y',
    )
    assert.equal(parseAll(request).length, 1)
    assert.equal(textOf(rtspResponse(200, 'OK', 7)), 'RTSP/1.0 200 OK\r\nCSeq: 7\r\n\r\n')
  })

  it('never writes a header that was slipped into a value', () => {
    assert.throws(() => rtspRequest('PLAY', 'rtsp://h/', 1, { Range: 'npt=0-\r\nX: y' }), /line break/)
    assert.throws(() => rtspRequest('PLAY', 'rtsp://h/ RTSP/1.0\r\nX: y', 1), /white space/)
  })
})
