// Answers WS-Discovery probes (OASIS WS-Discovery 1.0, ONVIF Core 7) for all cameras of a farm.
import { createSocket, type Socket } from 'node:dgram'
import type { Camera } from './camera.ts'
import { scopesOf } from './onvif-service.ts'
import { escapeXml, textOf } from './onvif-soap.ts'

const GROUP = '239.255.255.250'
const PORT = 3702

/** Listens until closed. */
export class DiscoveryResponder {
  #socket: Socket

  private constructor(socket: Socket) {
    this.#socket = socket
  }

  /**
   * @param host address of the interface to join the group on
   * @param addressOf a camera's device service
   * @param port another than ONVIF's, for tests; 0 for any free one
   */
  static async open(
    host: string,
    cameras: readonly Camera[],
    addressOf: (camera: Camera) => string,
    port = PORT,
  ): Promise<DiscoveryResponder> {
    const socket = createSocket({ type: 'udp4', reuseAddr: true })
    socket.on('message', (message, from) => {
      const xml = message.toString()
      if (!/<(?:[\w-]+:)?Probe[\s/>]/.test(xml)) return
      const messageId = textOf(xml, 'MessageID') ?? ''
      for (const camera of cameras) {
        if (camera.context.faults.mute || camera.context.faults.refuse) continue
        socket.send(probeMatch(camera, messageId, addressOf(camera)), from.port, from.address)
      }
    })
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.bind(port, () => resolve())
    })
    socket.addMembership(GROUP, host === '0.0.0.0' ? undefined : host)
    return new DiscoveryResponder(socket)
  }

  get port(): number {
    return this.#socket.address().port
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#socket.close(() => resolve()))
  }
}

function probeMatch(camera: Camera, messageId: string, address: string): string {
  // The name seeds the identity, so that a camera keeps it from one start to the next.
  const identity = `urn:uuid:6e6a2d63-616d-4d53-8c5e-${Buffer.from(camera.name).toString('hex').padStart(12, '0').slice(-12)}`
  return (
    '<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"' +
    ' xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"' +
    ' xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl">' +
    `<s:Header><a:MessageID>urn:uuid:${crypto.randomUUID()}</a:MessageID>` +
    `<a:RelatesTo>${escapeXml(messageId)}</a:RelatesTo>` +
    '<a:To>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:To>' +
    '<a:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/ProbeMatches</a:Action></s:Header>' +
    `<s:Body><d:ProbeMatches><d:ProbeMatch><a:EndpointReference><a:Address>${identity}</a:Address>` +
    '</a:EndpointReference><d:Types>dn:NetworkVideoTransmitter</d:Types>' +
    `<d:Scopes>${scopesOf(camera).join(' ')}</d:Scopes><d:XAddrs>${address}</d:XAddrs>` +
    '<d:MetadataVersion>1</d:MetadataVersion></d:ProbeMatch></d:ProbeMatches></s:Body></s:Envelope>'
  )
}
