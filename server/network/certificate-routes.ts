// The certificate over HTTP. Its key comes in and never goes out.
import { acmeRequest, certificate, certificateImport, pkcs12Import, selfSignedRequest } from '../../shared/network.ts'
import { mediaRoute, type Route, route } from '../http/router.ts'
import type { CertificateService } from './certificate-service.ts'

export function certificateRoutes(certificates: CertificateService): Route[] {
  return [
    route(
      {
        method: 'get',
        path: 'api/network/certificate',
        answer: certificate,
        privilege: 'system.view',
        summary: 'The certificate that browsers are shown.',
      },
      () => certificates.get(),
    ),
    mediaRoute(
      {
        method: 'get',
        path: 'api/network/certificate.pem',
        answer: { contentTypes: ['application/x-pem-file'] },
        privilege: 'system.view',
        summary: 'The certificate and its chain as a file, without the key.',
      },
      async ({ response }) => {
        const pem = await certificates.pem()
        response.setHeader('Content-Type', 'application/x-pem-file')
        response.setHeader('Content-Disposition', 'attachment; filename="nightjar.pem"')
        response.end(pem)
      },
    ),
    route(
      {
        method: 'post',
        path: 'api/network/certificate/import',
        body: certificateImport,
        answer: certificate,
        privilege: 'system.manage',
        summary: 'Takes a certificate, its chain and its key, in PEM. Connections there are go on.',
        description:
          'Fails `invalid` at `certificate`, `chain`, `key` or `passphrase`: not PEM, of another key, over or not yet ' +
          'begun, weak, encrypted otherwise, or not of one chain. A chain in another order is put in order.',
      },
      ({ body, actor }) => certificates.importPem(body, actor),
    ),
    route(
      {
        method: 'post',
        path: 'api/network/certificate/import-pkcs12',
        body: pkcs12Import,
        answer: certificate,
        privilege: 'system.manage',
        summary: 'Takes a file .pfx or .p12, which holds all of it.',
        description: 'Fails `invalid` at `passphrase` or `pkcs12`, as the import of PEM does.',
      },
      ({ body, actor }) => certificates.importPkcs12(body, actor),
    ),
    route(
      {
        method: 'post',
        path: 'api/network/certificate/self-signed',
        body: selfSignedRequest,
        answer: certificate,
        privilege: 'system.manage',
        summary: 'Makes a certificate that the server signs by itself, for names given or its own.',
      },
      ({ body, actor }) => certificates.selfSign(body, actor),
    ),
    route(
      {
        method: 'post',
        path: 'api/network/certificate/acme',
        body: acmeRequest,
        answer: certificate,
        privilege: 'system.manage',
        summary:
          'Gets a certificate from Let’s Encrypt, or another authority that speaks ACME, and renews it from then on.',
        description:
          'Takes seconds to minutes. The authority asks for a proof at port 80 of each name, which must lead to this ' +
          'server’s HTTP port. Fails `unreachable` with what the authority said; `conflict` while another is asked for. ' +
          'Then the certificate there is stays.',
      },
      ({ body, actor }) => certificates.orderAcme(body, actor),
    ),
  ]
}
