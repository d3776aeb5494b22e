import assert from 'node:assert/strict'
import { presentationBase, resolveControl } from '../../../../server/media/rtsp/control-url.ts'

describe('control address', () => {
  it('is resolved as cameras expect', () => {
    const cases: [base: string, control: string | undefined, expected: string][] = [
      ['rtsp://h/a/', 'trackID=1', 'rtsp://h/a/trackID=1'],
      ['rtsp://h/a', 'trackID=1', 'rtsp://h/a/trackID=1'],
      ['rtsp://h/a/', '/trackID=1', 'rtsp://h/a/trackID=1'],
      ['rtsp://h/a', '*', 'rtsp://h/a'],
      ['rtsp://h/a', undefined, 'rtsp://h/a'],
      ['rtsp://h/a', '', 'rtsp://h/a'],
      ['rtsp://h/a', 'rtsp://10.0.0.5:554/b/track1', 'rtsp://10.0.0.5:554/b/track1'],
      ['rtsp://h/a', 'RTSPS://h/b', 'RTSPS://h/b'],
      // Dahua: a query in the base
      ['rtsp://h/cam?channel=1&subtype=0/', 'trackID=0', 'rtsp://h/cam?channel=1&subtype=0/trackID=0'],
      ['rtsp://h/cam?channel=1&subtype=0', 'trackID=0', 'rtsp://h/cam?channel=1&subtype=0/trackID=0'],
      ['rtsp://h/a', '?ctype=video', 'rtsp://h/a?ctype=video'],
    ]

    for (const [base, control, expected] of cases) assert.equal(resolveControl(base, control), expected)
  })

  it('begins at Content-Base, Content-Location or the address asked', () => {
    const asked = 'rtsp://10.0.0.5:554/live?x=1'

    assert.equal(presentationBase(asked), asked)
    assert.equal(presentationBase(asked, 'rtsp://10.0.0.5/live/'), 'rtsp://10.0.0.5/live/')
    assert.equal(presentationBase(asked, undefined, 'rtsp://h/x/'), 'rtsp://h/x/')
    assert.equal(presentationBase(asked, ' ', undefined), asked)
    assert.equal(presentationBase(asked, '/live/'), 'rtsp://10.0.0.5:554/live/')
    assert.equal(presentationBase(asked, 'rtsp:///live/'), asked)
  })
})
