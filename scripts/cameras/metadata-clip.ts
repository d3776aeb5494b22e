// An ONVIF metadata track (ONVIF Streaming Specification 5.1.2.1): one small XML document a second.
import { FramePacker, type RtpClip } from './rtp-clip.ts'

const PAYLOAD_TYPE = 107
const CLOCK_RATE = 90_000
/** Length of the loop: motion is told for its first half and denied for its second. */
const LOOP_SEC = 20

/** The track. Its documents carry a fixed time: a receiver goes by the RTP timestamp. */
export function packMetadata(): RtpClip {
  return {
    media: 'application',
    payloadType: PAYLOAD_TYPE,
    clockRate: CLOCK_RATE,
    rtpmap: `vnd.onvif.metadata/${CLOCK_RATE}`,
    fmtp: undefined,
    frameTicks: CLOCK_RATE,
    leadTicks: 0,
    frames: Array.from({ length: LOOP_SEC }, (_, second) => {
      const packer = new FramePacker(PAYLOAD_TYPE)
      packer.add([Buffer.from(motionDocument(second < LOOP_SEC / 2))], true)
      return packer.finish(true)
    }),
    widthPx: 0,
    heightPx: 0,
  }
}

function motionDocument(isMotion: boolean): string {
  return (
    '<?xml version="1.0" encoding="UTF-8"?>' +
    '<tt:MetadataStream xmlns:tt="http://www.onvif.org/ver10/schema"' +
    ' xmlns:wsnt="http://docs.oasis-open.org/wsn/b-2" xmlns:tns1="http://www.onvif.org/ver10/topics">' +
    '<tt:Event><wsnt:NotificationMessage>' +
    '<wsnt:Topic Dialect="http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet">' +
    'tns1:RuleEngine/CellMotionDetector/Motion</wsnt:Topic>' +
    '<wsnt:Message><tt:Message UtcTime="2026-01-01T00:00:00Z" PropertyOperation="Changed">' +
    '<tt:Source><tt:SimpleItem Name="VideoSourceConfigurationToken" Value="source0"/></tt:Source>' +
    `<tt:Data><tt:SimpleItem Name="IsMotion" Value="${isMotion}"/></tt:Data>` +
    '</tt:Message></wsnt:Message></wsnt:NotificationMessage></tt:Event></tt:MetadataStream>'
  )
}
