// Passkeys (Web Authentication, WebAuthn Level 3): a log-in by what a device keeps, in place of password and second step.
import { z } from 'zod'
import { passwordConfirmation } from './account.ts'
import { instantMs } from './time.ts'

export const maxPasskeysPerAccount = 20

/** What its owner calls it: 1 to 50 characters. */
export const passkeyName = z
  .string()
  .trim()
  .min(1, 'is required')
  .max(50, 'must be 50 characters or fewer')
  .regex(/^[^\x00-\x1f\x7f]*$/, 'must not hold control characters')

/** A passkey as its owner sees it. */
export const passkey = z.object({
  id: z.string(),
  name: z.string(),
  /** The host it was made at, with its port where that is no usual one: it works nowhere else. */
  host: z.string(),
  createdMs: instantMs,
  /** Of the last log-in with it. */
  lastUsedMs: instantMs.optional(),
})
export type Passkey = z.infer<typeof passkey>

export const passkeyRename = z.object({ name: passkeyName })

/** Whether passkeys can work at the address that the page was asked under. */
export const passkeyOffer = z.object({ isOffered: z.boolean() })

export const passkeyCreationRequest = passwordConfirmation

const credentialKind = z.literal('public-key')

/** What the browser is asked to make (`PublicKeyCredentialCreationOptionsJSON`). Bytes are base64url. */
export const passkeyCreation = z.object({
  challenge: z.string(),
  rp: z.object({ id: z.string(), name: z.string() }),
  user: z.object({ id: z.string(), name: z.string(), displayName: z.string() }),
  pubKeyCredParams: z.array(z.object({ type: credentialKind, alg: z.int() })),
  /** Milliseconds. */
  timeout: z.int(),
  excludeCredentials: z.array(z.object({ type: credentialKind, id: z.string(), transports: z.array(z.string()) })),
  authenticatorSelection: z.object({
    residentKey: z.literal('required'),
    requireResidentKey: z.literal(true),
    userVerification: z.literal('required'),
  }),
  attestation: z.literal('none'),
})
export type PasskeyCreation = z.infer<typeof passkeyCreation>

/** What the browser is asked to sign (`PublicKeyCredentialRequestOptionsJSON`). */
export const passkeyRequest = z.object({
  challenge: z.string(),
  rpId: z.string(),
  timeout: z.int(),
  /** None is named: whoever has one chooses. */
  allowCredentials: z.array(z.never()),
  userVerification: z.literal('required'),
})
export type PasskeyRequest = z.infer<typeof passkeyRequest>

/** Bytes as base64url (RFC 4648 §5), without padding. */
function bytes(maxChars: number) {
  return z
    .string()
    .min(1, 'is required')
    .max(maxChars, `must be ${maxChars} characters or fewer`)
    .regex(/^[A-Za-z0-9_-]*$/, 'must be base64url')
}

/** At most 1023 bytes (WebAuthn §4, "Credential ID"). */
const credentialId = bytes(1364)

const credential = {
  id: credentialId,
  rawId: credentialId,
  type: credentialKind,
  authenticatorAttachment: z.enum(['platform', 'cross-platform']).optional(),
  clientExtensionResults: z.record(z.string(), z.unknown()).optional(),
}

/** What the browser made (`RegistrationResponseJSON`). */
export const passkeyMade = z.object({
  ...credential,
  response: z.object({
    clientDataJSON: bytes(4096),
    attestationObject: bytes(65_536),
    transports: z.array(z.string().max(32)).max(8).optional(),
  }),
})
export type PasskeyMade = z.infer<typeof passkeyMade>

export const passkeyDraft = z.object({ name: passkeyName, credential: passkeyMade })

/** What the browser signed (`AuthenticationResponseJSON`). */
export const passkeyLogin = z.object({
  ...credential,
  response: z.object({
    clientDataJSON: bytes(4096),
    authenticatorData: bytes(4096),
    signature: bytes(4096),
    userHandle: bytes(128).optional(),
  }),
})
export type PasskeyLogin = z.infer<typeof passkeyLogin>
