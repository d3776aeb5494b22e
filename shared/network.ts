// How the server is reached: its name and ports, TLS and its certificate, and which addresses may ask.
import { z } from 'zod'
import { instantMs } from './time.ts'

/** 1–63 letters, digits and `-`, as one label of a host name (RFC 1123 §2.1). */
export const serverName = z
  .string()
  .trim()
  .min(1, 'is required')
  .max(63, 'must be 63 characters or fewer')
  .regex(/^[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?$/, 'may hold letters, digits and - only, no - at either end')

const port = z.int('must be a port, 1 to 65535').min(1, 'must be 1 to 65535').max(65_535, 'must be 1 to 65535')

export const networkSettings = z.object({
  serverName,
  httpPort: port,
  httpsPort: port,
  /** Whether the server listens for HTTPS too. */
  isHttpsOn: z.boolean(),
  /** Whether plain HTTP from other machines is sent on to HTTPS. */
  isHttpsForced: z.boolean(),
})
export type NetworkSettings = z.infer<typeof networkSettings>

export const networkChange = networkSettings.partial()
export type NetworkChange = z.infer<typeof networkChange>

export const networkStatus = networkSettings.extend({
  /** 0 where any free port will do and none is listened on. */
  httpPort: z.int(),
  httpsPort: z.int(),
  /** Settings that the server's environment decides, and the variable that does. */
  fixedBy: z.partialRecord(z.enum(['httpPort', 'httpsPort', 'isHttpsOn']), z.string()),
  /** Why HTTPS is on and yet nobody listens, such as a port that another program has. */
  httpsFault: z.string().optional(),
})
export type NetworkStatus = z.infer<typeof networkStatus>

/** A DNS name; `*.` at its front stands for any one label. */
const dnsName = z
  .string()
  .max(253, 'must be 253 characters or fewer')
  .regex(
    /^(?:\*\.)?(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/,
  )

/** What a certificate may be for: a DNS name or an address. */
export const certificateName = z
  .string()
  .trim()
  .refine(
    (text) => z.ipv4().safeParse(text).success || z.ipv6().safeParse(text).success || dnsName.safeParse(text).success,
    'must be a host name or an IP address',
  )

export const certificateSources = ['self-signed', 'imported', 'acme'] as const

export const certificate = z.object({
  source: z.enum(certificateSources),
  /** Distinguished names in one line, such as `CN=nas.example`. */
  subject: z.string(),
  issuer: z.string(),
  /** Names and addresses it holds for. */
  names: z.array(z.string()),
  notBeforeMs: instantMs,
  notAfterMs: instantMs,
  /** SHA-256 over the whole certificate, in hexadecimal pairs with `:`. */
  fingerprintSha256: z.string(),
  /** Such as `EC P-256` or `RSA 2048`. */
  keyKind: z.string(),
  /** Subjects of the certificates sent along after it, nearest first. */
  chain: z.array(z.string()),
  /** When it is renewed by itself; not there where it was imported. */
  renewsAtMs: instantMs.optional(),
})
export type Certificate = z.infer<typeof certificate>

const maxPemChars = 100_000
const pem = z.string().min(1, 'is required').max(maxPemChars, 'must be 100000 characters or fewer')
const passphrase = z.string().max(1024, 'must be 1024 characters or fewer')

export const certificateImport = z.object({
  /** PEM: the certificate, and its chain too where it is not given apart. Any order. */
  certificate: pem,
  /** PEM: intermediate certificates. */
  chain: z.string().max(maxPemChars, 'must be 100000 characters or fewer').optional(),
  /** PEM: the certificate's private key. Kept sealed, never given out. */
  key: pem,
  /** Of the key, where it is encrypted. */
  passphrase: passphrase.optional(),
})
export type CertificateImport = z.infer<typeof certificateImport>

export const pkcs12Import = z.object({
  /** A file `.pfx` or `.p12` in base64. */
  pkcs12: z.base64('must be base64').min(1, 'is required').max(200_000, 'must be 200000 characters or fewer'),
  passphrase: passphrase.default(''),
})
export type Pkcs12Import = z.infer<typeof pkcs12Import>

export const selfSignedRequest = z.object({
  /** 1–100 of them; where not given: the server's name, its host name, `localhost` and every address it has. */
  names: z.array(certificateName).min(1, 'needs at least one name').max(100, 'may hold 100 names or fewer').optional(),
})
export type SelfSignedRequest = z.infer<typeof selfSignedRequest>

export const acmeRequest = z.object({
  /** Names that lead to this server from the internet, 1–20; port 80 there must be led to its HTTP port. */
  names: z
    .array(
      dnsName.refine(
        (name) => !name.startsWith('*.') && !/^[\d.]+$/.test(name),
        'must be a host name, without * and no address',
      ),
    )
    .min(1, 'needs at least one name')
    .max(20, 'may hold 20 names or fewer'),
  /** Where the authority may write to. */
  email: z.email('must be an e-mail address').max(254).optional(),
  /** Consent to the authority's terms of service; without it nothing is asked for. */
  agreesToTerms: z.literal(true, 'must be true: the authority asks for consent to its terms'),
})
export type AcmeRequest = z.infer<typeof acmeRequest>

/** Such as `192.168.1.7`, `10.0.0.0/8`, `2001:db8::/32` or `192.168.1.10-192.168.1.20`. */
export const addressEntry = z.string().trim().min(1, 'is required').max(100, 'must be 100 characters or fewer')

export const securityLevels = ['allow-all', 'deny-list', 'allow-list'] as const

export const accessRule = z.object({
  /** Who may connect: all, all but the entries, or the entries alone. The server's own machine always may. */
  level: z.enum(securityLevels),
  entries: z.array(addressEntry).max(500, 'may hold 500 entries or fewer'),
})
export type AccessRule = z.infer<typeof accessRule>

/** True does it even where it locks out the address that asks. */
const isConfirmed = z.boolean().default(false)

export const accessRuleChange = accessRule.extend({ isConfirmed })
export type AccessRuleChange = z.infer<typeof accessRuleChange>

/** Minutes: 5 to a year, or null for ever. */
const banMin = z
  .int('must be whole minutes, 5 to 525600, or null for ever')
  .min(5, 'must be 5 minutes or more')
  .max(525_600, 'must be 525600 minutes (a year) or fewer, or null for ever')
  .nullable()

export const protection = z.object({
  isEnabled: z.boolean(),
  /** An address is banned at its so-many-th failed log-in, 2–100, */
  failedLogins: z.int().min(2, 'must be 2 or more').max(100, 'must be 100 or fewer'),
  /** within so many minutes, 1–1440, */
  withinMin: z.int().min(1, 'must be 1 minute or more').max(1440, 'must be 1440 minutes (a day) or fewer'),
  /** for so long. */
  banMin,
})
export type Protection = z.infer<typeof protection>

export const ban = z.object({
  id: z.string(),
  /** An address, a network or a range, as in `addressEntry`. */
  target: z.string(),
  sinceMs: instantMs,
  /** Not there where it is for ever. */
  untilMs: instantMs.optional(),
  reason: z.enum(['failed-logins', 'manual']),
  /** Who added it by hand. */
  username: z.string().optional(),
})
export type Ban = z.infer<typeof ban>

export const banDraft = z.object({ target: addressEntry, banMin, isConfirmed })
export type BanDraft = z.infer<typeof banDraft>
